import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RowTails } from '../../src/database/row-tails.js';

const MULTIPLIER = 0x9e3779b1;

/** Sequences of 17 bytes that have one hash: the last byte undoes what the first word changed. */
function colliding(count: number): Buffer[] {
  // By Newton's iteration: the number that undoes the multiplication.
  let inverse = MULTIPLIER;
  for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(MULTIPLIER, inverse));
  return Array.from({ length: count }, (_, last) => {
    const bytes = Buffer.alloc(17, 0);
    const product = (0x5eed00 | last) ^ (0x5eed00 >>> 16);
    bytes.writeInt32LE(17 ^ Math.imul(product, inverse), 0);
    bytes[16] = last;
    return bytes;
  });
}

describe('what the ends of rows stand for', () => {
  it('is found again wherever the bytes stand', () => {
    const tails = new RowTails();
    const line = Buffer.from('192.0.2.1,443,,abcdefg');
    const number = tails.numberOf(line, 15, line.length);
    assert.ok(tails.isNew);
    line.fill(0);
    assert.equal(tails.numberOf(Buffer.from('..abcdefg..'), 2, 9), number);
    assert.ok(!tails.isNew);
    assert.notEqual(tails.numberOf(Buffer.from('..abcdefg..'), 2, 8), number);
    assert.notEqual(tails.numberOf(Buffer.from('..abcdefG..'), 2, 9), number);
  });

  it('is told apart from other bytes with the same hash, of which not all are remembered', () => {
    const tails = new RowTails();
    const numbers = colliding(200).map((bytes) => tails.numberOf(bytes, 0, bytes.length));
    assert.deepEqual(
      numbers,
      Array.from({ length: 200 }, (_, n) => (n < 128 ? n : -1)),
    );
    assert.deepEqual(
      colliding(200).map((bytes) => tails.numberOf(bytes, 0, bytes.length)),
      numbers,
    );
  });

  it('is forgotten with all others when there are too many, and numbers begin anew', () => {
    const tails = new RowTails();
    const numberOf = (n: number): number => {
      const bytes = Buffer.from(`${n} ${'x'.repeat(100)}`);
      return tails.numberOf(bytes, 0, bytes.length);
    };
    for (let n = 0; n < 2 ** 17; n++) assert.equal(numberOf(n), n);
    assert.equal(numberOf(7), 7);
    assert.equal(numberOf(2 ** 17), 0);
    assert.equal(numberOf(7), 1);
    assert.ok(tails.isNew);
  });

  it('is not remembered where it is longer than any fingerprint', () => {
    const tails = new RowTails();
    assert.equal(tails.numberOf(Buffer.alloc(4096), 0, 4096), 0);
    assert.equal(tails.numberOf(Buffer.alloc(4097), 0, 4097), -1);
  });
});
