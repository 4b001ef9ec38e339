// A table as an Apache Parquet file, for pandas, DuckDB and the like: a row group at a time, so that memory stays bounded.

import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Cell, ColumnType, ExportTable } from './export-table.js';

const ROWS_PER_GROUP = 20_000;

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

const ELEMENTS: Readonly<Record<ColumnType, Omit<SchemaElement, 'name'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  integer: { type: 'INT64', repetition_type: 'OPTIONAL' },
  // In UTC (Parquet format specification, LogicalTypes.md).
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'OPTIONAL' },
};

/** The file's bytes, in pieces: one per row group, and the end. */
export function* parquetPieces({ columns, rows }: ExportTable, rowsPerGroup = ROWS_PER_GROUP): Generator<Uint8Array> {
  const writer = new ByteWriter();
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type }) => ({ name, ...ELEMENTS[type] })),
  ];
  const parquet = new ParquetWriter({ writer, schema, createdBy: 'hellotap' });
  const group = columns.map((): unknown[] => []);
  const writeGroup = (): Uint8Array => {
    const columnData = columns.map(({ name }, i) => ({ name, data: group[i] ?? [] }));
    void parquet.write({ columnData, rowGroupSize: rowsPerGroup });
    for (const data of group) data.length = 0;
    return taken(writer);
  };
  for (const row of rows) {
    for (const [i, { type }] of columns.entries()) group[i]?.push(value(row[i] ?? null, type));
    if (group[0]?.length === rowsPerGroup) yield writeGroup();
  }
  if ((group[0]?.length ?? 0) > 0) yield writeGroup();
  void parquet.finish();
  yield taken(writer);
}

function value(cell: Cell, type: ColumnType): unknown {
  if (typeof cell !== 'number') return cell;
  return type === 'time' ? new Date(cell * 1000) : BigInt(cell);
}

/** What has been written so far; the writer goes on behind it. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = Uint8Array.from(writer.getBytes());
  writer.index = 0;
  return bytes;
}
