// Hashes, HMAC, ciphers and Diffie-Hellman as functions from bytes to bytes: the typed shell around native/crypto, which calls
// the OpenSSL inside of Node.js. node:crypto has an object or a stream for each use, and they cost several times what they
// compute (docs/performance.md).
import { loadNativeAddon } from '../../native-addon.js';

export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384';

export const HASH_LENGTH: Readonly<Record<HashName, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48 };

/** Ciphers, named as node:crypto has them. */
export type AeadCipher = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
export type CbcCipher = 'aes-128-cbc' | 'aes-256-cbc' | 'des-ede3-cbc';

/** Bytes that an AEAD adds. RFC 5116 section 5. */
export const TAG_LENGTH = 16;

/** A key pair for ephemeral Diffie-Hellman. */
export interface KeyPair {
  /** As TLS carries it: 32 bytes, or an uncompressed point. Made anew each time. */
  readonly publicKey: Uint8Array;
  /** The shared secret; null where `peer` is not a valid public key of the group. */
  agree(peer: Uint8Array): Uint8Array | null;
}

interface NativeCrypto {
  hash(hash: number, data: Uint8Array, out: Uint8Array): void;
  hmac(hash: number, key: Uint8Array, first: Uint8Array, second: Uint8Array, out: Uint8Array): void;
  expand(hash: number, secret: Uint8Array, seed: Uint8Array, out: Uint8Array): void;
  seal(
    cipher: number,
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array,
    out: Uint8Array,
  ): void;
  open(
    cipher: number,
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    sealed: Uint8Array,
    out: Uint8Array,
  ): boolean;
  chain(cipher: number, encrypts: boolean, key: Uint8Array, iv: Uint8Array, blocks: Uint8Array, out: Uint8Array): void;
}

interface Addon {
  readonly Crypto: new () => NativeCrypto;
  readonly KeyPair: new (group: number) => KeyPair;
}

/** The numbers of native/crypto/digests.h. */
const HASHES: Readonly<Record<HashName, number>> = { md5: 0, sha1: 1, sha256: 2, sha384: 3 };

/** The numbers of native/crypto/ciphers.h. */
const CIPHERS: Readonly<Record<AeadCipher | CbcCipher, number>> = {
  'aes-128-gcm': 0,
  'aes-256-gcm': 1,
  'chacha20-poly1305': 2,
  'aes-128-cbc': 3,
  'aes-256-cbc': 4,
  'des-ede3-cbc': 5,
};

const NOTHING = new Uint8Array(0);

/** Loaded at the first use: who merely imports this does without the compiled part. */
let loaded: NativeCrypto | undefined;

function native(): NativeCrypto {
  return (loaded ??= new (loadNativeAddon() as Addon).Crypto());
}

/** A digest of bytes that are all there. */
export function digest(hash: HashName, data: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(HASH_LENGTH[hash]);
  native().hash(HASHES[hash], data, out);
  return out;
}

/** HMAC (RFC 2104) over `first` and `second`, one after the other. */
export function hmac(hash: HashName, key: Uint8Array, first: Uint8Array, second: Uint8Array = NOTHING): Uint8Array {
  const out = Buffer.allocUnsafe(HASH_LENGTH[hash]);
  native().hmac(HASHES[hash], key, first, second, out);
  return out;
}

/** P_hash (RFC 5246 section 5), XORed into all of `out`. */
export function expandInto(out: Uint8Array, hash: HashName, secret: Uint8Array, seed: Uint8Array): void {
  native().expand(HASHES[hash], secret, seed, out);
}

/** Ciphertext and tag into `out`, which is TAG_LENGTH longer than `plaintext`. */
export function aeadSeal(
  cipher: AeadCipher,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  plaintext: Uint8Array,
  out: Uint8Array,
): void {
  native().seal(CIPHERS[cipher], key, nonce, associated, plaintext, out);
}

/** What was sealed, which is at least TAG_LENGTH long; null where the tag does not fit. */
export function aeadOpen(
  cipher: AeadCipher,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  const out = Buffer.allocUnsafe(sealed.length - TAG_LENGTH);
  return native().open(CIPHERS[cipher], key, nonce, associated, sealed, out) ? out : null;
}

/** Whole blocks in CBC mode into `out`, which is as long. */
export function cbc(
  cipher: CbcCipher,
  direction: 'encrypt' | 'decrypt',
  key: Uint8Array,
  iv: Uint8Array,
  blocks: Uint8Array,
  out: Uint8Array,
): void {
  native().chain(CIPHERS[cipher], direction === 'encrypt', key, iv, blocks, out);
}

/** `group`: X25519 or a curve of NIST's, by its number in TLS. */
export function generateKeyPair(group: number): KeyPair {
  return new (loadNativeAddon() as Addon).KeyPair(group);
}
