// A sighting as bytes: where and when a server was seen, and the number of its profile. Records stand one behind the other.

/** Where in a record what stands; the address and the name, in UTF-8, follow the fixed part. All are big-endian. */
export const PLACE = 0;
export const NEXT_PLACE = 8;
export const PROFILE = 12;
export const SEEN = 16;
export const PORT = 24;
export const NAME_BYTES = 26;
export const ADDRESS_BYTES = 28;
export const FIXED_BYTES = 32;
/** Records begin at multiples of it: they are copied by words. */
export const WORD = 4;

/** What a week is worth in a place: more than any four bytes of an address. */
export const WEEK_UNIT = 2 ** 32;

/** Calls `visit` with the profile and the mark that each record was given. */
export function eachRecord(records: Uint8Array, visit: (profile: number, mark: number) => void): void {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let start = 0; start < records.length; start += recordBytes(view, start)) {
    visit(view.getUint32(start + PROFILE), view.getFloat64(start + SEEN));
  }
}

/** Writes records of servers whose profiles and times are told later. */
export class RecordWriter {
  #bytes = Buffer.allocUnsafeSlow(1 << 18);
  #view = viewOf(this.#bytes);
  #end = 0;
  #records = 0;

  /** @param name bytes of it, in lower case; `profile` and `mark`: numbers that `eachRecord` tells */
  add(
    address: Uint8Array,
    addressBytes: number,
    port: number,
    name: Uint8Array,
    nameBytes: number,
    profile: number,
    mark: number,
  ): void {
    const start = this.#end;
    this.#end = afterRecord(start + FIXED_BYTES + addressBytes + nameBytes);
    if (this.#end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * this.#end);
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    const bytes = this.#bytes;
    const addressAt = start + FIXED_BYTES;
    const nameAt = addressAt + addressBytes;
    for (let i = 0; i < addressBytes; i++) bytes[addressAt + i] = address[i] ?? 0;
    for (let i = 0; i < nameBytes; i++) bytes[nameAt + i] = name[i] ?? 0;
    writeFixed(this.#view, start, port, addressBytes, nameBytes);
    this.#view.setUint32(start + PROFILE, profile);
    this.#view.setFloat64(start + SEEN, mark);
    this.#records += 1;
  }

  /** The records since the last call. */
  take(): { readonly records: Uint8Array<ArrayBuffer>; readonly count: number } {
    const taken = { records: new Uint8Array(this.#bytes.subarray(0, this.#end)), count: this.#records };
    this.#end = this.#records = 0;
    return taken;
  }
}

export function writeFixed(view: DataView, start: number, port: number, addressBytes: number, nameBytes: number): void {
  view.setUint32(start + NEXT_PLACE, addressBytes >= 8 ? view.getUint32(start + FIXED_BYTES + 4) : 0);
  view.setUint16(start + PORT, port);
  view.setUint16(start + NAME_BYTES, nameBytes);
  view.setUint8(start + ADDRESS_BYTES, addressBytes);
}

export function recordBytes(view: DataView, start: number): number {
  return afterRecord(FIXED_BYTES + view.getUint8(start + ADDRESS_BYTES) + view.getUint16(start + NAME_BYTES));
}

export function afterRecord(end: number): number {
  return (end + WORD - 1) & ~(WORD - 1);
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
