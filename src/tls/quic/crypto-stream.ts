// The beginning of a CRYPTO stream (RFC 9000 section 19.6): pieces in any order, with overlaps, put together in a
// bounded buffer. The first copy of a byte counts.
import { HANDSHAKE_HEADER_LENGTH } from '../handshake-joiner.js';
import { Reader } from '../reader.js';
import { readVariableInteger } from './long-header.js';

/** The longest ClientHello that is put together, with its header; post-quantum ones have about 1,800 bytes. */
export const MAX_CRYPTO_BYTES = 16 * 1024;
/** Chrome cuts a hello into some twenty pieces; more holes than that are held against whoever makes them. */
const MAX_RANGES = 64;

const NOTHING = new Uint8Array(0);

interface Range {
  readonly begin: number;
  readonly end: number;
}

/** Types of frames that an Initial may hold (RFC 9000 sections 12.4 and 19). */
const Frame = {
  Padding: 0,
  Ping: 1,
  Ack: 2,
  AckWithEcn: 3,
} as const;

export class CryptoStream {
  #bytes: Uint8Array = NOTHING;
  /** What is there, ascending, not touching. */
  #ranges: Range[] = [];

  /** Bytes of memory that it holds. */
  get size(): number {
    return this.#bytes.length;
  }

  /** Takes the CRYPTO frames among the frames of one packet, up to the first that does not belong into an Initial. */
  addFrames(frames: Uint8Array, cryptoFrame: number): void {
    const reader = Reader.ofWhole(frames);
    const integer = (): number => readVariableInteger(reader, 'frame');
    while (reader.more()) {
      const type = reader.uint8('frame type');
      switch (type) {
        case Frame.Padding:
        case Frame.Ping:
          break;
        case Frame.AckWithEcn:
        case Frame.Ack: {
          const isEcn = type === Frame.AckWithEcn;
          integer(); // largest acknowledged
          integer(); // delay
          const ranges = integer();
          integer(); // first range
          for (let left = ranges * 2 + (isEcn ? 3 : 0); left > 0 && reader.failure === null; left -= 1) integer();
          break;
        }
        case cryptoFrame: {
          const offset = integer();
          const data = reader.view(integer(), 'crypto data');
          if (reader.failure === null) this.#add(offset, data);
          break;
        }
        default:
          return;
      }
    }
  }

  /** The first handshake message with its header, once it is complete. Valid for good. */
  message(): Uint8Array | null {
    const first = this.#ranges[0];
    if (first?.begin !== 0 || first.end < HANDSHAKE_HEADER_LENGTH) return null;
    const bytes = this.#bytes;
    const length = ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
    const end = HANDSHAKE_HEADER_LENGTH + length;
    return end <= first.end ? bytes.subarray(0, end) : null;
  }

  #add(begin: number, data: Uint8Array): void {
    const end = begin + data.length;
    if (data.length === 0 || end > MAX_CRYPTO_BYTES) return;
    const before = this.#ranges.filter((range) => range.end < begin);
    const behind = this.#ranges.filter((range) => range.begin > end);
    const touching = this.#ranges.slice(before.length, this.#ranges.length - behind.length);
    if (touching.length === 0 && this.#ranges.length >= MAX_RANGES) return;
    this.#grow(end);
    let at = begin;
    for (const range of touching) {
      if (range.begin > at) this.#bytes.set(data.subarray(at - begin, range.begin - begin), at);
      at = Math.max(at, range.end);
    }
    if (at < end) this.#bytes.set(data.subarray(at - begin), at);
    const joined = {
      begin: Math.min(begin, touching[0]?.begin ?? begin),
      end: Math.max(end, touching.at(-1)?.end ?? end),
    };
    this.#ranges = [...before, joined, ...behind];
  }

  #grow(needed: number): void {
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(MAX_CRYPTO_BYTES, Math.max(needed, 2 * this.#bytes.length, 2048)));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
