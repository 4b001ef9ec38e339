import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fingerprintId } from '../../src/fingerprint/stack.js';
import { parseFingerprintKey, type FingerprintKey } from '../../src/database/fingerprint-key.js';
import { importFile } from '../../src/database/import.js';
import { addLabel, removeLabel } from '../../src/database/labels.js';
import { recordProbes } from '../../src/database/servers.js';
import { sourceByName } from '../../src/database/source.js';
import type { Store } from '../../src/database/store.js';
import { Matcher } from '../../src/match/matcher.js';
import { file, freshStore, golden, goldenLine, goldenProbes } from '../database/scratch.js';

const seenAt = new Date('2022-06-27T12:00:00Z');
const server = { address: '192.0.2.1', port: 443, serverName: 'a.example' };
const sha1 = '0123456789abcdef0123456789abcdef01234567';

function keyOf(text: string): FingerprintKey {
  const key = parseFingerprintKey(text);
  assert.ok(typeof key !== 'string');
  return key;
}

function label(store: Store, key: string, name: string, kind: string, source = '', count = 1): void {
  addLabel(store, {
    key: keyOf(key),
    label: { name, kind },
    source: sourceByName(source),
    firstSeen: null,
    lastSeen: null,
    count,
  });
}

function see(store: Store, deployment: string, at = server, source = ''): void {
  const { hellos, fingerprint } = goldenLine(deployment);
  recordProbes(store, [{ server: at, helloSet: 'atsf-2022', hellos, fingerprint, seenAt }], {
    source: sourceByName(source),
  });
}

describe('verdicts', () => {
  it('name the fingerprint of every real server that was probed, and say so of the others', () => {
    const store = freshStore();
    recordProbes(store, goldenProbes(seenAt));
    const matcher = new Matcher(store);
    for (const line of golden) {
      const verdict = matcher.verdict({ address: line.ip, port: line.port, serverName: line.server_name });
      assert.equal(verdict.probed_at, '2022-06-27T12:00:00Z');
      if (line.fingerprint === null) assert.equal(verdict.status, 'unknown');
      else {
        assert.ok(verdict.status === 'known');
        assert.equal(verdict.fingerprint_id, fingerprintId(line.fingerprint));
        assert.equal(verdict.c2_score, null);
      }
    }
  });

  it('carry labels, the largest share first, and the score with what it stands on', () => {
    const store = freshStore();
    see(store, 'nginx-default');
    const { fingerprint } = goldenLine('nginx-default');
    label(store, fingerprint!, 'nginx', 'software', 'lab', 6);
    label(store, fingerprint!, 'nginx', 'software', 'survey', 2);
    label(store, fingerprint!, 'AsyncRAT', 'c2', 'sslbl', 2);
    see(store, 'nginx-default', { ...server, address: '192.0.2.2' }, 'toplist');
    see(store, 'nginx-default', { ...server, address: '192.0.2.3' }, 'toplist');
    const verdict = new Matcher(store).verdict(server);
    assert.ok(verdict.status === 'known');
    assert.deepEqual(
      verdict.labels.map(({ name, kind, share, count, key, source }) => [name, kind, share, count, key, source]),
      [
        ['nginx', 'software', 0.8, 8, 'stack', 'lab, survey'],
        ['AsyncRAT', 'c2', 0.2, 2, 'stack', 'sslbl'],
      ],
    );
    assert.equal(verdict.c2_score, 0.5);
    assert.deepEqual(verdict.c2, { key: 'stack', blocklist: 2, toplist: 2 });
  });

  it('come from the cache the second time, also for unknown servers', () => {
    const store = freshStore();
    see(store, 'nginx-default');
    const matcher = new Matcher(store);
    const stranger = { address: '198.51.100.1', port: 443, serverName: null };
    for (const one of [server, stranger]) {
      const first = matcher.verdict(one);
      assert.equal(first.cached, false);
      assert.deepEqual(matcher.verdict(one), { ...first, cached: true });
    }
    assert.deepEqual(matcher.counters, { hits: 2, misses: 2, invalidations: 0 });
  });

  it('need no look into the database for another name at an endpoint that is in none', () => {
    const store = freshStore();
    see(store, 'nginx-default');
    const matcher = new Matcher(store);
    const at = (address: string, serverName: string | null): ReturnType<Matcher['verdict']> =>
      matcher.verdict({ address, port: 443, serverName });
    assert.equal(at('198.51.100.1', 'a.example').cached, false);
    assert.equal(at('198.51.100.1', 'b.example').cached, true);
    assert.equal(at('198.51.100.1', null).cached, true);
    // Where one name is known, others are asked for each by itself.
    assert.equal(at(server.address, 'b.example').cached, false);
    assert.equal(at(server.address, 'c.example').cached, false);
    assert.equal(at(server.address, server.serverName).status, 'known');
    assert.equal(at(server.address, 'c.example').cached, true);
    // What a probe has found out counts at once.
    see(store, 'nginx-default', { address: '198.51.100.1', port: 443, serverName: 'b.example' });
    matcher.forget({ address: '198.51.100.1', port: 443, serverName: 'b.example' });
    assert.equal(at('198.51.100.1', 'b.example').status, 'known');
    assert.equal(at('198.51.100.1', 'a.example').status, 'unknown');
    assert.equal(at('198.51.100.1', 'b.example').status, 'known');
  });

  it('keep an older complete answer when a newer attempt got none', () => {
    const store = freshStore();
    see(store, 'nginx-default');
    const hellos = goldenLine('closed').hellos;
    const later = new Date(seenAt.getTime() + 3_600_000);
    recordProbes(store, [{ server, helloSet: 'atsf-2022', hellos, fingerprint: null, seenAt: later }]);
    const verdict = new Matcher(store).verdict(server);
    assert.ok(verdict.status === 'known');
    assert.equal(verdict.probed_at, '2022-06-27T12:00:00Z');
  });
});

