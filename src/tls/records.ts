// The record layer as it stands on the wire (RFC 8446 section 5.1): headers and where their fragments lie.
// No decryption, no joining of fragments: see handshake-joiner.ts and opening.ts.
import type { ContentType } from './constants.js';
import type { Decoded } from './decoded.js';

export const RECORD_HEADER_LENGTH = 5;

/** RFC 5246 section 6.2.3: the longest TLSCiphertext.fragment of any version (TLS 1.3: 2^14 + 256). */
export const MAX_RECORD_LENGTH = 16384 + 2048;

/** One record: `bytes.subarray(start, end)` of what it was decoded from is its fragment. */
export interface TlsRecord {
  readonly type: ContentType;
  /** legacy_record_version. */
  readonly version: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Decodes the record that starts at `offset`. Any content type and version is accepted (whether it is TLS at all is
 * for the caller, see `looksLikeRecord`); a length over `maxLength` is malformed.
 */
export function decodeRecord(bytes: Uint8Array, offset = 0, maxLength = MAX_RECORD_LENGTH): Decoded<TlsRecord> {
  const start = offset + RECORD_HEADER_LENGTH;
  if (start > bytes.length) return { kind: 'need_more', missing: start - bytes.length };
  const length = ((bytes[offset + 3] ?? 0) << 8) | (bytes[offset + 4] ?? 0);
  if (length > maxLength) {
    return {
      kind: 'malformed',
      offset: offset + 3,
      reason: `record of ${length} bytes, at most ${maxLength} are allowed`,
    };
  }
  const end = start + length;
  if (end > bytes.length) return { kind: 'need_more', missing: end - bytes.length };
  const version = ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
  return { kind: 'message', value: { type: bytes[offset] ?? 0, version, start, end }, end };
}

/** Whether a record header can stand at `offset`: a content type of TLS and major version 3. As far as bytes are there. */
export function looksLikeRecord(bytes: Uint8Array, offset = 0): boolean {
  const type = bytes[offset];
  if (type === undefined) return true;
  if (type < 20 || type > 24) return false;
  const major = bytes[offset + 1];
  return major === undefined || major === 3;
}
