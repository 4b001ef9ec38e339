import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fingerprintById } from '../../src/database/fingerprints.js';
import { findServer, recordProbes, type ProbeObservation } from '../../src/database/servers.js';
import { weekOf } from '../../src/database/week.js';
import { HellotapError } from '../../src/errors.js';
import { golden, goldenLine, goldenProbes, freshStore } from './scratch.js';

const day = (text: string): Date => new Date(`${text}T12:00:00Z`);
const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

describe('stored probes', () => {
  it('gives every real server its golden fingerprint back', () => {
    const store = freshStore();
    assert.deepEqual(recordProbes(store, goldenProbes(day('2022-06-27'))), { stored: golden.length, ignored: 0 });
    for (const line of golden) {
      const [found, ...more] = findServer(store, { address: line.ip, port: line.port, serverName: line.server_name });
      assert.ok(found);
      assert.deepEqual(more, []);
      assert.equal(found.lastSeen, seconds(day('2022-06-27')));
      const stored = found.fingerprintId === null ? null : fingerprintById(store, found.fingerprintId);
      assert.equal(stored?.text ?? null, line.fingerprint);
    }
  });

  it('remembers an incomplete server with its time and the reason', () => {
    const store = freshStore();
    const line = golden.find((candidate) => candidate.fingerprint === null)!;
    const server = { address: line.ip, port: line.port, serverName: line.server_name };
    recordProbes(store, [
      {
        server,
        helloSet: 'atsf-2022',
        hellos: line.hellos,
        fingerprint: null,
        seenAt: day('2022-06-27'),
        outcome: 'reset',
      },
    ]);
    assert.deepEqual(findServer(store, server), [
      {
        fingerprintId: null,
        jarmId: null,
        firstSeen: seconds(day('2022-06-27')),
        lastSeen: seconds(day('2022-06-27')),
        count: 1,
        outcome: 'reset',
      },
    ]);
  });

  it('tells servers apart by name, port and address', () => {
    const store = freshStore();
    const probe = goldenProbes(day('2022-06-27')).find((candidate) => candidate.fingerprint !== null)!;
    recordProbes(store, [{ ...probe, server: { address: '2001:db8::1', port: 443, serverName: 'a.example' } }]);
    assert.equal(findServer(store, { address: '2001:db8::1', port: 443, serverName: 'a.example' }).length, 1);
    assert.equal(findServer(store, { address: '2001:DB8:0::1', port: 443, serverName: 'a.example' }).length, 1);
    assert.equal(findServer(store, { address: '2001:db8::1', port: 443, serverName: 'b.example' }).length, 0);
    assert.equal(findServer(store, { address: '2001:db8::1', port: 443, serverName: null }).length, 0);
    assert.equal(findServer(store, { address: '2001:db8::1', port: 8443, serverName: 'a.example' }).length, 0);
    assert.equal(findServer(store, { address: '2001:db8::2', port: 443, serverName: 'a.example' }).length, 0);
  });

  it('keeps the history of a server that changes, the newest first', () => {
    const store = freshStore();
    const server = { address: '192.0.2.1', port: 443, serverName: null };
    for (const [deployment, date] of [
      ['nginx-default', '2022-06-06'],
      ['apache-default', '2022-06-20'],
      ['nginx-default', '2022-06-13'],
    ] as const) {
      const { hellos, fingerprint } = goldenLine(deployment);
      recordProbes(store, [{ server, helloSet: 'atsf-2022', hellos, fingerprint, seenAt: day(date) }]);
    }
    const history = findServer(store, server).map((sighting) => [
      fingerprintById(store, sighting.fingerprintId!)!.text,
      sighting.count,
    ]);
    assert.deepEqual(history, [
      [goldenLine('apache-default').fingerprint, 1],
      [goldenLine('nginx-default').fingerprint, 2],
    ]);
  });

  it('ignores and counts what has no address', () => {
    const probe = goldenProbes(day('2022-06-27'))[0]!;
    const bad = { ...probe, server: { address: 'localhost', port: 443, serverName: null } };
    assert.deepEqual(recordProbes(freshStore(), [bad, probe]), { stored: 1, ignored: 1 });
  });

  it('refuses a hello set that is another one of the same name', () => {
    const store = freshStore();
    const probe = goldenProbes(day('2022-06-27'))[0]!;
    recordProbes(store, [{ ...probe, helloSetDigest: 'aa' }]);
    assert.throws(
      () => recordProbes(store, [{ ...probe, helloSetDigest: 'bb' }]),
      (error) => error instanceof HellotapError && error.code === 'ERR_HELLO_SET',
    );
  });

  it('counts a server once a week with each fingerprint, in whatever order and however often probes come', () => {
    const deployments = ['nginx-default', 'apache-default'] as const;
    const sighting = fc.record({
      host: fc.integer({ min: 1, max: 3 }),
      deployment: fc.constantFrom(...deployments),
      hours: fc.integer({ min: 0, max: 24 * 7 * 40 }),
    });
    const start = Date.UTC(2022, 0, 1);
    fc.assert(
      fc.property(
        fc.array(sighting, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        (list, parts) => {
          const store = freshStore();
          const probes = list.map(({ host, deployment, hours }): ProbeObservation => {
            const { hellos, fingerprint } = goldenLine(deployment);
            const server = { address: `192.0.2.${host}`, port: 443, serverName: null };
            return { server, helloSet: 'atsf-2022', hellos, fingerprint, seenAt: new Date(start + hours * 3_600_000) };
          });
          const size = Math.ceil(probes.length / parts);
          for (let i = 0; i < probes.length; i += size) recordProbes(store, probes.slice(i, i + size));
          recordProbes(store, probes);
          const weeks = new Set(
            probes.map((p) => [p.server.address, p.fingerprint, weekOf(seconds(p.seenAt))].join(' ')),
          );
          const total = (sql: string): number => store.prepare<[], { n: number }>(sql).get()!.n;
          assert.equal(total('SELECT sum(count) AS n FROM server'), weeks.size);
          assert.equal(total('SELECT sum(servers) AS n FROM tally'), weeks.size);
          for (const probe of probes) {
            const same = probes.filter(
              (p) => p.server.address === probe.server.address && p.fingerprint === probe.fingerprint,
            );
            const stored = findServer(store, probe.server).find(
              (found) => fingerprintById(store, found.fingerprintId!)!.text === probe.fingerprint,
            )!;
            assert.equal(stored.firstSeen, Math.min(...same.map((p) => seconds(p.seenAt))));
            assert.equal(stored.lastSeen, Math.max(...same.map((p) => seconds(p.seenAt))));
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