describe('a stored JARM', () => {
  it('speaks for its server as the fingerprint does, also without one', () => {
    const store = freshStore();
    const { hellos } = goldenLine('closed');
    const jarm = '2ad2ad0002ad2ad00042d42d00000069d641f34fe76acdc05c40262f8815e5';
    recordProbes(store, [{ server, helloSet: 'atsf-2022', hellos, fingerprint: null, seenAt, jarm }]);
    label(store, `jarm:${jarm}`, 'Cobalt Strike', 'c2', 'blocklist:jarm');
    const verdict = new Matcher(store).verdict(server);
    assert.equal(verdict.status, 'unknown');
    assert.deepEqual(verdict.c2, { key: 'jarm', blocklist: 1, toplist: 0 });
    assert.deepEqual(
      verdict.labels?.map(({ name, key }) => [name, key]),
      [['Cobalt Strike', 'jarm']],
    );
  });
});

describe('a guard against small numbers', () => {
  it('leaves a fingerprint without a score until it was seen often enough, and never a listed certificate', () => {
    const store = freshStore();
    see(store, 'nginx-default', server, 'blocklist:x');
    see(store, 'nginx-default', { ...server, address: '192.0.2.2' }, 'toplist');
    label(store, `ja3:${'ab'.repeat(16)}`, 'Dridex', 'c2', 'blocklist:sslbl-ja3');
    label(store, `cert-sha1:${sha1}`, 'Dridex', 'c2', 'blocklist:sslbl');
    const passive = { ja3: 'ab'.repeat(16) };
    const verdict = (minObservations: number, keys = {}): unknown[] => {
      const { c2_score: score, c2, labels } = new Matcher(store, { minObservations }).verdict(server, keys);
      return [score, c2, labels?.map(({ name }) => name)];
    };
    assert.deepEqual(verdict(2), [0.5, { key: 'stack', blocklist: 1, toplist: 1 }, []]);
    assert.deepEqual(verdict(3), [null, undefined, []]);
    assert.deepEqual(verdict(1, passive), [1, { key: 'ja3', blocklist: 1, toplist: 0 }, ['Dridex']]);
    assert.deepEqual(verdict(3, passive), [null, undefined, ['Dridex']]);
    assert.deepEqual(verdict(3, { certSha1: sha1 }), [1, { key: 'cert-sha1', blocklist: 1, toplist: 0 }, ['Dridex']]);
  });
});

