// A CSV file as rows whose columns are found by name. What is damaged is counted and listed with its line number;
// it never stops the reading. What the rows mean is decided by the importers.

import { parse } from 'csv-parse/sync';
import { HellotapError } from '../errors.js';
import { tableLines, type LineBatch } from './table-lines.js';

/** A row that was left out, and why. */
export interface Reject {
  readonly line: number;
  readonly reason: string;
}

/** Counts of what was read; the first rejects with their lines. */
export interface ReadCounts {
  /** Rows with values, the rejected ones among them. */
  rows: number;
  rejected: number;
  readonly rejects: Reject[];
}

/** Rejects that are listed; more are only counted. */
const LISTED_REJECTS = 20;

export function emptyCounts(): ReadCounts {
  return { rows: 0, rejected: 0, rejects: [] };
}

export function reject(counts: ReadCounts, line: number, reason: string): void {
  counts.rejected += 1;
  if (counts.rejects.length < LISTED_REJECTS) counts.rejects.push({ line, reason });
}

/** A table's header: where each column stands. */
export class Header {
  readonly #positions: ReadonlyMap<string, number>;

  constructor(
    readonly columns: readonly string[],
    readonly line: number,
  ) {
    this.#positions = new Map(columns.map((name, index) => [name, index]));
  }

  has(name: string): boolean {
    return this.#positions.has(name);
  }

  /** Position of the first of these columns that is there, -1 where none is. */
  position(...names: readonly string[]): number {
    for (const name of names) {
      const position = this.#positions.get(name);
      if (position !== undefined) return position;
    }
    return -1;
  }
}

/** What an importer does with a table of its kind. */
export interface TableLoad {
  readonly table: string;
  /** Columns that mean nothing to it. */
  readonly unknownColumns: readonly string[];
  /** How many values a row must have where the last ones may be missing; absent: as many as the header has columns. */
  readonly leastColumns?: number;
  /** One row: the values by position, as many as the header has columns. Returns why it is refused, null where it is not. */
  row(values: readonly string[]): string | null;
  /**
   * The same for a line without quotes before it is taken apart, for tables of millions of rows; undefined: take it apart.
   */
  rowText?(text: string): string | null | undefined;
  /** Brings all rows in, inside of `write`; `changed`: how many of them said something new. */
  merge(): { readonly changed: number; readonly newFingerprints: number };
}

/** How a table is read: which importer its header calls for (ERR_IMPORT where none), and what each batch of rows runs in. */
export interface TableReading {
  readonly choose: (header: Header) => TableLoad;
  /** The columns that a comment names, where it is the header of a known table (abuse.ch writes them so); else null. */
  readonly commentedHeader?: ((comment: string) => readonly string[] | null) | undefined;
  readonly inBatch: (body: () => void) => void;
}

/**
 * Reads a table: the first line that is neither empty nor a comment names the columns.
 * Throws ERR_IMPORT where there is no header.
 */
export async function readTable(
  name: string,
  source: AsyncIterable<Uint8Array>,
  counts: ReadCounts,
  { choose, commentedHeader, inBatch }: TableReading,
): Promise<TableLoad> {
  const reading = { header: null as Header | null, load: null as TableLoad | null };
  for await (const batch of tableLines(source)) {
    inBatch(() => {
      readBatch(name, batch, counts, reading, { choose, commentedHeader });
    });
  }
  if (reading.load === null) {
    throw new HellotapError('ERR_IMPORT', `${name}: is empty; expected a table with a header line`);
  }
  return reading.load;
}

function readBatch(
  name: string,
  batch: LineBatch,
  counts: ReadCounts,
  reading: { header: Header | null; load: TableLoad | null },
  { choose, commentedHeader }: Pick<TableReading, 'choose' | 'commentedHeader'>,
): void {
  let nextBad = 0;
  const takeBad = (before: number): void => {
    for (let bad = batch.bad[nextBad]; bad !== undefined && bad.line < before; bad = batch.bad[++nextBad]) {
      if (reading.load === null) throw notATable(name, bad.line, bad.reason);
      counts.rows += 1;
      reject(counts, bad.line, bad.reason);
    }
  };
  for (const [index, text] of batch.lines.entries()) {
    const line = batch.numbers[index] ?? 0;
    takeBad(line);
    if (text === '') continue;
    if (text.startsWith('#')) {
      const columns = reading.header === null ? (commentedHeader?.(text) ?? null) : null;
      if (columns !== null) reading.load = choose((reading.header = new Header(columns, line)));
      continue;
    }
    if (reading.header === null || reading.load === null) {
      const values = splitRow(text);
      if (typeof values === 'string') throw notATable(name, line, values);
      reading.header = new Header(
        values.map((column) => column.trim().toLowerCase()),
        line,
      );
      reading.load = choose(reading.header);
      continue;
    }
    counts.rows += 1;
    const reason = rowReason(text, reading.header, reading.load);
    if (reason !== null) reject(counts, line, reason);
  }
  takeBad(Infinity);
}

function rowReason(text: string, header: Header, load: TableLoad): string | null {
  const quick = load.rowText !== undefined && !text.includes('"') ? load.rowText(text) : undefined;
  if (quick !== undefined) return quick;
  const values = splitRow(text);
  if (typeof values === 'string') return values;
  if (values.length > header.columns.length || values.length < (load.leastColumns ?? header.columns.length)) {
    return `${values.length} columns where the header has ${header.columns.length}`;
  }
  return load.row(values);
}

function notATable(name: string, line: number, reason: string): HellotapError {
  return new HellotapError('ERR_IMPORT', `${name}, line ${line}: ${reason}; expected a CSV table with a header line`);
}

/** The values of a line (RFC 4180), or why it has none. */
function splitRow(text: string): string[] | string {
  if (!text.includes('"')) return text.split(',');
  try {
    const rows: string[][] = parse(text, { relax_column_count: true, trim: true });
    return rows[0] ?? [];
  } catch {
    return 'quotes are broken';
  }
}
