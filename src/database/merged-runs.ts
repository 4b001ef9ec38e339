// Sorted runs of sightings (sighting-run.ts) read as one, in their order.

import {
  ADDRESS_BYTES,
  FIXED_BYTES,
  NAME_BYTES,
  NEXT_PLACE,
  PLACE,
  PORT,
  PROFILE,
  recordBytes,
  SEEN,
  viewOf,
  WEEK_UNIT,
} from './sighting-record.js';

/** Reads records out of sorted pieces: of one run, in its order. */
export class RunReader {
  #bytes: Buffer = Buffer.alloc(0);
  #view = viewOf(this.#bytes);
  #at = 0;
  #next = 0;
  /** What runs are merged by: the week and the first four bytes of the address, then the next four. */
  place = 0;
  nextPlace = 0;

  /** @param pieces of the run, each of which may be overwritten once the next one is asked for */
  constructor(readonly pieces: Iterator<Buffer>) {}

  /** Goes to the next record; false behind the last. */
  next(): boolean {
    if (this.#next === this.#bytes.length) {
      const piece = this.pieces.next();
      if (piece.done === true) return false;
      this.#bytes = piece.value;
      this.#view = viewOf(piece.value);
      this.#next = 0;
    }
    this.#at = this.#next;
    this.#next += recordBytes(this.#view, this.#at);
    this.place = this.#view.getFloat64(this.#at + PLACE);
    this.nextPlace = this.#view.getUint32(this.#at + NEXT_PLACE);
    return true;
  }

  get week(): number {
    return Math.floor(this.place / WEEK_UNIT);
  }

  get profile(): number {
    return this.#view.getUint32(this.#at + PROFILE);
  }

  get seen(): number {
    return this.#view.getFloat64(this.#at + SEEN);
  }

  get port(): number {
    return this.#view.getUint16(this.#at + PORT);
  }

  get addressBytes(): number {
    return this.#view.getUint8(this.#at + ADDRESS_BYTES);
  }

  /** Writes the address, of `addressBytes`, to the beginning of `memory`. */
  copyAddress(memory: Uint8Array): void {
    const start = this.#at + FIXED_BYTES;
    const length = this.addressBytes;
    for (let i = 0; i < length; i++) memory[i] = this.#bytes[start + i] ?? 0;
  }

  get name(): string {
    const start = this.#at + FIXED_BYTES + this.#view.getUint8(this.#at + ADDRESS_BYTES);
    const length = this.#view.getUint16(this.#at + NAME_BYTES);
    return length === 0 ? '' : this.#bytes.toString('utf8', start, start + length);
  }
}

/** Several runs as one, smallest first; of each record the reader that stands on it. */
export class MergedRuns {
  /** A binary heap: no reader is before the one at half its place. */
  readonly #heap: RunReader[] = [];
  #started = false;

  constructor(readers: readonly RunReader[]) {
    for (const reader of readers) if (reader.next()) this.#heap.push(reader);
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** The reader that stands on the next record, until `next` is called again; null behind the last. */
  next(): RunReader | null {
    const [first] = this.#heap;
    if (first !== undefined && this.#started) {
      if (!first.next()) {
        const last = this.#heap.pop();
        if (last !== undefined && last !== first) this.#heap[0] = last;
      }
      this.#sink(0);
    }
    this.#started = true;
    return this.#heap[0] ?? null;
  }

  #sink(place: number): void {
    const heap = this.#heap;
    const sinking = heap[place];
    if (sinking === undefined) return;
    for (let i = place; ;) {
      let child = 2 * i + 1;
      const left = heap[child];
      const right = heap[child + 1];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child += 1;
      const smaller = heap[child];
      if (smaller === undefined || !isBefore(smaller, sinking)) break;
      heap[child] = sinking;
      heap[i] = smaller;
      i = child;
    }
  }
}

function isBefore(a: RunReader, b: RunReader): boolean {
  return a.place < b.place || (a.place === b.place && a.nextPlace < b.nextPlace);
}
