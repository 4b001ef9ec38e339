import assert from 'node:assert/strict';
import {
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto';
import type { CipherGCMTypes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NamedGroup } from '../../../src/tls/constants.js';
import { loadNativeAddon } from '../../../src/native-addon.js';
import {
  aeadOpen,
  aeadSeal,
  cbc,
  digest,
  expandInto,
  generateKeyPair,
  HASH_LENGTH,
  hmac,
  TAG_LENGTH,
} from '../../../src/tls/crypto/primitives.js';
import type { HashName } from '../../../src/tls/crypto/primitives.js';

const HASHES = Object.keys(HASH_LENGTH) as HashName[];
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

describe('the functions of native/crypto say what node:crypto says', () => {
  for (const hash of HASHES) {
    it(`of ${hash}`, () => {
      fc.assert(
        fc.property(bytes(400), (data) => {
          assert.deepEqual(digest(hash, data), createHash(hash).update(data).digest());
        }),
      );
    });

    it(`of HMAC with ${hash}, keys longer than a block included`, () => {
      fc.assert(
        fc.property(bytes(200), bytes(300), bytes(300), (key, first, second) => {
          const expected = createHmac(hash, key).update(first).update(second).digest();
          assert.deepEqual(hmac(hash, key, first, second), expected);
        }),
      );
    });

    it(`of P_hash (RFC 5246 section 5) with ${hash}, for any length, XORed into what is there`, () => {
      fc.assert(
        fc.property(bytes(100), bytes(100), bytes(200), (secret, seed, before) => {
          const out = Buffer.from(before);
          expandInto(out, hash, secret, seed);
          let chain = createHmac(hash, secret).update(seed).digest();
          for (let at = 0; at < out.length; at += chain.length) {
            const block = createHmac(hash, secret).update(chain).update(seed).digest();
            for (let i = at; i < Math.min(out.length, at + block.length); i++)
              assert.equal(out[i], (before[i] ?? 0) ^ (block[i - at] ?? 0));
            chain = createHmac(hash, secret).update(chain).digest();
          }
        }),
        { numRuns: 30 },
      );
    });
  }

  for (const [cipher, keyLength] of [
    ['aes-128-gcm', 16],
    ['aes-256-gcm', 32],
    ['chacha20-poly1305', 32],
  ] as const) {
    it(`of ${cipher}`, () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: keyLength, maxLength: keyLength }),
          fc.uint8Array({ minLength: 12, maxLength: 12 }),
          bytes(20),
          bytes(300),
          (key, nonce, associated, plaintext) => {
            const options = { authTagLength: TAG_LENGTH };
            const sealer = createCipheriv(cipher as CipherGCMTypes, key, nonce, options);
            sealer.setAAD(associated, { plaintextLength: plaintext.length });
            const expected = Buffer.concat([sealer.update(plaintext), sealer.final(), sealer.getAuthTag()]);
            const sealed = Buffer.alloc(plaintext.length + TAG_LENGTH);
            aeadSeal(cipher, key, nonce, associated, plaintext, sealed);
            assert.deepEqual(sealed, expected);
            assert.deepEqual(aeadOpen(cipher, key, nonce, associated, sealed), Buffer.from(plaintext));
          },
        ),
      );
    });
  }

  for (const [cipher, keyLength, blockLength] of [
    ['aes-128-cbc', 16, 16],
    ['aes-256-cbc', 32, 16],
    ['des-ede3-cbc', 24, 8],
  ] as const) {
    it(`of ${cipher}`, () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: keyLength, maxLength: keyLength }),
          fc.uint8Array({ minLength: blockLength, maxLength: blockLength }),
          fc.nat(20),
          (key, iv, blocks) => {
            const plaintext = Buffer.alloc(blocks * blockLength, 'x');
            const out = Buffer.alloc(plaintext.length);
            cbc(cipher, 'encrypt', key, iv, plaintext, out);
            assert.deepEqual(out, createCipheriv(cipher, key, iv).setAutoPadding(false).update(plaintext));
            const back = Buffer.alloc(out.length);
            cbc(cipher, 'decrypt', key, iv, out, back);
            assert.deepEqual(back, plaintext);
          },
        ),
      );
    });
  }
});

