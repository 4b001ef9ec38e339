import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { printable } from '../../src/output/printable.js';

describe('printable', () => {
  it('leaves ordinary text of any script as it is', () => {
    assert.equal(printable('www.exämple.org 例え.jp'), 'www.exämple.org 例え.jp');
  });
  it('takes the power from escape sequences, line breaks and bidirectional overrides', () => {
    assert.equal(printable('a\x1b[31mred\nb\u202ec'), 'a\\u{1b}[31mred\\u{a}b\\u{202e}c');
  });
  it('never lets a control character through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(printable(text), /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});
