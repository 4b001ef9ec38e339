import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { ipv4Text, ipv6Text } from '../../src/capture/address-text.js';

const ipv6 = (bytes: Uint8Array): string => ipv6Text(new DataView(bytes.buffer, bytes.byteOffset, 16), 0);
const parsed = (text: string): string => ipv6(Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()));

describe('the text of an address', () => {
  it('of IPv4 is its bytes in dotted decimals', () => {
    assert.equal(ipv4Text(0x0101007f), '127.0.1.1');
    assert.equal(ipv4Text(0xffffffff), '255.255.255.255');
    assert.equal(ipv4Text(0), '0.0.0.0');
  });

  // RFC 5952 section 4 with its examples, and section 5 for addresses with IPv4 in them.
  const examples: readonly [given: string, text: string][] = [
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::A', '2001:db8::a'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ];
  for (const [given, text] of examples) {
    it(`of IPv6 ${given} is ${text}`, () => {
      assert.equal(parsed(given), text);
    });
  }

  it('of IPv6 is read back as the same address', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 255 })), {
      minLength: 16,
      maxLength: 16,
    });
    fc.assert(
      fc.property(groups, (bytes) => {
        const text = ipv6(Uint8Array.from(bytes));
        assert.deepEqual(ipaddr.IPv6.parse(text).toByteArray(), bytes);
        assert.ok(!/(^|:)0[0-9a-f]/.test(text) && text === text.toLowerCase());
      }),
    );
  });

  it('is right also for more addresses than are remembered', () => {
    for (let i = 0; i < 40_000; i++) assert.equal(ipv4Text(i), `${i & 255}.${i >> 8}.0.0`);
    assert.equal(ipv4Text(513), '1.2.0.0');
  });
});
