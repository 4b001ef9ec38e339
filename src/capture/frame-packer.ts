// Packs frames that somebody else captured into one buffer, as the packet core's FrameQueue reads them (native/core/input.h):
// a header of 16 bytes like that of a pcap record (little-endian, microseconds), then the frame.

const HEADER_BYTES = 16;
const FIRST_CAPACITY = 256 * 1024;

/** Frames that wait to be handed to the packet core. */
export class FramePacker {
  #buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #length = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get byteLength(): number {
    return this.#length;
  }

  /** Adds the first `captured` bytes of `data`, of a frame that had `original` bytes on the wire. */
  add(seconds: number, microseconds: number, data: Uint8Array, captured: number, original: number): void {
    const end = this.#length + HEADER_BYTES + captured;
    if (end > this.#buffer.length) this.#grow(end);
    const buffer = this.#buffer;
    let at = buffer.writeUInt32LE(seconds, this.#length);
    at = buffer.writeUInt32LE(microseconds, at);
    at = buffer.writeUInt32LE(captured, at);
    at = buffer.writeUInt32LE(original, at);
    buffer.set(captured === data.length ? data : data.subarray(0, captured), at);
    this.#length = end;
    this.#count++;
  }

  /** All frames since the last call; valid until the next is added. */
  take(): Uint8Array {
    const packed = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    this.#count = 0;
    return packed;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
