// The ClientHello in SSLv2 format with which old clients open (RFC 5246 appendix E.2). Nothing else of SSL 2.0 is read.
import { ProtocolVersion } from './constants.js';
import type { Decoded } from './decoded.js';

const HEADER_LENGTH = 2;
const MSG_CLIENT_HELLO = 1;
/** msg_type, version and three lengths. */
const FIXED_LENGTH = 9;

/** Whether bytes at the start of a connection can be a ClientHello in SSLv2 format; needs the first five. */
export function looksLikeSslv2ClientHello(bytes: Uint8Array): boolean {
  if (bytes.length < 5 || ((bytes[0] ?? 0) & 0x80) === 0 || bytes[2] !== MSG_CLIENT_HELLO) return false;
  const version: ProtocolVersion = ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0);
  return version === ProtocolVersion.Ssl20 || (bytes[3] === 3 && version <= ProtocolVersion.Tls13);
}

/** Decodes the two-byte record header (without padding); the value is the message, from msg_type on. */
export function decodeSslv2Record(bytes: Uint8Array): Decoded<Uint8Array> {
  if (bytes.length < HEADER_LENGTH) return { kind: 'need_more', missing: HEADER_LENGTH - bytes.length };
  const length = (((bytes[0] ?? 0) & 0x7f) << 8) | (bytes[1] ?? 0);
  const end = HEADER_LENGTH + length;
  if (length < FIXED_LENGTH) return { kind: 'malformed', offset: 0, reason: `SSLv2 record of ${length} bytes` };
  if (end > bytes.length) return { kind: 'need_more', missing: end - bytes.length };
  return { kind: 'message', value: bytes.subarray(HEADER_LENGTH, end), end };
}
