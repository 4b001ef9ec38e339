// What the ends of rows stand for: a memory of byte sequences, under a bound. Found by a hash and then compared whole, so
// that no two are ever taken for one another.

/** Sequences in each of two generations: what was not met in the last so many new ones is forgotten. */
const GENERATION = 65_536;
/** Longer than the answers to ten Client Hellos; what is longer is not remembered. */
const MOST_BYTES = 4096;

interface Tail {
  readonly bytes: Buffer;
  readonly value: number;
}

export class RowTails {
  #young = new Map<number, Tail>();
  #old = new Map<number, Tail>();
  /** The bytes of the last call as four at a time; rows come in batches. */
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(this.#bytes.buffer, 0, 0);

  /** The number that was remembered with the bytes from `start` to `end`; undefined: not met, or forgotten. */
  get(bytes: Buffer, start: number, end: number): number | undefined {
    const hash = this.#hashOf(bytes, start, end);
    let tail = this.#young.get(hash);
    if (tail === undefined) {
      tail = this.#old.get(hash);
      if (tail !== undefined) this.#put(hash, tail);
    }
    if (tail?.bytes.length !== end - start) return undefined;
    return bytes.compare(tail.bytes, 0, end - start, start, end) === 0 ? tail.value : undefined;
  }

  set(bytes: Buffer, start: number, end: number, value: number): void {
    if (end - start > MOST_BYTES) return;
    this.#put(this.#hashOf(bytes, start, end), { bytes: Buffer.from(bytes.subarray(start, end)), value });
  }

  #put(hash: number, tail: Tail): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(hash, tail);
  }

  /** A poor hash costs time and no more: any two sequences that differ in four bytes alone have different ones. */
  #hashOf(bytes: Buffer, start: number, end: number): number {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const view = this.#view;
    let hash = end - start;
    let at = start;
    for (; at + 4 <= end; at += 4) hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x9e3779b1);
    return hash;
  }
}
