// Sightings gathered in memory until a run is full, then put in the order of the database's keys, near enough: by week, then
// by the first eight bytes of the address, so that the database's pages are filled one after the other.

import {
  afterRecord,
  FIXED_BYTES,
  NEXT_PLACE,
  PLACE,
  PROFILE,
  recordBytes,
  SEEN,
  viewOf,
  WEEK_UNIT,
  WORD,
  writeFixed,
} from './sighting-record.js';

/** Bytes of a full run; sorting takes half as much again. */
const RUN_BYTES = 1 << 23;
/** More records than a run has room for. */
const MOST_RECORDS = 2 ** 21;
const FIRST_RECORDS = 64;
/** Of an address and a name as most are. */
const USUAL_BYTES = 64;
const PIECE_BYTES = 1 << 16;

type KeyOf = (start: number) => number;

/** Gathers records, and gives them back sorted. */
export class SightingRun {
  #bytes = Buffer.allocUnsafeSlow(FIRST_RECORDS * USUAL_BYTES);
  #view = viewOf(this.#bytes);
  #end = 0;
  #starts: Uint32Array = new Uint32Array(FIRST_RECORDS);
  #records = 0;
  #week = -1;
  #manyWeeks = false;

  constructor(readonly mostBytes = RUN_BYTES) {}

  /** Whether it is time to empty it. */
  get full(): boolean {
    return this.#end >= this.mostBytes;
  }

  /** @param week of `seen`, which is in seconds since 1970 */
  add(address: Uint8Array, port: number, name: string, profile: number, seen: number, week: number): void {
    // A character takes three bytes at most.
    this.#makeRoom(FIXED_BYTES + address.length + 3 * name.length);
    const start = this.#end;
    const addressAt = start + FIXED_BYTES;
    const nameAt = addressAt + address.length;
    for (let i = 0; i < address.length; i++) this.#bytes[addressAt + i] = address[i] ?? 0;
    const nameBytes = name === '' ? 0 : this.#bytes.write(name, nameAt);
    writeFixed(this.#view, start, port, address.length, nameBytes);
    this.#end = afterRecord(nameAt + nameBytes);
    this.#finish(start, profile, seen, week);
  }

  /** Takes records as `RecordWriter` made them. @param profiles of each of them; negative: it is left out */
  addRecords(records: Uint8Array, profiles: Int32Array, seen: number, week: number): void {
    this.#makeRoom(records.length);
    this.#bytes.set(records, this.#end);
    const end = this.#end + records.length;
    for (let start = this.#end, i = 0; start < end; start += recordBytes(this.#view, start), i++) {
      const profile = profiles[i] ?? -1;
      if (profile >= 0) this.#finish(start, profile, seen, week);
    }
    this.#end = end;
  }

  #finish(start: number, profile: number, seen: number, week: number): void {
    const view = this.#view;
    view.setFloat64(start + PLACE, week * WEEK_UNIT + view.getUint32(start + FIXED_BYTES));
    view.setUint32(start + PROFILE, profile);
    view.setFloat64(start + SEEN, seen);
    if (this.#records === this.#starts.length) this.#starts = enlarged(this.#starts);
    this.#starts[this.#records] = start;
    this.#manyWeeks ||= this.#records > 0 && week !== this.#week;
    this.#week = week;
    this.#records += 1;
  }

  /** All records in order, in pieces of whole records; the run is empty then. */
  *sorted(): Generator<Buffer> {
    const from = wordsOf(this.#bytes);
    let piece = Buffer.alloc(0);
    let to = wordsOf(piece);
    let used = 0;
    for (const record of this.#order()) {
      const start = at(this.#starts, record);
      const length = recordBytes(this.#view, start);
      if (used + length > piece.length) {
        if (used > 0) yield piece.subarray(0, used);
        piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, length));
        to = wordsOf(piece);
        used = 0;
      }
      for (let i = 0; i < length; i += WORD) to[(used + i) >>> 2] = at(from, (start + i) >>> 2);
      used += length;
    }
    if (used > 0) yield piece.subarray(0, used);
    this.#records = 0;
    this.#end = 0;
    this.#manyWeeks = false;
  }

  #makeRoom(more: number): void {
    const needed = this.#end + more + WORD;
    if (needed <= this.#bytes.length) return;
    // A full run is emptied soon: more room than for one is not to be taken without need.
    const room = Math.max(needed, Math.min(2 * needed, this.mostBytes));
    const larger = Buffer.allocUnsafeSlow(afterRecord(room));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }

  #order(): Uint32Array {
    const order = new Uint32Array(this.#records);
    for (let i = 0; i < order.length; i++) order[i] = i;
    const week: KeyOf = (start) => Math.floor(this.#view.getFloat64(start + PLACE) / WEEK_UNIT);
    const place: KeyOf = (start) => this.#view.getUint32(start + FIXED_BYTES);
    const nextPlace: KeyOf = (start) => this.#view.getUint32(start + NEXT_PLACE);
    const keys = new Float64Array(this.#records);
    this.#sort(order, keys, 0, this.#records, this.#manyWeeks ? [week, place, nextPlace] : [place, nextPlace]);
    return order;
  }

  /** Sorts a range by the first of some keys of 32 bits, and what is equal in it by the others. */
  #sort(order: Uint32Array, keys: Float64Array, from: number, to: number, [key, ...more]: readonly KeyOf[]): void {
    if (key === undefined || to - from < 2) return;
    // Key and record in one number: numbers are sorted without a comparison in JavaScript.
    for (let i = from; i < to; i++) {
      const record = at(order, i);
      keys[i] = key(at(this.#starts, record)) * MOST_RECORDS + record;
    }
    keys.subarray(from, to).sort();
    let start = from;
    for (let i = from; i < to; i++) {
      const whole = keys[i] ?? 0;
      const high = Math.floor(whole / MOST_RECORDS);
      order[i] = whole - high * MOST_RECORDS;
      if (high === Math.floor((keys[start] ?? 0) / MOST_RECORDS)) continue;
      this.#sort(order, keys, start, i, more);
      start = i;
    }
    this.#sort(order, keys, start, to, more);
  }
}

/** What is not a whole word at the end is left out. */
function wordsOf(bytes: Buffer): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}

function enlarged(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * array.length);
  larger.set(array);
  return larger;
}

/** An element within bounds. */
function at(array: Uint32Array, index: number): number {
  return array[index] ?? 0;
}
