import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RowTails } from '../../src/database/row-tails.js';

const MULTIPLIER = 0x9e3779b1;

/** Eight bytes with the same hash as other eight: the second word undoes what the first one changed. */
function colliding(): [Buffer, Buffer] {
  const step = (word: number): number => Math.imul(8 ^ word, MULTIPLIER);
  const [one, other] = [Buffer.alloc(8), Buffer.alloc(8)];
  one.writeInt32LE(1, 0);
  other.writeInt32LE(2, 0);
  other.writeInt32LE(step(1) ^ step(2), 4);
  return [one, other];
}

describe('what the ends of rows stand for', () => {
  it('is found again wherever the bytes stand', () => {
    const tails = new RowTails();
    const line = Buffer.from('192.0.2.1,443,,abcdefg');
    tails.set(line, 15, line.length, 7);
    line.fill(0);
    assert.equal(tails.get(Buffer.from('..abcdefg..'), 2, 9), 7);
    assert.equal(tails.get(Buffer.from('..abcdefg..'), 2, 8), undefined);
    assert.equal(tails.get(Buffer.from('..abcdefG..'), 2, 9), undefined);
  });

  it('is told apart from other bytes with the same hash', () => {
    const [one, other] = colliding();
    const tails = new RowTails();
    tails.set(one, 0, 8, 1);
    assert.equal(tails.get(other, 0, 8), undefined);
    tails.set(other, 0, 8, 2);
    assert.equal(tails.get(other, 0, 8), 2);
    assert.equal(tails.get(one, 0, 8), undefined, 'they have the same hash: one place for both');
  });

  it('is forgotten when many others came and it did not', () => {
    const tails = new RowTails();
    const of = (n: number): Buffer => Buffer.from(`tail ${n}`);
    tails.set(of(0), 0, of(0).length, 0);
    tails.set(of(1), 0, of(1).length, 1);
    for (let n = 2; n < 200_000; n++) {
      tails.set(of(n), 0, of(n).length, n);
      if (n % 1000 === 0) assert.equal(tails.get(of(0), 0, of(0).length), 0);
    }
    assert.equal(tails.get(of(1), 0, of(1).length), undefined);
  });
});
