// One cursor over received bytes. Every bound is checked here and nowhere else, and nothing here throws on hostile
// bytes: the first failure is kept with its offset and reason, every read after it gives 0 or an empty view, and every
// loop over `more` ends. So a decoder reads like the RFC's presentation language and looks at `failure` once, at its end.
import type { Decoded, Malformed, Message, NeedMore } from './decoded.js';

/** The answer of a decoder of bytes whose length is settled: there is no "need more". */
export type Whole<T> = Message<T> | Malformed;

const NOTHING = new Uint8Array(0);

/**
 * A cursor with nested length scopes. Offsets (also those in failures) count from the start of `bytes`.
 * `what` names the field being read, in the words of its RFC; it ends up in the reason of a failure.
 */
export class Reader {
  readonly bytes: Uint8Array;
  /** Where the next read starts. */
  offset: number;
  /** Where the innermost open scope ends. */
  end: number;
  failure: NeedMore | Malformed | null = null;
  /** Open scopes; in scope 0 the bytes may merely not have arrived yet. */
  private depth: number;

  private constructor(bytes: Uint8Array, offset: number, end: number, depth: number) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
    this.depth = depth;
  }

  /** Reads bytes that may go on: running past their end is "need more", past the end of a scope inside it "malformed". */
  static ofStream(bytes: Uint8Array, offset = 0, end = bytes.length): Reader {
    return new Reader(bytes, offset, end, 0);
  }

  /** Reads bytes whose length is settled (a message, an extension's data): running past their end is "malformed". */
  static ofWhole(bytes: Uint8Array, offset = 0, end = bytes.length): Reader {
    return new Reader(bytes, offset, end, 1);
  }

  /** Whether the innermost scope has bytes left; false after a failure. */
  more(): boolean {
    return this.offset < this.end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  uint8(what: string): number {
    const at = this.offset;
    if (at + 1 > this.end) return this.short(1, what);
    this.offset = at + 1;
    return this.bytes[at] ?? 0;
  }

  uint16(what: string): number {
    const at = this.offset;
    if (at + 2 > this.end) return this.short(2, what);
    this.offset = at + 2;
    const bytes = this.bytes;
    return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }

  uint24(what: string): number {
    const at = this.offset;
    if (at + 3 > this.end) return this.short(3, what);
    this.offset = at + 3;
    const bytes = this.bytes;
    return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  }

  uint32(what: string): number {
    const at = this.offset;
    if (at + 4 > this.end) return this.short(4, what);
    this.offset = at + 4;
    const bytes = this.bytes;
    return (
      (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>>
      0
    );
  }

  /** The next `length` bytes as a view. */
  view(length: number, what: string): Uint8Array {
    const at = this.offset;
    if (at + length > this.end) {
      this.short(length, what);
      return NOTHING;
    }
    this.offset = at + length;
    return this.bytes.subarray(at, at + length);
  }

  skip(length: number, what: string): void {
    if (this.offset + length > this.end) this.short(length, what);
    else this.offset += length;
  }

  /** `opaque x<0..2^8-1>` as a view. */
  opaque8(what: string): Uint8Array {
    return this.view(this.uint8(what), what);
  }

  /** `opaque x<0..2^16-1>` as a view. */
  opaque16(what: string): Uint8Array {
    return this.view(this.uint16(what), what);
  }

  /** `opaque x<0..2^24-1>` as a view. */
  opaque24(what: string): Uint8Array {
    return this.view(this.uint24(what), what);
  }

  /** Opens the scope of a vector with a one-byte length; hand the result to `close`. */
  open8(what: string): number {
    return this.open(this.uint8(what), what);
  }

  /** Opens the scope of a vector with a two-byte length; hand the result to `close`. */
  open16(what: string): number {
    return this.open(this.uint16(what), what);
  }

  /** Opens the scope of a vector with a three-byte length; hand the result to `close`. */
  open24(what: string): number {
    return this.open(this.uint24(what), what);
  }

  /** Leaves a scope. Bytes of it that nobody has read are a failure. */
  close(outerEnd: number, what: string): void {
    if (this.failure !== null) return;
    if (this.offset !== this.end) {
      this.fail(`${this.end - this.offset} bytes left over in ${what}`);
      return;
    }
    this.end = outerEnd;
    this.depth -= 1;
  }

  /** Says that everything has been read: bytes that are left are a failure. */
  finish(what: string): void {
    if (this.failure === null && this.offset !== this.end) {
      this.fail(`${this.end - this.offset} bytes left over in ${what}`);
    }
  }

  /** The answer of a decoder whose bytes may go on behind the value. */
  answer<T>(value: T): Decoded<T> {
    return this.failure ?? { kind: 'message', value, end: this.offset };
  }

  /** The answer of a decoder for which the bytes are exactly one value: bytes that are left are a failure. */
  answerWhole<T>(value: T, what: string): Whole<T> {
    this.finish(what);
    const failure = this.failure;
    if (failure === null) return { kind: 'message', value, end: this.offset };
    if (failure.kind === 'malformed') return failure;
    return { kind: 'malformed', offset: this.offset, reason: `${what} ends ${failure.missing} bytes early` };
  }

  /** Notes that the bytes can never be valid. The first failure stays. */
  fail(reason: string, offset = this.offset): void {
    this.failure ??= { kind: 'malformed', offset, reason };
    this.end = this.offset;
  }

  private open(length: number, what: string): number {
    const outerEnd = this.end;
    if (this.failure !== null) return outerEnd;
    if (this.offset + length > outerEnd) {
      this.short(length, what);
      return outerEnd;
    }
    this.end = this.offset + length;
    this.depth += 1;
    return outerEnd;
  }

  private short(length: number, what: string): 0 {
    if (this.failure === null) {
      const missing = this.offset + length - this.end;
      if (this.depth === 0) this.failure = { kind: 'need_more', missing };
      else this.failure = { kind: 'malformed', offset: this.offset, reason: `${what} ends ${missing} bytes early` };
    }
    this.end = this.offset;
    return 0;
  }
}
