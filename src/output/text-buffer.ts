// Text on its way out as bytes: pieces are put one behind the other into one buffer, those that were made before as they are.

/** A buffer that grows as it has to, and is used again once it has been emptied. */
export class TextBuffer {
  #bytes: Buffer;
  #length = 0;

  /** @param size bytes to begin with */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  get length(): number {
    return this.#length;
  }

  /** Puts text, as UTF-8. */
  text(text: string): void {
    // A UTF-16 unit becomes three bytes at most.
    this.#reserve(3 * text.length);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Puts bytes from `from` on. */
  bytes(bytes: Uint8Array, from = 0): void {
    this.#reserve(bytes.length);
    this.#bytes.set(from === 0 ? bytes : bytes.subarray(from), this.#length);
    this.#length += bytes.length - from;
  }

  /** Free memory behind what has been put, of at least so many bytes; `advance` says how many of them are put. */
  room(bytes: number): Uint8Array {
    this.#reserve(bytes);
    return this.#bytes.subarray(this.#length);
  }

  advance(bytes: number): void {
    this.#length += bytes;
  }

  /** What has been put; valid until more is. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Hands over what has been put, and goes on in memory of its own. */
  take(): Buffer {
    const taken = this.view();
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#length = 0;
    return taken;
  }

  /** Forgets what has been put. */
  clear(): void {
    this.#length = 0;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
