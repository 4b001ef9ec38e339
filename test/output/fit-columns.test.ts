import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitColumns } from '../../src/output/fit-columns.js';

const rows = [
  ['server', 'SNI', 'label'],
  ['192.0.2.1:443', 'a'.repeat(40), `\u001b[32m${'b'.repeat(60)}\u001b[39m`],
];
/** Of columns as wide as what is in them, with padding. */
const natural = [15, 42, 62];
const total = (widths: readonly (number | null)[]): number =>
  widths.reduce<number>((sum, width, index) => sum + (width ?? natural[index]!) + 1, 1);

describe('the columns of a table', () => {
  it('are as wide as what is in them where that fits, or where there is no terminal', () => {
    assert.deepEqual(fitColumns(rows, [1, 2], null), [null, null, null]);
    assert.deepEqual(fitColumns(rows, [1, 2], total(natural)), [null, null, null]);
  });

  it('fill a terminal that is narrower, the longest cut first', () => {
    assert.deepEqual(fitColumns(rows, [1, 2], total(natural) - 5), [null, null, 57]);
    for (const columns of [110, 100, 80, 60, 44]) {
      const widths = fitColumns(rows, [1, 2], columns);
      assert.equal(total(widths), columns);
      assert.equal(widths[0], null);
      assert.ok(widths.every((width) => width === null || width >= 12));
    }
  });

  it('keep enough to be read', () => {
    assert.deepEqual(fitColumns(rows, [1, 2], 10), [null, 12, 12]);
    assert.deepEqual(fitColumns([], [0], 80), []);
  });
});
