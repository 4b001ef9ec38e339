import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Reader } from '../../src/tls/reader.js';

const BYTES = Uint8Array.of(0x00, 0x03, 0x0a, 0x0b, 0x0c, 0xff);

describe('the reader', () => {
  it('reads numbers in network byte order', () => {
    const reader = Reader.ofWhole(Uint8Array.of(1, 2, 3, 4, 5, 6, 0xff, 0xff, 0xff, 0xff));
    assert.equal(reader.uint8('a'), 1);
    assert.equal(reader.uint16('b'), 0x0203);
    assert.equal(reader.uint24('c'), 0x040506);
    assert.equal(reader.uint32('d'), 0xffffffff);
    assert.equal(reader.more(), false);
    assert.equal(reader.failure, null);
  });

  it('checks that a scope is read to its end, and goes on behind it', () => {
    const reader = Reader.ofWhole(BYTES);
    const outer = reader.open16('list');
    assert.equal(reader.remaining, 3);
    reader.skip(3, 'entries');
    assert.equal(reader.more(), false);
    reader.close(outer, 'list');
    assert.equal(reader.uint8('rest'), 0xff);
    assert.deepEqual(reader.answerWhole('value', 'message'), { kind: 'message', value: 'value', end: 6 });
  });

  it('says what is left over in a scope', () => {
    const reader = Reader.ofWhole(BYTES);
    const outer = reader.open16('list');
    reader.uint8('entry');
    reader.close(outer, 'list');
    assert.deepEqual(reader.failure, { kind: 'malformed', offset: 3, reason: '2 bytes left over in list' });
  });

  it('needs more at the end of a stream, but finds fault with a scope that ends too early', () => {
    const stream = Reader.ofStream(BYTES);
    stream.skip(4, 'head');
    stream.uint32('number');
    assert.deepEqual(stream.failure, { kind: 'need_more', missing: 2 });

    const scope = Reader.ofStream(BYTES);
    scope.open16('list');
    scope.uint32('number');
    assert.deepEqual(scope.failure, { kind: 'malformed', offset: 2, reason: 'number ends 1 bytes early' });

    const announced = Reader.ofStream(Uint8Array.of(9, 1, 2));
    announced.open8('list');
    assert.deepEqual(announced.failure, { kind: 'need_more', missing: 7 });
  });

  it('keeps the first failure, and gives zeros and nothing after it', () => {
    const reader = Reader.ofWhole(BYTES);
    reader.uint16('two');
    reader.view(9, 'nine');
    const first = reader.failure;
    assert.deepEqual(first, { kind: 'malformed', offset: 2, reason: 'nine ends 5 bytes early' });
    assert.equal(reader.uint8('more'), 0);
    assert.equal(reader.opaque16('more').length, 0);
    const outer = reader.open8('more');
    assert.equal(reader.more(), false);
    reader.close(outer, 'more');
    reader.fail('another');
    assert.equal(reader.uint32('more'), 0);
    assert.equal(reader.failure, first);
    assert.equal(reader.answer('value'), first);
  });

  it('never throws or leaves its bounds, whatever is read from whatever bytes', () => {
    const operation = fc.constantFrom(
      'uint8',
      'uint16',
      'uint24',
      'uint32',
      'opaque8',
      'opaque16',
      'open8',
      'open16',
      'close',
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(operation), fc.boolean(), (bytes, operations, whole) => {
        const reader = whole ? Reader.ofWhole(bytes) : Reader.ofStream(bytes);
        const scopes: number[] = [];
        let consumed = 0;
        for (const name of operations) {
          const before = reader.offset;
          if (name === 'open8' || name === 'open16') scopes.push(reader[name]('scope'));
          else if (name === 'close') reader.close(scopes.pop() ?? reader.end, 'scope');
          else reader[name]('field');
          assert.ok(reader.offset >= before && reader.offset <= bytes.length);
          assert.ok(reader.end >= reader.offset && reader.end <= bytes.length);
          consumed = reader.offset;
        }
        assert.ok(consumed <= bytes.length);
      }),
      { numRuns: 1000 },
    );
  });
});