describe('key pairs of native/crypto', () => {
  for (const [group, name] of [
    [NamedGroup.Secp256r1, 'prime256v1'],
    [NamedGroup.Secp384r1, 'secp384r1'],
    [NamedGroup.Secp521r1, 'secp521r1'],
  ] as const) {
    it(`agree with those of node:crypto on ${name}`, () => {
      const ours = generateKeyPair(group);
      const theirs = createECDH(name);
      assert.deepEqual(ours.agree(theirs.generateKeys()), theirs.computeSecret(ours.publicKey));
    });

    it(`refuse a point beside ${name}, and a compressed one`, () => {
      const pair = generateKeyPair(group);
      const peer = createECDH(name);
      const point = Buffer.from(peer.generateKeys());
      point[point.length - 1] = (point.at(-1) ?? 0) ^ 1;
      assert.equal(pair.agree(point), null);
      assert.equal(pair.agree(peer.getPublicKey(null, 'compressed')), null);
      assert.equal(pair.agree(Buffer.concat([Buffer.of(7), peer.getPublicKey().subarray(1)])), null);
    });
  }

  it('agree with those of node:crypto on X25519', () => {
    const prefix = Buffer.from('302e020100300506032b656e04220420', 'hex'); // RFC 8410 section 7, up to the key's bytes
    const der = Buffer.concat([prefix, Buffer.alloc(32, 'theirs')]);
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const info = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    const ours = generateKeyPair(NamedGroup.X25519);
    const ourInfo = Buffer.concat([info.subarray(0, -32), ours.publicKey]);
    const publicKey = createPublicKey({ key: ourInfo, format: 'der', type: 'spki' });
    assert.deepEqual(ours.agree(info.subarray(-32)), diffieHellman({ privateKey, publicKey }));
  });

  it('go on after a key that was refused', () => {
    const pair = generateKeyPair(NamedGroup.Secp256r1);
    const peer = generateKeyPair(NamedGroup.Secp256r1);
    const before = pair.agree(peer.publicKey);
    assert.equal(pair.agree(Buffer.alloc(65, 4)), null);
    assert.deepEqual(pair.agree(peer.publicKey), before);
  });

  it('leave no error of OpenSSL behind, which the next failing call of node:crypto would give as its own', () => {
    const why = (): string => {
      try {
        return createPrivateKey('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----').type;
      } catch (error) {
        return String(error);
      }
    };
    const before = why();
    assert.match(before, /Error/);
    assert.equal(generateKeyPair(NamedGroup.Secp256r1).agree(Buffer.alloc(65, 4)), null);
    assert.equal(why(), before);
  });
});

describe('the addon checks what it is given', () => {
  const { Crypto, KeyPair } = loadNativeAddon() as {
    Crypto: new () => Record<string, (...given: unknown[]) => unknown>;
    KeyPair: new (group: unknown) => { agree(peer: unknown): unknown };
  };
  const crypto = new Crypto();
  const [key, iv, out] = [Buffer.alloc(16), Buffer.alloc(12), Buffer.alloc(48)];

  for (const [name, given] of [
    ['hash', [2, key]],
    ['hash', [2, 'text', out]],
    ['hash', [4, key, out]],
    ['hash', [-1, key, out]],
    ['hash', [3, key, Buffer.alloc(47)]],
    ['hash', [2, new Uint16Array(8), out]],
    ['hmac', [2, key, key, null, out]],
    ['hmac', [2, key, key, key, Buffer.alloc(31)]],
    ['expand', [2, key, key, undefined]],
    ['seal', [0, key, iv, iv, key, Buffer.alloc(31)]],
    ['seal', [0, key, key, iv, key, Buffer.alloc(32)]],
    ['seal', [1, key, iv, iv, key, Buffer.alloc(32)]],
    ['seal', [3, key, iv, iv, key, Buffer.alloc(32)]],
    ['open', [0, key, iv, iv, key, Buffer.alloc(1)]],
    ['open', [0, key, iv, iv, Buffer.alloc(15), Buffer.alloc(0)]],
    ['chain', [3, true, key, key, Buffer.alloc(15), Buffer.alloc(15)]],
    ['chain', [3, true, key, iv, key, Buffer.alloc(16)]],
    ['chain', [0, true, key, iv, key, Buffer.alloc(16)]],
    ['chain', [3, 1, key, key, key, Buffer.alloc(16)]],
  ] as const) {
    it(`${name}(${given.map((value) => (value instanceof Uint8Array ? `${value.length} bytes` : String(value))).join(', ')})`, () => {
      assert.throws(() => crypto[name]?.(...given), TypeError);
    });
  }

  it('and the group and the peer of a key pair', () => {
    for (const group of [0x0100, 'x25519', -1, undefined]) assert.throws(() => new KeyPair(group), TypeError);
    assert.throws(() => new KeyPair(29).agree('text'), TypeError);
  });
});
