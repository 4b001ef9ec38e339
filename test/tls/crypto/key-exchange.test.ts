import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EphemeralKeys, generateKeyShare, SUPPORTED_GROUPS } from '../../../src/tls/crypto/key-exchange.js';

describe('key exchange', () => {
  for (const group of SUPPORTED_GROUPS) {
    const name = `group ${group.toString(16).padStart(4, '0')}`;

    it(`both sides get the same secret with ${name}`, () => {
      const [ours, theirs] = [generateKeyShare(group), generateKeyShare(group)];
      assert.ok(ours && theirs);
      const secret = ours.sharedSecret(theirs.publicKey);
      assert.ok(secret);
      assert.deepEqual(secret, theirs.sharedSecret(ours.publicKey));
      assert.notDeepEqual(ours.publicKey, theirs.publicKey);
    });

    it(`refuses zeros and any other length for a key of ${name}`, () => {
      const share = generateKeyShare(group);
      assert.ok(share);
      assert.equal(share.sharedSecret(new Uint8Array(share.publicKey.length)), null);
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 140 }), (peer) => {
          fc.pre(peer.length !== share.publicKey.length);
          return share.sharedSecret(peer) === null;
        }),
        { numRuns: 50 },
      );
    });
  }

  it('makes no share for a group that it cannot compute with', () => {
    assert.equal(generateKeyShare(0x0100), null);
  });

  it('lets a key pair serve some handshakes and then makes another, for each group apart', () => {
    const keys = new EphemeralKeys();
    const uses = new Map<string, number>();
    for (let i = 0; i < 320; i++) {
      const key = Buffer.from(keys.share(0x001d)?.publicKey ?? []).toString('hex');
      uses.set(key, (uses.get(key) ?? 0) + 1);
    }
    assert.deepEqual(
      [...uses.values()],
      Array.from({ length: 10 }, () => 32),
    );
    assert.equal(keys.share(0x0017)?.publicKey.length, 65);
    assert.equal(keys.share(0x0100), null);
  });
});
