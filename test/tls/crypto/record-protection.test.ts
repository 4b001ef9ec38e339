import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProtocolVersion } from '../../../src/tls/constants.js';
import { LEGACY_SUITES, TLS13_SUITES } from '../../../src/tls/crypto/cipher-suites.js';
import { keyLengths, legacyProtection, tls13Protection } from '../../../src/tls/crypto/record-protection.js';
import type { RecordProtection } from '../../../src/tls/crypto/record-protection.js';

const HANDSHAKE = 22;

/** Both ends of one direction: what one seals, the other opens. */
type Pair = readonly [sender: RecordProtection, receiver: RecordProtection];

const cases: readonly [name: string, version: number, make: () => Pair][] = [
  ...[ProtocolVersion.Tls10, ProtocolVersion.Tls11, ProtocolVersion.Tls12].flatMap((version) =>
    [...LEGACY_SUITES.values()].map((suite): [string, number, () => Pair] => {
      const lengths = keyLengths(suite);
      const keys = {
        mac: new Uint8Array(lengths.mac).fill(1),
        key: Uint8Array.from({ length: lengths.key }, (_, at) => at),
        iv: new Uint8Array(lengths.iv).fill(3),
      };
      const make = (): RecordProtection => legacyProtection(suite, version, keys);
      return [`suite ${suite.id.toString(16)} under ${version.toString(16)}`, version, () => [make(), make()]];
    }),
  ),
  ...[...TLS13_SUITES.values()].map(({ id, cipher, keyLength }): [string, number, () => Pair] => {
    const keys = { key: new Uint8Array(keyLength).fill(2), iv: new Uint8Array(12).fill(3) };
    const make = (): RecordProtection => tls13Protection(cipher, keys);
    return [`suite ${id.toString(16)}`, ProtocolVersion.Tls12, () => [make(), make()]];
  }),
];

describe('record protection', () => {
  for (const [name, version, make] of cases) {
    it(`opens what it sealed, record after record, with ${name}`, () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (records) => {
          const [sender, receiver] = make();
          for (const plaintext of records) {
            const opened = receiver.open(HANDSHAKE, version, sender.seal(HANDSHAKE, version, plaintext));
            assert.deepEqual(Buffer.from(opened ?? [0xff, 0xff]), Buffer.from(plaintext));
          }
        }),
        { numRuns: 20 },
      );
    });

    it(`refuses a record with one bit changed, with ${name}`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(), (plaintext, bit) => {
          const [sender, receiver] = make();
          const fragment = sender.seal(HANDSHAKE, version, plaintext);
          const at = (bit >> 3) % fragment.length;
          fragment[at] = (fragment[at] ?? 0) ^ (1 << (bit & 7));
          assert.equal(receiver.open(HANDSHAKE, version, fragment), null);
        }),
        { numRuns: 20 },
      );
    });

    it(`answers arbitrary bytes without throwing, with ${name}`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (fragment) => {
          const [, receiver] = make();
          assert.equal(receiver.open(HANDSHAKE, version, fragment), null);
        }),
        { numRuns: 20 },
      );
    });
  }
});
