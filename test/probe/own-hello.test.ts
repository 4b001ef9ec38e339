import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MarkedRandomness, OwnHelloMark } from '../../src/probe/own-hello.js';

describe('the mark of our own hellos', () => {
  it('is found in each of them, and no two are alike', () => {
    const mark = new OwnHelloMark();
    const randomness = new MarkedRandomness(mark);
    const seen = new Set<string>();
    for (let count = 0; count < 1000; count++) {
      const { random, sessionId } = randomness.helloRandoms();
      assert.equal(random.length, 32);
      assert.ok(mark.isOwnHello(random, sessionId));
      seen.add(Buffer.from(random).toString('hex')).add(Buffer.from(sessionId).toString('hex'));
    }
    assert.equal(seen.size, 2000);
  });

  it('is not found where a bit differs, or a length', () => {
    const mark = new OwnHelloMark();
    const { random, sessionId } = new MarkedRandomness(mark).helloRandoms();
    const flipped = Uint8Array.from(sessionId);
    flipped[31] = (flipped[31] ?? 0) ^ 1;
    assert.ok(!mark.isOwnHello(random, flipped));
    assert.ok(!mark.isOwnHello(flipped, sessionId));
    assert.ok(!mark.isOwnHello(random, sessionId.subarray(0, 31)));
    assert.ok(!mark.isOwnHello(random.subarray(1), mark.sessionIdFor(random.subarray(1))));
    assert.ok(!mark.isOwnHello(new Uint8Array(0), new Uint8Array(0)));
  });

  it('of another key is not ours; of the same key it is', () => {
    const key = Buffer.alloc(32, 7);
    const { random, sessionId } = new MarkedRandomness(new OwnHelloMark(key)).helloRandoms();
    assert.ok(new OwnHelloMark(Buffer.alloc(32, 7)).isOwnHello(random, sessionId));
    assert.ok(!new OwnHelloMark().isOwnHello(random, sessionId));
  });
});

describe('the randomness of hellos', () => {
  it('gives bytes that nobody else gets, in any lengths', () => {
    const randomness = new MarkedRandomness(new OwnHelloMark());
    const pieces = [48, 1, 4096, 5000, 32, 4095, 2].map((length) => {
      const piece = randomness.bytes(length);
      assert.equal(piece.length, length);
      return piece;
    });
    pieces.forEach((piece, index) => piece.fill(index + 1));
    pieces.forEach((piece, index) => {
      assert.ok(piece.every((byte) => byte === index + 1));
    });
  });
});
