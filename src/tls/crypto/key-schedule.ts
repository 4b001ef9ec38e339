// The key schedule of TLS 1.3 (RFC 8446 section 7.1) without pre-shared keys: shared secret in, traffic keys out.
import { createHash, createHmac } from 'node:crypto';

export type Hkdf = 'sha256' | 'sha384';

export const HASH_LENGTH: Readonly<Record<Hkdf, number>> = { sha256: 32, sha384: 48 };

/** Keys of one direction. RFC 8446 section 7.3. */
export interface TrafficKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

const IV_LENGTH = 12;
const EMPTY = new Uint8Array(0);

/** HKDF-Extract. RFC 5869 section 2.2. */
export function hkdfExtract(hash: Hkdf, salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array {
  return createHmac(hash, salt).update(inputKeyMaterial).digest();
}

/** HKDF-Expand (RFC 5869 section 2.3) for at most one hash length, which is all that TLS needs. */
function hkdfExpandOnce(hash: Hkdf, secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const block = createHmac(hash, secret).update(info).digest();
  return length === block.length ? block : block.subarray(0, length);
}

/** HKDF-Expand-Label. `length` at most the hash's. RFC 8446 section 7.1. */
export function expandLabel(
  hash: Hkdf,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const fullLabel = `tls13 ${label}`;
  const info = Buffer.allocUnsafe(2 + 1 + fullLabel.length + 1 + context.length + 1);
  info.writeUInt16BE(length, 0);
  info[2] = fullLabel.length;
  info.write(fullLabel, 3, 'latin1');
  const at = 3 + fullLabel.length;
  info[at] = context.length;
  info.set(context, at + 1);
  info[info.length - 1] = 1; // the block counter of HKDF-Expand
  return hkdfExpandOnce(hash, secret, info, length);
}

/** Derive-Secret, from the hash of the transcript. RFC 8446 section 7.1. */
export function deriveSecret(hash: Hkdf, secret: Uint8Array, label: string, transcriptHash: Uint8Array): Uint8Array {
  return expandLabel(hash, secret, label, transcriptHash, HASH_LENGTH[hash]);
}

interface Constants {
  readonly zeros: Uint8Array;
  readonly emptyHash: Uint8Array;
  /** Derive-Secret(Early Secret, "derived", ""), the same in every handshake without a pre-shared key. */
  readonly derivedEarly: Uint8Array;
}

const CONSTANTS: Readonly<Record<Hkdf, Constants>> = { sha256: constants('sha256'), sha384: constants('sha384') };

function constants(hash: Hkdf): Constants {
  const zeros = new Uint8Array(HASH_LENGTH[hash]);
  const emptyHash = createHash(hash).digest();
  const earlySecret = hkdfExtract(hash, zeros, zeros);
  return { zeros, emptyHash, derivedEarly: deriveSecret(hash, earlySecret, 'derived', emptyHash) };
}

/** Handshake Secret from the (EC)DHE shared secret. */
export function handshakeSecret(hash: Hkdf, sharedSecret: Uint8Array): Uint8Array {
  return hkdfExtract(hash, CONSTANTS[hash].derivedEarly, sharedSecret);
}

/** Master Secret from the Handshake Secret. */
export function masterSecretOf(hash: Hkdf, handshake: Uint8Array): Uint8Array {
  const { zeros, emptyHash } = CONSTANTS[hash];
  return hkdfExtract(hash, deriveSecret(hash, handshake, 'derived', emptyHash), zeros);
}

/** RFC 8446 section 7.3. */
export function trafficKeys(hash: Hkdf, trafficSecret: Uint8Array, keyLength: number): TrafficKeys {
  return {
    key: expandLabel(hash, trafficSecret, 'key', EMPTY, keyLength),
    iv: expandLabel(hash, trafficSecret, 'iv', EMPTY, IV_LENGTH),
  };
}

/** application_traffic_secret_N+1. RFC 8446 section 7.2. */
export function nextTrafficSecret(hash: Hkdf, trafficSecret: Uint8Array): Uint8Array {
  return expandLabel(hash, trafficSecret, 'traffic upd', EMPTY, HASH_LENGTH[hash]);
}

/** Finished.verify_data. RFC 8446 section 4.4.4. */
export function finishedVerifyData(hash: Hkdf, baseSecret: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
  const finishedKey = expandLabel(hash, baseSecret, 'finished', EMPTY, HASH_LENGTH[hash]);
  return createHmac(hash, finishedKey).update(transcriptHash).digest();
}
