// The cipher suites that the prober can go on with after the ServerHello: those of the paper's scanner, no more and no
// fewer, because what comes after a suite that it does not implement is not part of a fingerprint.
import type { Hkdf } from './key-schedule.js';
import type { AeadCipher, CbcCipher } from './primitives.js';

/** A suite of TLS 1.2 and lower. */
export interface LegacySuite {
  readonly id: number;
  readonly keyExchange: 'ecdhe' | 'rsa';
  readonly protection:
    | { readonly kind: 'aead'; readonly cipher: AeadCipher; readonly keyLength: 16 | 32; readonly ivLength: 4 | 12 }
    | {
        readonly kind: 'cbc';
        readonly cipher: CbcCipher;
        readonly keyLength: 16 | 24 | 32;
        readonly blockLength: 8 | 16;
        readonly mac: MacHash;
      }
    | { readonly kind: 'rc4'; readonly keyLength: 16; readonly mac: MacHash };
  /** PRF hash under TLS 1.2. */
  readonly prf: 'sha256' | 'sha384';
}

export type MacHash = 'sha1' | 'sha256';
export const MAC_LENGTH: Readonly<Record<MacHash, number>> = { sha1: 20, sha256: 32 };

/** A suite of TLS 1.3. */
export interface Tls13Suite {
  readonly id: number;
  readonly cipher: AeadCipher;
  readonly keyLength: 16 | 32;
  readonly hash: Hkdf;
}

const AES_128_GCM = { kind: 'aead', cipher: 'aes-128-gcm', keyLength: 16, ivLength: 4 } as const;
const AES_256_GCM = { kind: 'aead', cipher: 'aes-256-gcm', keyLength: 32, ivLength: 4 } as const;
const CHACHA20_POLY1305 = { kind: 'aead', cipher: 'chacha20-poly1305', keyLength: 32, ivLength: 12 } as const;
const AES_128_CBC_SHA = { kind: 'cbc', cipher: 'aes-128-cbc', keyLength: 16, blockLength: 16, mac: 'sha1' } as const;
const AES_128_CBC_SHA256 = { ...AES_128_CBC_SHA, mac: 'sha256' } as const;
const AES_256_CBC_SHA = { kind: 'cbc', cipher: 'aes-256-cbc', keyLength: 32, blockLength: 16, mac: 'sha1' } as const;
const TRIPLE_DES_CBC_SHA = { kind: 'cbc', cipher: 'des-ede3-cbc', keyLength: 24, blockLength: 8, mac: 'sha1' } as const;
const RC4_SHA = { kind: 'rc4', keyLength: 16, mac: 'sha1' } as const;

/** By id. RFC 5246 appendix A.5, RFC 5289, RFC 8422 section 6, RFC 7905. */
export const LEGACY_SUITES: ReadonlyMap<number, LegacySuite> = new Map(
  (
    [
      [0xcca8, 'ecdhe', CHACHA20_POLY1305, 'sha256'],
      [0xcca9, 'ecdhe', CHACHA20_POLY1305, 'sha256'],
      [0xc02f, 'ecdhe', AES_128_GCM, 'sha256'],
      [0xc02b, 'ecdhe', AES_128_GCM, 'sha256'],
      [0xc030, 'ecdhe', AES_256_GCM, 'sha384'],
      [0xc02c, 'ecdhe', AES_256_GCM, 'sha384'],
      [0xc027, 'ecdhe', AES_128_CBC_SHA256, 'sha256'],
      [0xc023, 'ecdhe', AES_128_CBC_SHA256, 'sha256'],
      [0xc013, 'ecdhe', AES_128_CBC_SHA, 'sha256'],
      [0xc009, 'ecdhe', AES_128_CBC_SHA, 'sha256'],
      [0xc014, 'ecdhe', AES_256_CBC_SHA, 'sha256'],
      [0xc00a, 'ecdhe', AES_256_CBC_SHA, 'sha256'],
      [0xc012, 'ecdhe', TRIPLE_DES_CBC_SHA, 'sha256'],
      [0xc011, 'ecdhe', RC4_SHA, 'sha256'],
      [0xc007, 'ecdhe', RC4_SHA, 'sha256'],
      [0x009c, 'rsa', AES_128_GCM, 'sha256'],
      [0x009d, 'rsa', AES_256_GCM, 'sha384'],
      [0x003c, 'rsa', AES_128_CBC_SHA256, 'sha256'],
      [0x002f, 'rsa', AES_128_CBC_SHA, 'sha256'],
      [0x0035, 'rsa', AES_256_CBC_SHA, 'sha256'],
      [0x000a, 'rsa', TRIPLE_DES_CBC_SHA, 'sha256'],
      [0x0005, 'rsa', RC4_SHA, 'sha256'],
    ] as const
  ).map(([id, keyExchange, protection, prf]) => [id, { id, keyExchange, protection, prf }]),
);

/** By id. RFC 8446 appendix B.4. */
export const TLS13_SUITES: ReadonlyMap<number, Tls13Suite> = new Map<number, Tls13Suite>([
  [0x1301, { id: 0x1301, cipher: 'aes-128-gcm', keyLength: 16, hash: 'sha256' }],
  [0x1302, { id: 0x1302, cipher: 'aes-256-gcm', keyLength: 32, hash: 'sha384' }],
  [0x1303, { id: 0x1303, cipher: 'chacha20-poly1305', keyLength: 32, hash: 'sha256' }],
]);
