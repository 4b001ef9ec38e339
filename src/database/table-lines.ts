// A stream of bytes as numbered lines of text, in batches and in bounded memory. Damaged lines are told apart, never
// joined with their neighbours: no table that comes in here may hold a line break inside of a value.

import { isAscii, isUtf8 } from 'node:buffer';

/** A line that is no text, and why. */
export interface BadLine {
  readonly line: number;
  readonly reason: string;
}

/** `lines[i]` is line `numbers[i]` of the file, counted from 1, without its line break. */
export interface LineBatch {
  readonly lines: string[];
  readonly numbers: number[];
  readonly bad: BadLine[];
}

/** Far more than any row of ten fingerprints. */
export const MAX_LINE_BYTES = 1 << 20;

const LF = 0x0a;
const NUL = 0;

/** Splits bytes into lines (LF or CRLF; a byte-order mark is dropped); one batch per chunk that ends a line. */
export async function* tableLines(
  source: AsyncIterable<Uint8Array>,
  maxLineBytes = MAX_LINE_BYTES,
): AsyncGenerator<LineBatch> {
  const splitter = new LineSplitter(maxLineBytes);
  for await (const chunk of source) {
    const batch = splitter.push(chunk);
    if (batch !== null) yield batch;
  }
  const last = splitter.end();
  if (last !== null) yield last;
}

class LineSplitter {
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #skipping = false;
  #line = 0;

  constructor(readonly maxLineBytes: number) {}

  push(chunk: Uint8Array): LineBatch | null {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const first = bytes.indexOf(LF);
    if (first < 0) {
      this.#keep(bytes);
      return null;
    }
    const batch: LineBatch = { lines: [], numbers: [], bad: [] };
    this.#keep(bytes.subarray(0, first));
    this.#finishRest(batch);
    const last = bytes.lastIndexOf(LF);
    if (last > first) this.#split(bytes.subarray(first + 1, last), batch);
    this.#keep(bytes.subarray(last + 1));
    return batch;
  }

  end(): LineBatch | null {
    if (this.#restBytes === 0 && !this.#skipping) return null;
    const batch: LineBatch = { lines: [], numbers: [], bad: [] };
    this.#finishRest(batch);
    return batch;
  }

  #keep(bytes: Uint8Array): void {
    if (this.#skipping) return;
    this.#restBytes += bytes.length;
    if (this.#restBytes > this.maxLineBytes) {
      this.#skipping = true;
      this.#rest = [];
      return;
    }
    // Copied: a stream may use the chunk's memory again.
    if (bytes.length > 0) this.#rest.push(Uint8Array.from(bytes));
  }

  #finishRest(batch: LineBatch): void {
    if (this.#skipping) {
      this.#line += 1;
      batch.bad.push({ line: this.#line, reason: `longer than ${this.maxLineBytes} bytes` });
    } else {
      this.#take(Buffer.concat(this.#rest), batch);
    }
    this.#rest = [];
    this.#restBytes = 0;
    this.#skipping = false;
  }

  #split(bytes: Buffer, batch: LineBatch): void {
    if (!isAscii(bytes) || bytes.includes(NUL)) {
      let start = 0;
      for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
        this.#take(bytes.subarray(start, end), batch);
        start = end + 1;
      }
      this.#take(bytes.subarray(start), batch);
      return;
    }
    // Plain ASCII, the usual case: one conversion for the whole chunk.
    for (const text of bytes.toString('latin1').split('\n')) {
      if (text.length > this.maxLineBytes) {
        this.#line += 1;
        batch.bad.push({ line: this.#line, reason: `longer than ${this.maxLineBytes} bytes` });
      } else {
        this.#accept(text, batch);
      }
    }
  }

  #take(bytes: Buffer, batch: LineBatch): void {
    if (bytes.length > this.maxLineBytes) {
      this.#line += 1;
      batch.bad.push({ line: this.#line, reason: `longer than ${this.maxLineBytes} bytes` });
    } else if (isUtf8(bytes) && !bytes.includes(NUL)) {
      this.#accept(bytes.toString('utf8'), batch);
    } else {
      this.#line += 1;
      batch.bad.push({ line: this.#line, reason: bytes.includes(NUL) ? 'holds NUL bytes: no text' : 'not UTF-8 text' });
    }
  }

  #accept(text: string, batch: LineBatch): void {
    this.#line += 1;
    let line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (this.#line === 1 && line.startsWith('\uFEFF')) line = line.slice(1);
    batch.lines.push(line);
    batch.numbers.push(this.#line);
  }
}
