// A stream of bytes as numbered lines, in batches of whole lines and in bounded memory. Lines stay bytes until somebody
// needs their text. No table that comes in here may hold a line break inside of a value, so that a damaged line never takes
// its neighbours along.

import { isUtf8 } from 'node:buffer';

/** Whole lines with LF between them, the first of them line `first` of the file (counted from 1). */
export interface Lines {
  readonly bytes: Buffer;
  readonly first: number;
}

/** Lines, or one that is too long to keep. */
export type LineBatch = ({ readonly kind: 'lines' } & Lines) | { readonly kind: 'too long'; readonly line: number };

/** Far more than any row of ten fingerprints. */
export const MAX_LINE_BYTES = 1 << 20;

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0;

/** Gathers bytes until a line ends; what is given out may be overwritten once the next batch is asked for. */
export async function* tableLines(
  source: AsyncIterable<Uint8Array>,
  maxLineBytes = MAX_LINE_BYTES,
): AsyncGenerator<LineBatch> {
  let line = 1;
  const rest = new Rest(maxLineBytes);
  for await (const chunk of source) {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const first = bytes.indexOf(LF);
    if (first < 0) {
      rest.keep(bytes);
      continue;
    }
    if (!rest.empty) {
      // A batch of its own, so that what follows need not be copied.
      if (rest.tooLong) yield { kind: 'too long', line };
      else yield { kind: 'lines', bytes: rest.before(bytes.subarray(0, first)), first: line };
      line += 1;
      rest.clear();
      bytes = bytes.subarray(first + 1);
    }
    const last = bytes.lastIndexOf(LF);
    if (last >= 0) {
      const lines = bytes.subarray(0, last);
      yield { kind: 'lines', bytes: lines, first: line };
      line += countLines(lines);
    }
    rest.keep(bytes.subarray(last + 1));
  }
  if (rest.tooLong) yield { kind: 'too long', line };
  else if (!rest.empty) yield { kind: 'lines', bytes: rest.before(Buffer.alloc(0)), first: line };
}

/** Calls `visit` with where each line of a batch begins and ends, its line break left out. */
export function eachLine({ bytes, first }: Lines, visit: (start: number, end: number, line: number) => void): void {
  let start = 0;
  for (let line = first; ; line++) {
    const found = bytes.indexOf(LF, start);
    const end = found < 0 ? bytes.length : found;
    visit(start, end > start && bytes[end - 1] === CR ? end - 1 : end, line);
    if (found < 0) return;
    start = found + 1;
  }
}

/** Why a line is no text, null where it is. */
export function lineDamage(line: Buffer, maxLineBytes = MAX_LINE_BYTES): string | null {
  if (line.length > maxLineBytes) return tooLong(maxLineBytes);
  if (line.includes(NUL)) return 'holds NUL bytes: no text';
  return isUtf8(line) ? null : 'not UTF-8 text';
}

export function tooLong(maxLineBytes = MAX_LINE_BYTES): string {
  return `longer than ${maxLineBytes} bytes`;
}

function countLines(bytes: Buffer): number {
  let lines = 1;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines += 1;
  return lines;
}

/** The beginning of a line whose end has not come yet; no more of it than a line may have. */
class Rest {
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(readonly maxLineBytes: number) {}

  get tooLong(): boolean {
    return this.#bytes > this.maxLineBytes;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  keep(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.tooLong) this.#pieces = [];
    // Copied: a stream may use the chunk's memory again.
    else if (bytes.length > 0) this.#pieces.push(Buffer.from(bytes));
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }

  /** What was kept, with the bytes that follow it. */
  before(bytes: Buffer): Buffer {
    if (this.empty) return bytes;
    const joined = Buffer.concat([...this.#pieces, bytes]);
    this.clear();
    return joined;
  }
}
