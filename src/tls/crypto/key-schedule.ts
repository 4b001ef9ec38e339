// The key schedule of TLS 1.3 (RFC 8446 section 7.1) without pre-shared keys: shared secret in, traffic keys out.
import { digest, HASH_LENGTH, hmac } from './primitives.js';

export type Hkdf = 'sha256' | 'sha384';

/** Keys of one direction. RFC 8446 section 7.3. */
export interface TrafficKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

const IV_LENGTH = 12;
const EMPTY = new Uint8Array(0);

/** HKDF-Extract. RFC 5869 section 2.2. */
export function hkdfExtract(hash: Hkdf, salt: Uint8Array, inputKeyMaterial: Uint8Array): Uint8Array {
  return hmac(hash, salt, inputKeyMaterial);
}

const LABEL_PREFIX = 'tls13 ';
/** HkdfLabel (RFC 8446 section 7.1) under construction, and the block counter of HKDF-Expand behind it. */
const info = Buffer.alloc(2 + 1 + 255 + 1 + 255 + 1);

/**
 * HKDF-Expand-Label, for at most one hash length, which is all that TLS needs. RFC 8446 section 7.1, RFC 5869 section 2.3.
 */
export function expandLabel(
  hash: Hkdf,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const fullLabel = LABEL_PREFIX + label;
  info[0] = length >> 8;
  info[1] = length;
  info[2] = fullLabel.length;
  let at = 3;
  for (let i = 0; i < fullLabel.length; i++) info[at++] = fullLabel.charCodeAt(i);
  info[at++] = context.length;
  info.set(context, at);
  at += context.length;
  info[at++] = 1;
  const block = hmac(hash, secret, info.subarray(0, at));
  return length === block.length ? block : block.subarray(0, length);
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

const known = new Map<Hkdf, Constants>();

function constantsOf(hash: Hkdf): Constants {
  let constants = known.get(hash);
  if (constants === undefined) {
    const zeros = new Uint8Array(HASH_LENGTH[hash]);
    const emptyHash = digest(hash, EMPTY);
    const earlySecret = hkdfExtract(hash, zeros, zeros);
    constants = { zeros, emptyHash, derivedEarly: deriveSecret(hash, earlySecret, 'derived', emptyHash) };
    known.set(hash, constants);
  }
  return constants;
}

/** Handshake Secret from the (EC)DHE shared secret. */
export function handshakeSecret(hash: Hkdf, sharedSecret: Uint8Array): Uint8Array {
  return hkdfExtract(hash, constantsOf(hash).derivedEarly, sharedSecret);
}

/** Master Secret from the Handshake Secret. */
export function masterSecretOf(hash: Hkdf, handshake: Uint8Array): Uint8Array {
  const { zeros, emptyHash } = constantsOf(hash);
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
  return hmac(hash, finishedKey, transcriptHash);
}
