import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PcapngBuilder, pcapng, readFrames, WITH_SNI, type ByteOrder } from './capture/captures.js';
import { isCutJa3, withoutSecrets } from './truth-explanations.js';

const DECRYPTION_SECRETS = 10;

describe('explanations of differences', () => {
  const frames = readFrames(WITH_SNI).slice(0, 20);
  for (const order of ['little', 'big'] satisfies ByteOrder[]) {
    it(`takes the keys out of a ${order}-endian pcapng and leaves the rest as it is`, () => {
      const first = new PcapngBuilder(order).interface();
      const withKeys = first.block(DECRYPTION_SECRETS, Buffer.alloc(40, 1)).packets(frames).bytes();
      const plain = pcapng(frames, order);
      assert.ok(withKeys.length > plain.length);
      assert.deepEqual(withoutSecrets(withKeys), plain);
      assert.equal(withoutSecrets(plain), null);
    });
  }

  it('knows a JA3 that tshark hashed without its last commas, and no other', () => {
    // MD5 of "769,,,,".
    const ours = '"f5d1076d0d11b5cd81c4c4e8e8ee881a"';
    assert.equal(isCutJa3({ field: 'ja3', ours, theirs: '' }, '769,,'), true);
    assert.equal(isCutJa3({ field: 'ja3', ours, theirs: '' }, '768,,'), false);
    assert.equal(isCutJa3({ field: 'ja3', ours, theirs: '' }, '769,,,,'), false);
    assert.equal(isCutJa3({ field: 'ja3s', ours, theirs: '' }, '769,,'), false);
  });
});
