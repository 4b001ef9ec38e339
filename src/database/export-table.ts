// A table on its way out: columns with types and rows one by one, so that a database larger than memory can be written.
// As CSV it leaves here, as Parquet in export-parquet.ts.

import { stringify } from 'csv-stringify/sync';
import { timeText } from './time-text.js';

/** `time`: whole seconds since 1970. */
export type ColumnType = 'text' | 'integer' | 'time';

export type Cell = string | number | null;

export interface ExportTable {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** As many cells as there are columns; null: not known. */
  readonly rows: Iterable<readonly Cell[]>;
}

const ROWS_PER_PIECE = 500;

/** CSV (RFC 4180) with a header line; null is an empty value, times are ISO 8601. */
export function* csvPieces({ columns, rows }: ExportTable): Generator<string> {
  let piece: string[][] = [columns.map(({ name }) => name)];
  for (const row of rows) {
    if (piece.length === ROWS_PER_PIECE) {
      yield stringify(piece);
      piece = [];
    }
    piece.push(row.map((cell, i) => cellText(cell, columns[i]?.type)));
  }
  yield stringify(piece);
}

function cellText(cell: Cell, type: ColumnType | undefined): string {
  if (cell === null) return '';
  return type === 'time' && typeof cell === 'number' ? timeText(cell) : String(cell);
}
