// A CSV file as rows whose columns are found by name. What is damaged is counted and listed with its line number;
// it never stops the reading. What the rows mean is decided by the importers.

import { parse } from 'csv-parse/sync';
import { HellotapError } from '../errors.js';
import { RowScanner, type OpenLine, type ScannedRows } from './row-scanner.js';
import { ScanThread } from './scan-thread.js';
import { eachRecord } from './sighting-record.js';
import { eachLine, lineDamage, tableLines, tooLong, type LineBatch, type Lines } from './table-lines.js';

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

/** A table up to this length is read before a thread for it has started. */
const SHORT_TABLE_BYTES = 8 << 20;
/** Bytes that a thread may be ahead: it goes on while this one sorts a run of sightings. */
const MOST_AHEAD = 32 << 20;

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

/** `changed`: how many rows said something new. */
export interface MergeResult {
  readonly changed: number;
  readonly newFingerprints: number;
}

/** What an importer does with a table of its kind. */
export interface TableLoad {
  readonly table: string;
  /** Columns that mean nothing to it. */
  readonly unknownColumns: readonly string[];
  /** How many values a row must have where the last ones may be missing; absent: as many as the header has columns. */
  readonly leastColumns?: number;
  /**
   * One row: the values by position, as many as the header has columns. Returns why it is refused, null where it is not.
   */
  row(values: readonly string[]): string | null;
  /** A shorter way for tables of millions of rows whose first columns are ip,port,server_name. */
  readonly servers?: ServerRows | undefined;
  /** Of a list without columns: one line as it stands there. Returns why it is refused, null where it is not. */
  line?(text: string): string | null;
  /** Brings all rows in, inside of `write`; at one go, or in steps that tell how many rows have come in. */
  merge(): MergeResult | Generator<number, MergeResult>;
}

/** What an importer does with rows that begin with a server (row-scanner.ts). */
export interface ServerRows {
  /** The number of what a row says of its server; or why no such row is taken. */
  profile(values: readonly string[]): number | string;
  /** Takes servers as records (sighting-record.ts), with the number of each; negative: it is refused. */
  add(records: Uint8Array, profiles: Int32Array): void;
}

/** How a table is read: which importer its header calls for (ERR_IMPORT where none), and what each batch of rows runs in. */
export interface TableReading {
  readonly choose: (header: Header) => TableLoad;
  /** The columns that a comment names, where it is the header of a known table (abuse.ch writes them so); else null. */
  readonly commentedHeader?: ((comment: string) => readonly string[] | null) | undefined;
  /** A list without columns, by its first line; null where it is none. */
  readonly list?: ((firstLine: string) => TableLoad | null) | undefined;
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
  { choose, commentedHeader, list, inBatch }: TableReading,
): Promise<TableLoad> {
  const reading = new TableRows(name, counts, choose, commentedHeader, list);
  let bytes = 0;
  let thread: ScanThread | null = null;
  const take = (batch: LineBatch): void => {
    inBatch(() => {
      if (batch.kind === 'too long') reading.damaged(batch.line, tooLong());
      else reading.lines(batch);
    });
  };
  const takeScanned = async (scans: ScanThread, mostWaiting: number): Promise<void> => {
    while (scans.waiting > mostWaiting) {
      const scanned = await scans.next();
      inBatch(() => {
        reading.scanned(scanned);
      });
    }
  };
  try {
    for await (const batch of tableLines(source)) {
      if (batch.kind === 'lines') bytes += batch.bytes.length;
      if (batch.kind === 'lines' && bytes > SHORT_TABLE_BYTES && reading.load?.servers !== undefined) {
        thread ??= new ScanThread();
        thread.post(batch);
        await takeScanned(thread, MOST_AHEAD);
      } else {
        if (thread !== null) await takeScanned(thread, 0);
        take(batch);
      }
    }
    if (thread !== null) await takeScanned(thread, 0);
  } finally {
    await thread?.close();
  }
  if (reading.load === null) {
    throw new HellotapError('ERR_IMPORT', `${name}: is empty; expected a table with a header line`);
  }
  return reading.load;
}

/** The rows of one table, as its lines come. */
class TableRows {
  #header: Header | null = null;
  load: TableLoad | null = null;
  #scanner: RowScanner | null = null;
  /** What the ends of rows stand for, by the scanner's numbers; a text: why such rows are refused. */
  readonly #tails: (number | string)[] = [];

