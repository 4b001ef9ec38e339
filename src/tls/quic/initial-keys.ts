// Removes the protection of a client's Initial packets (RFC 9001 section 5): keys that anybody can derive from the
// connection id, header protection, AES-128-GCM.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { expandLabel, hkdfExtract } from '../crypto/key-schedule.js';
import type { InitialPacket } from './long-header.js';
import type { QuicVersion } from './versions.js';

/** Keys of the client's Initials under one connection id. RFC 9001 section 5.2. */
export interface InitialKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly headerProtection: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const SECRET_LENGTH = 32;
const KEY_LENGTH = 16;
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
/** RFC 9001 section 5.4.2: the sample begins as if the packet number had four bytes. */
const SAMPLE_AT = 4;
const SAMPLE_LENGTH = 16;

/** @param destinationId of the client's first Initial, after a Retry of the first one behind it */
export function clientInitialKeys(
  { labelPrefix }: QuicVersion,
  salt: Uint8Array,
  destinationId: Uint8Array,
): InitialKeys {
  const initial = hkdfExtract('sha256', salt, destinationId);
  const secret = expandLabel('sha256', initial, 'client in', NOTHING, SECRET_LENGTH);
  return {
    key: expandLabel('sha256', secret, `${labelPrefix} key`, NOTHING, KEY_LENGTH),
    iv: expandLabel('sha256', secret, `${labelPrefix} iv`, NOTHING, IV_LENGTH),
    headerProtection: expandLabel('sha256', secret, `${labelPrefix} hp`, NOTHING, KEY_LENGTH),
  };
}

/**
 * The frames of an Initial; null: it is not authentic under these keys. The packet number is taken as it stands, for a
 * client's first packets have numbers that are never cut short (RFC 9000 section 17.1).
 */
export function openInitial({ bytes, packetNumberAt }: InitialPacket, keys: InitialKeys): Uint8Array | null {
  const sampleAt = packetNumberAt + SAMPLE_AT;
  if (sampleAt + SAMPLE_LENGTH > bytes.length) return null;
  const mask = createCipheriv('aes-128-ecb', keys.headerProtection, null).update(
    bytes.subarray(sampleAt, sampleAt + SAMPLE_LENGTH),
  );
  const first = (bytes[0] ?? 0) ^ ((mask[0] ?? 0) & 0x0f);
  const payloadAt = packetNumberAt + (first & 3) + 1;
  const header = new Uint8Array(bytes.subarray(0, payloadAt)); // not slice, which of a Buffer is a view
  header[0] = first;
  const nonce = Uint8Array.from(keys.iv);
  for (let at = packetNumberAt; at < payloadAt; at += 1) {
    const byte = (header[at] ?? 0) ^ (mask[1 + at - packetNumberAt] ?? 0);
    header[at] = byte;
    const place = IV_LENGTH - (payloadAt - at);
    nonce[place] = (nonce[place] ?? 0) ^ byte;
  }
  const tagAt = bytes.length - TAG_LENGTH;
  if (tagAt < payloadAt) return null;
  const opener = createDecipheriv('aes-128-gcm', keys.key, nonce, { authTagLength: TAG_LENGTH });
  opener.setAAD(header);
  opener.setAuthTag(bytes.subarray(tagAt));
  const frames = opener.update(bytes.subarray(payloadAt, tagAt));
  try {
    opener.final();
  } catch {
    return null; // the tag does not fit
  }
  return frames;
}