describe('labels of what a flow shows', () => {
  it('show at once, though the server was never probed', () => {
    const store = freshStore();
    label(store, `cert-sha1:${sha1}`, 'Dridex', 'c2', 'sslbl');
    const matcher = new Matcher(store);
    const verdict = matcher.verdict(server, { certSha1: sha1, ja3s: '0'.repeat(32) });
    assert.equal(verdict.status, 'unknown');
    assert.equal(verdict.c2_score, 1);
    assert.deepEqual(verdict.c2, { key: 'cert-sha1', blocklist: 1, toplist: 0 });
    assert.deepEqual(
      verdict.labels?.map(({ name, key, source }) => [name, key, source]),
      [['Dridex', 'cert-sha1', 'sslbl']],
    );
    assert.deepEqual(matcher.verdict(server), { status: 'unknown', cached: true });
  });

  it('stand beside those of the fingerprint; the highest score counts', () => {
    const store = freshStore();
    see(store, 'nginx-default', server, 'toplist');
    label(store, goldenLine('nginx-default').fingerprint!, 'nginx', 'software', 'lab', 10);
    label(store, `ja3s:${'ab'.repeat(16)}`, 'TrickBot', 'c2', 'list');
    const verdict = new Matcher(store).verdict(server, { ja3s: 'ab'.repeat(16) });
    assert.ok(verdict.status === 'known');
    assert.deepEqual(
      verdict.labels.map(({ name, key }) => [name, key]),
      [
        ['nginx', 'stack'],
        ['TrickBot', 'ja3s'],
      ],
    );
    assert.equal(verdict.c2_score, 1);
    assert.equal(verdict.c2?.key, 'ja3s');
  });

  it('hold for an address and port whatever name is asked for, weighed with the top lists that it stands on', () => {
    const store = freshStore();
    label(store, 'endpoint:192.0.2.1:443', 'Feodo', 'c2', 'feodo');
    const matcher = new Matcher(store);
    assert.equal(matcher.verdict({ ...server, serverName: null }).c2_score, 1);
    assert.equal(matcher.verdict({ ...server, port: 444 }).c2_score, undefined);
    for (const name of ['b.example', 'c.example', 'd.example']) {
      see(store, 'nginx-default', { ...server, serverName: name }, 'toplist');
    }
    assert.equal(matcher.verdict(server).c2_score, 0.25);
  });
});

describe('what the matcher remembers', () => {
  it('is forgotten for one server when told', () => {
    const store = freshStore();
    const matcher = new Matcher(store);
    assert.equal(matcher.verdict(server).status, 'unknown');
    see(store, 'nginx-default');
    assert.equal(matcher.verdict(server).status, 'unknown');
    matcher.forget(server);
    assert.equal(matcher.verdict(server).status, 'known');
  });

  it('is dropped at once when this process sets or removes a label', () => {
    const store = freshStore();
    see(store, 'nginx-default');
    const matcher = new Matcher(store, { now: () => 0 });
    const names = (): string[] => (matcher.verdict(server).labels ?? []).map(({ name }) => name);
    assert.deepEqual(names(), []);
    label(store, goldenLine('nginx-default').fingerprint!, 'nginx', 'software');
    assert.deepEqual(names(), ['nginx']);
    removeLabel(store, keyOf(goldenLine('nginx-default').fingerprint!), 'nginx', null);
    assert.deepEqual(names(), []);
    assert.equal(matcher.counters.invalidations, 2);
  });

  it('is dropped within the refresh interval when another process imports', async () => {
    const store = freshStore();
    const table = file(`fingerprint,label,kind\ncert-sha1:${sha1},Dridex,c2\n`);
    let now = 0;
    const matcher = new Matcher(store, { now: () => now });
    assert.equal(matcher.verdict(server, { certSha1: sha1 }).labels, undefined);
    const room = join(import.meta.dirname, '../../src/database');
    const script = `
      import { Store } from ${JSON.stringify(join(room, 'store.ts'))};
      import { importFile } from ${JSON.stringify(join(room, 'import.ts'))};
      const store = Store.open(${JSON.stringify(store.path)});
      await importFile(store, ${JSON.stringify(table)});`;
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: 'pipe' });
    now = 249;
    assert.equal(matcher.verdict(server, { certSha1: sha1 }).labels, undefined);
    now = 250;
    assert.equal(matcher.verdict(server, { certSha1: sha1 }).labels?.length, 1);
    await importFile(store, table);
    assert.equal(matcher.verdict(server, { certSha1: sha1 }).cached, true);
  });

  it('grows old: a miss after its time, a hit after a longer one', () => {
    const store = freshStore();
    let now = 0;
    const matcher = new Matcher(store, { missTtlMs: 1000, hitTtlMs: 5000, now: () => now });
    see(store, 'nginx-default');
    const stranger = { ...server, port: 444 };
    const cached = (one: typeof server): boolean => matcher.verdict(one).cached;
    assert.deepEqual([cached(server), cached(stranger)], [false, false]);
    now = 999;
    assert.deepEqual([cached(server), cached(stranger)], [true, true]);
    now = 1000;
    assert.deepEqual([cached(server), cached(stranger)], [true, false]);
    now = 5000;
    assert.deepEqual([cached(server), cached(stranger)], [false, false]);
  });

  it('has a bound', () => {
    const store = freshStore();
    const matcher = new Matcher(store, { maxServers: 10 });
    for (let host = 1; host <= 11; host++) matcher.verdict({ ...server, address: `192.0.2.${host}` });
    assert.equal(matcher.verdict({ ...server, address: '192.0.2.11' }).cached, true);
    assert.equal(matcher.verdict(server).cached, false);
  });
});
