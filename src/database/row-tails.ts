// What the ends of rows stand for: a memory of byte sequences, under a bound. Found by a hash and then compared whole, so
// that no two are ever taken for one another.

/** Sequences, and bytes of them, that are remembered; when there are more, all are forgotten. */
const MOST_TAILS = 1 << 17;
const MOST_BYTES = 1 << 26;
/** Longer than the answers to ten Client Hellos; what is longer is not remembered. */
const LONGEST = 4096;
/** Places of the hash table: half of them stay empty. */
const PLACES = 2 * MOST_TAILS;
/** Places that are looked at for a sequence. Where somebody made many for one place, some are not remembered. */
const MOST_LOOKS = 128;

/** Numbers from 0 for the sequences that it remembers. A number is given again once all have been forgotten. */
export class RowTails {
  /** At each place of the hash table the number there plus one; hash, begin and end of each number. */
  readonly #places = new Int32Array(PLACES);
  readonly #hashes = new Int32Array(MOST_TAILS);
  readonly #ends = new Uint32Array(MOST_TAILS + 1);
  #bytes = Buffer.allocUnsafeSlow(1 << 16);
  #tails = 0;
  /** The bytes of the last call as four at a time; rows come in batches. */
  #seen: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(this.#seen.buffer, 0, 0);
  /** Whether the last number that was given was given for the first time. */
  isNew = false;

  /** The number of the bytes from `start` to `end`, which are remembered; -1 where they cannot be. */
  numberOf(bytes: Buffer, start: number, end: number): number {
    this.isNew = false;
    const length = end - start;
    if (length > LONGEST) return -1;
    const hash = this.#hashOf(bytes, start, end);
    let place = hash & (PLACES - 1);
    for (let looks = 0; looks < MOST_LOOKS; looks++, place = (place + 1) & (PLACES - 1)) {
      const tail = (this.#places[place] ?? 0) - 1;
      if (tail < 0) return this.#remember(bytes, start, end, hash, place);
      const from = this.#ends[tail] ?? 0;
      const to = this.#ends[tail + 1] ?? 0;
      if (this.#hashes[tail] !== hash || to - from !== length) continue;
      if (bytes.compare(this.#bytes, from, to, start, end) === 0) return tail;
    }
    return -1;
  }

  #remember(bytes: Buffer, start: number, end: number, hash: number, place: number): number {
    let from = this.#ends[this.#tails] ?? 0;
    if (this.#tails === MOST_TAILS || from + end - start > MOST_BYTES) {
      this.#places.fill(0);
      this.#tails = from = 0;
    }
    const to = from + end - start;
    if (to > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, 2 * to));
      this.#bytes.copy(larger, 0, 0, from);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, from, start, end);
    const tail = this.#tails++;
    this.#hashes[tail] = hash;
    this.#ends[tail + 1] = to;
    this.#places[place] = tail + 1;
    this.isNew = true;
    return tail;
  }

  /** Four lanes, so that no multiplication waits for the one before. A poor hash costs time and no more. */
  #hashOf(bytes: Buffer, start: number, end: number): number {
    if (bytes !== this.#seen) {
      this.#seen = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const view = this.#view;
    let a = end - start;
    let b = 1;
    let c = 2;
    let d = 3;
    let at = start;
    for (; at + 16 <= end; at += 16) {
      a = mixed(a ^ view.getInt32(at, true));
      b = mixed(b ^ view.getInt32(at + 4, true));
      c = mixed(c ^ view.getInt32(at + 8, true));
      d = mixed(d ^ view.getInt32(at + 12, true));
    }
    for (; at < end; at++) a = mixed(a ^ view.getUint8(at));
    return mixed(mixed(mixed(a ^ b) ^ c) ^ d);
  }
}

/** Low bits of a product do not know of high bits of its factors: what is high is brought down. */
function mixed(word: number): number {
  const product = Math.imul(word, 0x9e3779b1);
  return product ^ (product >>> 16);
}
