import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { importFile } from '../../src/database/import.js';
import { parseNetwork } from '../../src/database/networks.js';
import { recordProbes } from '../../src/database/servers.js';
import type { Store } from '../../src/database/store.js';
import { addressText } from '../../src/database/address.js';
import { HellotapError } from '../../src/errors.js';
import { syntheticFingerprint } from '../../samples/synthetic/observations.js';
import { content, file, freshStore } from './scratch.js';

const seenAt = new Date('2022-06-27T10:00:00Z');

/** A server at each address, each with a fingerprint of its own. */
function servers(addresses: readonly string[]): Store {
  const store = freshStore();
  recordProbes(
    store,
    addresses.map((address, i) => ({
      server: { address, port: 443, serverName: i % 2 === 0 ? null : 'a.test' },
      helloSet: 'atsf-2022',
      hellos: Object.fromEntries(
        syntheticFingerprint(i)
          .split('|')
          .map((text, n) => [`hello${n}`, text]),
      ),
      fingerprint: syntheticFingerprint(i),
      seenAt,
    })),
  );
  return store;
}

/** Labels by address. */
function labelled(store: Store): [address: string, label: string, kind: string, count: number][] {
  return store
    .prepare<[], { address: Uint8Array; label: string; kind: string; count: number }>(
      `SELECT s.address, l.name AS label, l.kind, c.count FROM server s JOIN profile p ON p.id = s.profile_id
       JOIN answers a ON a.id = p.answers_id JOIN claim c ON c.fingerprint_id = a.fingerprint_id AND c.removed = 0
       JOIN label l ON l.id = c.label_id ORDER BY s.address, l.name`,
    )
    .all()
    .map(({ address, label, kind, count }) => [addressText(address), label, kind, count]);
}

