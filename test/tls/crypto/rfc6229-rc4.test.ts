import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rc4 } from '../../../src/tls/crypto/rc4.js';

/** RFC 6229 section 2: the key stream at offsets 0 and 16. */
const VECTORS: readonly [key: string, stream: string][] = [
  ['0102030405', 'b2396305f03dc027ccc3524a0a1118a86982944f18fc82d589c403a47a0d0919'],
  ['0102030405060708090a0b0c0d0e0f10', '9ac7cc9a609d1ef7b2932899cde41b975248c4959014126a6e8a84f11d1a9e1c'],
];

describe('RC4', () => {
  for (const [key, stream] of VECTORS) {
    it(`gives RFC 6229's key stream for a key of ${key.length * 4} bits`, () => {
      const rc4 = new Rc4(Buffer.from(key, 'hex'));
      assert.equal(Buffer.from(rc4.apply(new Uint8Array(32))).toString('hex'), stream);
    });

    it(`goes on with the key stream from call to call for a key of ${key.length * 4} bits`, () => {
      const rc4 = new Rc4(Buffer.from(key, 'hex'));
      const pieces = [3, 0, 13, 16].map((length) => rc4.apply(new Uint8Array(length)));
      assert.equal(Buffer.concat(pieces).toString('hex'), stream);
    });
  }
});