  constructor(
    readonly name: string,
    readonly counts: ReadCounts,
    readonly choose: TableReading['choose'],
    readonly commentedHeader: TableReading['commentedHeader'],
    readonly list: TableReading['list'],
  ) {}

  damaged(line: number, reason: string): void {
    if (this.load === null) throw notATable(this.name, line, reason);
    this.counts.rows += 1;
    reject(this.counts, line, reason);
  }

  lines(lines: Lines): void {
    const { bytes } = lines;
    if (this.load?.servers !== undefined) {
      this.scanned((this.#scanner ??= new RowScanner()).scan(lines));
      return;
    }
    let rest = null as Lines | null;
    eachLine(lines, (start, end, line) => {
      if (rest !== null) return;
      // With the header comes the way to read what follows it.
      if (this.load?.servers !== undefined) rest = { bytes: bytes.subarray(start), first: line };
      else this.#line(bytes, start, end, line);
    });
    if (rest !== null) this.lines(rest);
  }

  /** What has been made of lines of a table of servers. */
  scanned({ bytes, records, count, open }: ScannedRows): void {
    let next = 0;
    const openUpTo = (last: number): void => {
      for (let one = open[next]; one !== undefined && one.line <= last; one = open[++next]) this.#open(bytes, one);
    };
    const profiles = new Int32Array(count);
    let row = 0;
    eachRecord(records, (tail, line) => {
      openUpTo(line);
      const profile = this.#tails[tail] ?? '';
      if (typeof profile === 'string') reject(this.counts, line, profile);
      profiles[row++] = typeof profile === 'string' ? -1 : profile;
    });
    openUpTo(Infinity);
    this.counts.rows += count;
    this.load?.servers?.add(records, profiles);
  }

  #open(bytes: Buffer, { line, start, end, tail }: OpenLine): void {
    if (tail < 0) this.#line(bytes, start, end, line);
    else this.#tails[tail] = this.#profileOf(bytes.subarray(start, end));
  }

  #profileOf(line: Buffer): number | string {
    const damage = lineDamage(line);
    if (damage !== null) return damage;
    const values = this.#values(line.toString('utf8'));
    return typeof values === 'string' ? values : (this.load?.servers?.profile(values) ?? '');
  }

  #line(bytes: Buffer, start: number, end: number, line: number): void {
    const own = bytes.subarray(start, end);
    const damage = lineDamage(own);
    if (damage !== null) {
      this.damaged(line, damage);
      return;
    }
    const text = own.toString('utf8');
    this.#text(line === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text, line);
  }

  #text(text: string, line: number): void {
    if (text === '') return;
    // pyasn begins its comments so. In a table with a header line, what begins so is no row, and to be named.
    if (text.startsWith(';') && (this.#header === null || this.load?.line !== undefined)) return;
    if (text.startsWith('#')) {
      const columns = this.#header === null ? (this.commentedHeader?.(text) ?? null) : null;
      if (columns !== null) this.load = this.choose((this.#header = new Header(columns, line)));
      return;
    }
    if (this.#header === null) {
      const list = this.list?.(text) ?? null;
      if (list !== null) {
        this.#header = new Header([], line);
        this.load = list;
      }
    }
    if (this.#header === null || this.load === null) {
      const values = splitRow(text);
      if (typeof values === 'string') throw notATable(this.name, line, values);
      this.#header = new Header(
        values.map((column) => column.trim().toLowerCase()),
        line,
      );
      this.load = this.choose(this.#header);
      return;
    }
    this.counts.rows += 1;
    const reason = this.#reason(text, this.load);
    if (reason !== null) reject(this.counts, line, reason);
  }

  #reason(text: string, load: TableLoad): string | null {
    if (load.line !== undefined) return load.line(text);
    const values = this.#values(text);
    return typeof values === 'string' ? values : load.row(values);
  }

  /** As many values as the header has columns, or as a row of this table must have; or why it is none. */
  #values(text: string): string[] | string {
    const values = splitRow(text);
    const columns = this.#header?.columns.length ?? 0;
    if (typeof values === 'string') return values;
    if (values.length > columns || values.length < (this.load?.leastColumns ?? columns)) {
      return `${values.length} columns where the header has ${columns}`;
    }
    return values;
  }
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
