// The pseudo-random functions of TLS 1.0 to 1.2 and what is made with them: master secret, key block, verify_data.
import { expandInto } from './primitives.js';

/** `md5-sha1`: TLS 1.0 and 1.1 (RFC 2246 section 5). The others: TLS 1.2 (RFC 5246 section 5), named by the cipher suite. */
export type PrfHash = 'md5-sha1' | 'sha256' | 'sha384';

const MASTER_SECRET_LENGTH = 48;
const VERIFY_DATA_LENGTH = 12;

const MASTER_SECRET = Buffer.from('master secret', 'latin1');
const EXTENDED_MASTER_SECRET = Buffer.from('extended master secret', 'latin1');
const KEY_EXPANSION = Buffer.from('key expansion', 'latin1');
const FINISHED = {
  client: Buffer.from('client finished', 'latin1'),
  server: Buffer.from('server finished', 'latin1'),
} as const;

/** PRF(secret, label, seed)[0..length-1]. `seed` already begins with the label. */
function prf(hash: PrfHash, secret: Uint8Array, labelAndSeed: Uint8Array, length: number): Uint8Array {
  const out = Buffer.alloc(length);
  if (hash === 'md5-sha1') {
    // RFC 2246 section 5: two halves, sharing the middle byte of an odd length.
    const half = Math.ceil(secret.length / 2);
    expandInto(out, 'md5', secret.subarray(0, half), labelAndSeed);
    expandInto(out, 'sha1', secret.subarray(secret.length - half), labelAndSeed);
  } else {
    expandInto(out, hash, secret, labelAndSeed);
  }
  return out;
}

/** RFC 5246 section 8.1. Both randoms: 32 bytes. */
export function masterSecret(
  hash: PrfHash,
  preMasterSecret: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Uint8Array {
  return prf(hash, preMasterSecret, Buffer.concat([MASTER_SECRET, clientRandom, serverRandom]), MASTER_SECRET_LENGTH);
}

/** From the hash of the messages up to ClientKeyExchange, where both sides agreed on it. RFC 7627 section 4. */
export function extendedMasterSecret(hash: PrfHash, preMasterSecret: Uint8Array, sessionHash: Uint8Array): Uint8Array {
  return prf(hash, preMasterSecret, Buffer.concat([EXTENDED_MASTER_SECRET, sessionHash]), MASTER_SECRET_LENGTH);
}

/** RFC 5246 section 6.3. */
export function keyBlock(
  hash: PrfHash,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
  length: number,
): Uint8Array {
  return prf(hash, master, Buffer.concat([KEY_EXPANSION, serverRandom, clientRandom]), length);
}

/** Finished.verify_data (RFC 5246 section 7.4.9). `handshakeHash`: of all messages so far; MD5 and SHA-1 before TLS 1.2. */
export function verifyData(
  hash: PrfHash,
  master: Uint8Array,
  side: 'client' | 'server',
  handshakeHash: Uint8Array,
): Uint8Array {
  return prf(hash, master, Buffer.concat([FINISHED[side], handshakeHash]), VERIFY_DATA_LENGTH);
}
