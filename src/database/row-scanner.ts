// Rows of ip,port,server_name and a rest that comes millions of times: their bytes taken in, and given back as records of
// servers (sighting-record.ts), each with a number for its rest. What a rest means is asked once for each number; rows of any
// other look are named, to be taken apart by somebody else. Knows no database, so that it runs in a thread of its own.

import { RowTails } from './row-tails.js';
import { ServerColumns } from './server-columns.js';
import { RecordWriter } from './sighting-record.js';
import { eachLine, type Lines } from './table-lines.js';

/** A line that has to be looked at. */
export interface OpenLine {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** The number of its rest, which from now on stands for this one; -1: the line has no record. */
  readonly tail: number;
}

export interface ScannedRows {
  /** The lines that were scanned. */
  readonly bytes: Buffer;
  /** Records with the number of their rest for a profile, and their line as the mark. */
  readonly records: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** In the order of lines. */
  readonly open: readonly OpenLine[];
}

export class RowScanner {
  readonly #tails = new RowTails();
  readonly #server = new ServerColumns();
  readonly #records = new RecordWriter();

  scan(lines: Lines): ScannedRows {
    const open: OpenLine[] = [];
    const { bytes } = lines;
    const server = this.#server;
    eachLine(lines, (start, end, line) => {
      const tail = server.read(bytes, start, end) ? this.#tails.numberOf(bytes, server.end, end) : -1;
      if (tail < 0 || this.#tails.isNew) open.push({ line, start, end, tail });
      if (tail < 0) return;
      this.#records.add(server.address, server.addressBytes, server.port, server.name, server.nameBytes, tail, line);
    });
    return { bytes, ...this.#records.take(), open };
  }
}
