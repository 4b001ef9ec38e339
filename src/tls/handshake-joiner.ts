// Joins the fragments of handshake records into handshake messages (RFC 8446 section 5.1: a message may be split over
// records, and a record may hold several). Used for clear text by opening.ts and for decrypted records by the prober.
import type { HandshakeType } from './constants.js';
import type { Malformed } from './decoded.js';

export const HANDSHAKE_HEADER_LENGTH = 4;

const EMPTY = new Uint8Array(0);

/** Longer messages are refused unless the caller says otherwise. OpenSSL's default limit for a chain is 100 KiB. */
export const DEFAULT_MAX_MESSAGE_LENGTH = 128 * 1024;

/** A complete handshake message. `raw` is header and body (what a transcript hash takes), `body` what follows the header. */
export interface HandshakeMessage {
  readonly type: HandshakeType;
  readonly body: Uint8Array;
  readonly raw: Uint8Array;
}

/** The beginning of a message whose end has not been seen. */
export interface PartialMessage {
  readonly type: HandshakeType;
  /** Length of the body as announced. */
  readonly length: number;
  /** What there is of the body. */
  readonly body: Uint8Array;
}

/**
 * Takes fragments with `push` and gives messages with `next`, until that answers null: more is needed then.
 * A message that lies in one fragment is a view of it; one that does not is joined in a buffer of its own, which grows
 * with what was really received and never over the limit.
 */
export class HandshakeJoiner {
  private fragment: Uint8Array = EMPTY;
  private offset = 0;
  private joined: Uint8Array = EMPTY;
  private joinedLength = 0;

  constructor(private readonly maxMessageLength = DEFAULT_MAX_MESSAGE_LENGTH) {}

  /** Whether a message has begun and not ended. RFC 8446 section 5.1: no other record type may come in between. */
  get pending(): boolean {
    return this.joinedLength > 0 || this.offset < this.fragment.length;
  }

  /** Adds the fragment of one handshake record. Messages before it have to be taken out with `next` first. */
  push(fragment: Uint8Array): void {
    if (this.offset < this.fragment.length) this.keepRest();
    this.fragment = fragment;
    this.offset = 0;
  }

  /** The next message; null: more fragments are needed; malformed: its length is over the limit (offset in the message). */
  next(): HandshakeMessage | Malformed | null {
    if (this.joinedLength > 0) return this.nextJoined();
    const { fragment, offset } = this;
    if (fragment.length - offset < HANDSHAKE_HEADER_LENGTH) return null;
    const length = bodyLength(fragment, offset);
    if (length > this.maxMessageLength) return tooLong(length, this.maxMessageLength);
    const end = offset + HANDSHAKE_HEADER_LENGTH + length;
    if (end > fragment.length) return null;
    this.offset = end;
    return {
      type: fragment[offset] ?? 0,
      body: fragment.subarray(offset + HANDSHAKE_HEADER_LENGTH, end),
      raw: fragment.subarray(offset, end),
    };
  }

  /** What has come of the message that is not complete; null without its whole header. */
  partial(): PartialMessage | null {
    this.keepRest();
    if (this.joinedLength < HANDSHAKE_HEADER_LENGTH) return null;
    return {
      type: this.joined[0] ?? 0,
      length: bodyLength(this.joined, 0),
      body: this.joined.subarray(HANDSHAKE_HEADER_LENGTH, this.joinedLength),
    };
  }

  private nextJoined(): HandshakeMessage | Malformed | null {
    if (this.joinedLength < HANDSHAKE_HEADER_LENGTH) {
      this.take(HANDSHAKE_HEADER_LENGTH - this.joinedLength);
      if (this.joinedLength < HANDSHAKE_HEADER_LENGTH) return null;
    }
    const length = bodyLength(this.joined, 0);
    if (length > this.maxMessageLength) return tooLong(length, this.maxMessageLength);
    const whole = HANDSHAKE_HEADER_LENGTH + length;
    this.take(whole - this.joinedLength);
    if (this.joinedLength < whole) return null;
    const raw = this.joined.subarray(0, whole);
    // The message keeps its part of the buffer: what follows starts behind it, or in a buffer of its own.
    this.joined = this.joinedLength > whole ? this.joined.subarray(whole) : EMPTY;
    this.joinedLength -= whole;
    return { type: raw[0] ?? 0, body: raw.subarray(HANDSHAKE_HEADER_LENGTH), raw };
  }

  /** Moves what is left of the current fragment into the joining buffer. */
  private keepRest(): void {
    this.take(this.fragment.length - this.offset);
  }

  private take(wanted: number): void {
    const count = Math.min(wanted, this.fragment.length - this.offset);
    if (count <= 0) return;
    const needed = this.joinedLength + count;
    if (needed > this.joined.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.joined.length, 512));
      grown.set(this.joined.subarray(0, this.joinedLength));
      this.joined = grown;
    }
    this.joined.set(this.fragment.subarray(this.offset, this.offset + count), this.joinedLength);
    this.joinedLength = needed;
    this.offset += count;
  }
}

function bodyLength(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset + 1] ?? 0) << 16) | ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
}

function tooLong(length: number, limit: number): Malformed {
  return {
    kind: 'malformed',
    offset: 1,
    reason: `handshake message of ${length} bytes, at most ${limit} are accepted`,
  };
}
