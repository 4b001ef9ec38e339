// The long header of QUIC (RFC 9000 section 17.2) up to where header protection begins, packet after packet of a
// datagram. Nothing is decrypted here.
import { Reader } from '../reader.js';
import { quicVersion, type QuicVersion } from './versions.js';

/** An Initial as it lies in its datagram. */
export interface InitialPacket {
  readonly version: number;
  readonly rules: QuicVersion;
  readonly destinationId: Uint8Array;
  readonly sourceId: Uint8Array;
  /** Not empty: the server gave it in a Retry or on an earlier connection. */
  readonly token: Uint8Array;
  /** From the first byte of the header to the last of the payload. */
  readonly bytes: Uint8Array;
  /** Where the (protected) packet number begins in `bytes`. */
  readonly packetNumberAt: number;
}

/** RFC 9000 section 17.2: version 1 has no longer ones. */
const MAX_CONNECTION_ID = 20;
/** More packets than that are no datagram that anybody sends. */
const MAX_COALESCED = 16;
const RETRY_BEFORE_VERSION_2 = 3;
const RETRY_OF_VERSION_2 = 0;

/** The Initials in a datagram, which may hold several packets one behind the other (RFC 9000 section 12.2). */
export function readInitials(datagram: Uint8Array): InitialPacket[] {
  const initials: InitialPacket[] = [];
  let at = 0;
  for (let count = 0; count < MAX_COALESCED && at < datagram.length; count += 1) {
    const packet = readPacket(datagram, at);
    if (packet === null) break;
    if (packet.initial !== null) initials.push(packet.initial);
    at = packet.end;
  }
  return initials;
}

/** One packet; null: none with a long header and a known version begins here, or it goes on behind the datagram. */
function readPacket(datagram: Uint8Array, start: number): { initial: InitialPacket | null; end: number } | null {
  const reader = Reader.ofWhole(datagram, start);
  const first = reader.uint8('first byte');
  const version = reader.uint32('version');
  const rules = (first & 0x80) === 0 ? null : quicVersion(version);
  if (rules === null) return null;
  const type = (first >> 4) & 3;
  // A Retry fills the datagram, and has no length.
  if (type === (rules.initialType === 0 ? RETRY_BEFORE_VERSION_2 : RETRY_OF_VERSION_2)) return null;
  const destinationId = reader.opaque8('destination connection id');
  const sourceId = reader.opaque8('source connection id');
  if (destinationId.length > MAX_CONNECTION_ID || sourceId.length > MAX_CONNECTION_ID) return null;
  const isInitial = type === rules.initialType;
  const token = reader.view(isInitial ? readVariableInteger(reader, 'token length') : 0, 'token');
  const length = readVariableInteger(reader, 'length');
  const packetNumberAt = reader.offset - start;
  reader.skip(length, 'payload');
  if (reader.failure !== null) return null;
  const end = reader.offset;
  const bytes = datagram.subarray(start, end);
  const initial = { version, rules, destinationId, sourceId, token, bytes, packetNumberAt };
  return { initial: isInitial ? initial : null, end };
}

/** RFC 9000 section 16. Beyond 2^53 it is inexact, and too large for anything all the same. */
export function readVariableInteger(reader: Reader, what: string): number {
  const first = reader.uint8(what);
  let value = first & 0x3f;
  for (let left = (1 << (first >> 6)) - 1; left > 0; left -= 1) value = value * 256 + reader.uint8(what);
  return value;
}
