import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  budgetPrefix,
  canonicalAddress,
  isPublicAddress,
  parseNetwork,
  ReachableNetworks,
} from '../../src/probe/networks.js';

describe('addresses', () => {
  it('have one text each', () => {
    assert.equal(canonicalAddress('2001:0DB8:0:0::1'), '2001:db8::1');
    assert.equal(canonicalAddress('::ffff:192.0.2.1'), '192.0.2.1');
    fc.assert(fc.property(fc.ipV4(), (text) => canonicalAddress(text) === text));
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = canonicalAddress(text);
        return canonical !== null && canonicalAddress(canonical) === canonical;
      }),
    );
  });

  it('are not what only some readers take for one', () => {
    for (const text of ['1.2.3', '0x7f.1', '017.0.0.1', '2130706433', '1.2.3.4/8', 'fe80::1%lo', '', '::g']) {
      assert.equal(canonicalAddress(text), null, text);
    }
  });

  it('are public unless a registry of special purposes names them', () => {
    for (const text of ['8.8.8.8', '2600::1']) assert.ok(isPublicAddress(text), text);
    const special = ['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.1.1', '172.16.0.1', '192.0.2.1'];
    special.push('192.168.0.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1');
    special.push('fc00::1', 'ff02::1', '2001:db8::1', '::ffff:10.0.0.1', 'nonsense');
    for (const text of special) assert.ok(!isPublicAddress(text), text);
  });

  it('have a budget in common within a /24 or a /48', () => {
    assert.equal(budgetPrefix('192.0.2.1'), budgetPrefix('192.0.2.254'));
    assert.notEqual(budgetPrefix('192.0.2.1'), budgetPrefix('192.0.3.1'));
    assert.equal(budgetPrefix('2001:db8:1::1'), budgetPrefix('2001:db8:1:ffff::2'));
    assert.notEqual(budgetPrefix('2001:db8:1::1'), budgetPrefix('2001:db8:2::1'));
  });
});

describe('what automatic probing may reach', () => {
  it('is every public address where nothing is named', () => {
    const reachable = new ReachableNetworks(null);
    assert.ok(reachable.allows('8.8.8.8'));
    for (const text of ['127.0.0.1', '10.0.0.1', 'fe80::1', 'nonsense']) assert.ok(!reachable.allows(text), text);
  });

  it('is what is named and nothing else', () => {
    const reachable = new ReachableNetworks([parseNetwork('127.0.0.0/8'), parseNetwork('2600::/16')]);
    assert.ok(reachable.allows('127.1.2.3'));
    assert.ok(reachable.allows('2600::7'));
    assert.ok(!reachable.allows('8.8.8.8'));
  });

  it('takes in no special range that happens to lie in a wide network', () => {
    const reachable = new ReachableNetworks([parseNetwork('8.0.0.0/0'), parseNetwork('::/0')]);
    assert.ok(reachable.allows('8.8.8.8'));
    for (const text of ['127.0.0.1', '10.0.0.1', '224.0.0.1', 'fe80::1']) assert.ok(!reachable.allows(text), text);
  });

  it('takes a block of IPv4-mapped addresses for the IPv4 that it maps', () => {
    assert.ok(new ReachableNetworks([parseNetwork('::ffff:10.0.0.0/104')]).allows('10.9.9.9'));
  });
});