describe('lists of networks', () => {
  it('label what their servers answer, of ranges within ranges by the narrowest', async () => {
    const store = servers(['192.0.2.1', '192.0.2.77', '198.51.100.1', '203.0.113.9', '2001:db8::1', '2001:db8:1::1']);
    const table =
      'cidr,label,kind\n192.0.2.0/24,Wide,cdn\n192.0.2.64/26,Narrow,cdn\n2001:db8::/48,Six,own\n203.0.113.9,One,\n';
    const report = await importFile(store, file(table), { source: 'mine' });
    assert.deepEqual([report.table, report.rows, report.rejected, report.changed], ['networks', 4, 0, 4]);
    assert.deepEqual(labelled(store), [
      ['2001:db8::1', 'Six', 'own', 1],
      ['192.0.2.1', 'Wide', 'cdn', 1],
      ['192.0.2.77', 'Narrow', 'cdn', 1],
      ['203.0.113.9', 'One', 'other', 1],
    ]);
    const before = content(store);
    assert.equal((await importFile(store, file(table), { source: 'mine' })).changed, 0);
    assert.deepEqual(content(store), before, 'twice the same changes nothing');
  });

  it('are read as content networks publish them, from iptoasn.com, and from pyasn', async () => {
    const addresses = ['192.0.2.1', '198.51.100.1', '2001:db8::1'];
    const label = { label: 'Example CDN', kind: 'cdn' };
    for (const [list, options, expected] of [
      [
        '# ranges\r\n198.51.100.0/24\r\n2001:db8::/32\r\n',
        label,
        [
          ['2001:db8::1', 'Example CDN'],
          ['198.51.100.1', 'Example CDN'],
        ],
      ],
      [
        '192.0.2.0\t192.0.2.255\t64496\tZZ\tEXAMPLE-NET "one", two\n198.51.100.0\t198.51.100.255\t0\tNone\tNot routed\n',
        {},
        [['192.0.2.1', 'AS64496 EXAMPLE-NET "one", two']],
      ],
      [
        '; IP-ASN32-DAT file\n; Original file : rib.bz2\n;\n198.51.100.0/25\t64497\n; end\n',
        {},
        [['198.51.100.1', 'AS64497']],
      ],
      ['198.51.100.0-198.51.100.5\n', label, [['198.51.100.1', 'Example CDN']]],
    ] as const) {
      const store = servers(addresses);
      const report = await importFile(store, file(list), options);
      assert.equal(report.rejected, 0, JSON.stringify(report.rejects));
      assert.deepEqual(
        labelled(store).map(([address, name]) => [address, name]),
        expected,
      );
    }
  });

  it('agree with looking through all ranges for each server', async () => {
    const octet = fc.integer({ min: 0, max: 3 });
    const address = fc.tuple(octet, octet).map(([a, b]) => `10.0.${a}.${b}`);
    const network = fc
      .tuple(octet, octet, fc.integer({ min: 20, max: 32 }))
      .map(([a, b, bits]) => `10.0.${a}.${b}/${bits}`);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(address, { minLength: 1, maxLength: 12 }),
        fc.uniqueArray(network, { minLength: 1, maxLength: 12 }),
        async (addresses, networks) => {
          const store = servers(addresses);
          await importFile(
            store,
            file(`cidr,label\n${networks.map((one) => `${one},${one.replace('/', ' ')}`).join('\n')}\n`),
          );
          const got = new Map(labelled(store).map(([ip, label]) => [ip, label.replace(' ', '/')]));
          for (const ip of addresses) {
            const around = networks.filter((one) => ipaddr.parse(ip).match(ipaddr.parseCIDR(one)));
            const bits = Math.max(...around.map((one) => Number(one.split('/')[1])));
            const narrowest = around.filter((one) => one.endsWith(`/${bits}`));
            if (narrowest.length === 0) assert.equal(got.get(ip), undefined);
            else assert.ok(narrowest.includes(got.get(ip)!), `${ip}: ${got.get(ip) ?? 'none'} of ${narrowest.join()}`);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('name bad rows with their lines, and take the others', async () => {
    const store = servers(['192.0.2.1']);
    const table =
      'cidr,label,kind\n192.0.2.0/33,A,cdn\n192.0.2.0/24,,cdn\n192.0.2.0/24,A,bad\n192.0.2.0/24\n192.0.2.9-192.0.2.1,A,cdn\n192.0.2.0/24,A,cdn\n';
    const report = await importFile(store, file(table));
    assert.deepEqual(
      report.rejects.map(({ line, reason }) => `${line} ${reason}`),
      [
        '2 "192.0.2.0/33" is no range of addresses',
        '3 no label; --label NAME gives one to ranges without',
        '4 "bad" is none of the kinds software, cdn, c2, own, other',
        '5 1 columns where the header has 3',
        '6 "192.0.2.9-192.0.2.1" is no range of addresses',
      ],
    );
    assert.equal(report.changed, 1);
    const list = await importFile(store, file('192.0.2.0/24\nnot a range\n192.0.2.0/24 x\n'), { label: 'B' });
    assert.deepEqual(
      list.rejects.map(({ line }) => line),
      [2, 3],
    );
    await assert.rejects(
      importFile(store, file('not a range\n')),
      (error: unknown) => error instanceof HellotapError && error.code === 'ERR_IMPORT',
    );
  });

  it('write ranges as they are', () => {
    const ends = (text: string): string[] | null => {
      const network = parseNetwork(text);
      return network === null ? null : [addressText(network.first), addressText(network.last)];
    };
    assert.deepEqual(ends('192.0.2.77/25'), ['192.0.2.0', '192.0.2.127']);
    assert.deepEqual(ends('0.0.0.0/0'), ['0.0.0.0', '255.255.255.255']);
    assert.deepEqual(ends('2001:db8::/33'), ['2001:db8::', '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff']);
    for (const none of ['', '/', '1.2.3.4/', '1.2.3.4/-1', '1.2.3.4/8/8', '::/129', '1.2.3.4-::1', 'a-b-c'])
      assert.equal(ends(none), null);
  });
});
