import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressBytes } from '../../src/database/address.js';
import { readIpv6 } from '../../src/database/ipv6-columns.js';

function read(text: string): string | null {
  const bytes = Buffer.from(`ab${text},443`);
  const address = new Uint8Array(16).fill(0xee);
  const end = readIpv6(bytes, 2, bytes.length, address);
  if (end < 0) return null;
  assert.equal(end, 2 + text.length);
  return Buffer.from(address).toString('hex');
}

function byLibrary(text: string): string | null {
  const bytes = addressBytes(text);
  return bytes === null ? null : Buffer.from(bytes).toString('hex').padStart(32, '-');
}

const group = fc.oneof(fc.constant(0), fc.nat(0xffff)).map((value) => value.toString(16));

describe('an IPv6 address in a table', () => {
  it('is read in its usual forms', () => {
    for (const [text, hex] of [
      ['::', '00000000000000000000000000000000'],
      ['::1', '00000000000000000000000000000001'],
      ['1::', '00010000000000000000000000000000'],
      ['2001:db8::8:800:200C:417A', '20010db80000000000080800200c417a'],
      ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
      ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ] as const) {
      assert.equal(read(text), hex, text);
    }
  });

  it('is left to others in any other form', () => {
    const texts = [
      '',
      ':',
      ':::',
      '1',
      '1:',
      ':1',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8:',
    ];
    for (const text of [
      ...texts,
      '::ffff:10.0.0.1',
      'fe80::1%eth0',
      '12345::',
      'g::',
      '"::1"',
      ' ::1',
      '1::2:3:4:5:6:7:8',
    ]) {
      assert.equal(read(text), null, text);
    }
    const unfinished = Buffer.from('2001:db8::1');
    assert.equal(readIpv6(unfinished, 0, unfinished.length, new Uint8Array(16)), -1);
  });

  it('is what the library says, wherever it is read', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV6(),
          fc
            .array(group, { minLength: 8, maxLength: 8 })
            .map((groups) => groups.join(':').replace(/(^|:)0(:0)+/, '::')),
          fc.string({ unit: fc.constantFrom(':', '::', '0', 'f', 'A', '12', 'beef', '.', 'g'), maxLength: 20 }),
        ),
        (text) => {
          const found = read(text);
          if (found !== null) assert.equal(found, byLibrary(text), text);
          // What only the library reads has an IPv4 address in it.
          else if (byLibrary(text) !== null && text.includes(':')) assert.match(text, /\./);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
