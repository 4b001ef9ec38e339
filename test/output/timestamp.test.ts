import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTimestamp } from '../../src/output/timestamp.js';

describe('formatTimestamp', () => {
  it('keeps microseconds', () => {
    assert.equal(formatTimestamp(1_700_000_000_000_001), '2023-11-14T22:13:20.000001+0000');
  });
  it('does not carry a cached second over to the next', () => {
    assert.equal(formatTimestamp(999_999), '1970-01-01T00:00:00.999999+0000');
    assert.equal(formatTimestamp(1_000_000), '1970-01-01T00:00:01.000000+0000');
  });
  it('gives a valid date for times that no clock shows', () => {
    assert.equal(formatTimestamp(-5), '1970-01-01T00:00:00.000000+0000');
    assert.equal(formatTimestamp(2 ** 60), '9999-12-31T23:59:59.999999+0000');
  });
});
