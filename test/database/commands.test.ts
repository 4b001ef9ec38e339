import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseFingerprintKey, stackKey } from '../../src/database/fingerprint-key.js';
import { addLabel } from '../../src/database/labels.js';
import { recordProbes } from '../../src/database/servers.js';
import { NO_SOURCE, sourceByName } from '../../src/database/source.js';
import { Store } from '../../src/database/store.js';
import { program } from '../e2e/hellotap.js';
import { file, freshPath, golden, goldenLine, goldenProbes } from './scratch.js';

function db(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, 'db', ...args], { encoding: 'utf8', timeout: 60_000 });
}

function filled(): string {
  const path = freshPath();
  const store = Store.open(path);
  recordProbes(store, goldenProbes(new Date('2022-06-27')));
  const { fingerprint } = goldenLine('nginx-default');
  const label = { name: 'nginx', kind: 'software' };
  addLabel(store, { key: stackKey(fingerprint!), label, source: NO_SOURCE, firstSeen: null, lastSeen: null, count: 1 });
  store.close();
  return path;
}

describe('hellotap db', () => {
  it('verifies: exit code 0 and sound, or 1 and what is damaged', () => {
    const path = filled();
    const sound = db('verify', '--database', path);
    assert.equal(sound.status, 0, sound.stderr);
    assert.deepEqual((JSON.parse(sound.stdout) as { sound: boolean; damages: unknown[] }).damages, []);
    const store = Store.open(path);
    store.exec('DELETE FROM tally');
    store.close();
    const damaged = db('verify', '--database', path, '--format', 'table');
    assert.equal(damaged.status, 1);
    assert.match(damaged.stdout, /damaged \(counts\): profiles whose servers/);
    const none = db('verify', '--database', file('no database at all, but long enough to be one'.repeat(50)));
    assert.equal(none.status, 1);
    assert.match(none.stderr, /not a hellotap database/);
  });

  it('merges, prunes and compacts, and says what changed', () => {
    const [one, other] = [freshPath(), filled()];
    const merged = JSON.parse(db('merge', other, '--database', one).stdout) as Record<string, number>;
    assert.ok(merged['new_sightings']! > 0 && merged['new_labels'] === 1);
    const again = JSON.parse(db('merge', other, '--database', one).stdout) as Record<string, number>;
    assert.deepEqual([again['new_sightings'], again['new_labels']], [0, 0]);
    assert.equal(db('merge', one, '--database', one).status, 2);
    const pruned = JSON.parse(db('prune', '--before', '2023-01-01', '--database', one).stdout) as Record<
      string,
      number
    >;
    assert.equal(pruned['servers'], merged['new_sightings']);
    assert.equal(db('prune', '--database', one).status, 2);
    assert.match(db('compact', '--database', one, '--format', 'table').stdout, /MB before, .* MB now/);
    assert.equal(db('verify', '--database', one).status, 0);
  });

  it('names the nearest fingerprint by text and by id, and says where there is none', () => {
    const path = filled();
    const text = goldenLine('nginx-default').fingerprint!.replace('771_c09c_', '771_c09d_');
    const { status, stdout } = db('nearest', text, '--database', path, '--limit', '1');
    assert.equal(status, 0);
    const found = JSON.parse(stdout) as { labels: { name: string }[]; same: number; different: { hello: string }[] };
    assert.deepEqual([found.labels[0]?.name, found.same, found.different[0]?.hello], ['nginx', 9, 'random458']);
    const own = Buffer.from(stackKey(goldenLine('nginx-tls12').fingerprint!).digest).toString('hex');
    assert.match(
      db('nearest', own.slice(0, 10), '--database', path, '--format', 'table').stdout,
      /nginx \(software, 100 %\)/,
    );
    assert.equal(db('nearest', '<40', '--database', path).status, 2);
    const alone = Array(10).fill('1_2______').join('|');
    const nothing = db('nearest', alone, '--database', path);
    assert.equal(nothing.status, 1);
    assert.match(nothing.stderr, /no labelled fingerprint in the database is like it/);
  });

  it('says in one line that a file is damaged where it is met in the middle of an export', () => {
    const path = freshPath();
    const store = Store.open(path);
    const many = Array.from({ length: 3000 }, (_, n) => `cert-sha1:${n.toString(16).padStart(40, '0')}`);
    for (const text of many) {
      const key = parseFingerprintKey(text);
      assert.ok(typeof key !== 'string');
      const label = { name: 'synthetic', kind: 'c2' };
      store.exec('PRAGMA synchronous = OFF');
      addLabel(store, { key, label, source: NO_SOURCE, firstSeen: null, lastSeen: null, count: 1 });
    }
    const page = store
      .prepare<[], { pageno: number }>(`SELECT max(pageno) AS pageno FROM dbstat WHERE name = 'fingerprint'`)
      .get()!.pageno;
    store.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xaa, (page - 1) * 4096, page * 4096));
    const { status, stderr } = db('export', 'labels', '--database', path);
    assert.equal(status, 1);
    assert.match(stderr, /^hellotap db export: .*: the database is damaged \(.*\); restore a copy.*\n$/);
  });

  it('counts servers apart from the states in which they were seen, and what stands on block lists itself', () => {
    const path = filled();
    const store = Store.open(path);
    recordProbes(store, goldenProbes(new Date('2022-07-04')), { source: sourceByName('toplist:lab') });
    store.close();
    const list = file('# Firstseen,DstIP,DstPort\n2021-10-04 11:30:03,192.0.2.10,8808\n');
    assert.equal(db('import', list, '--database', path).status, 0);
    const stats = JSON.parse(db('stats', '--database', path).stdout) as Record<string, number>;
    const servers = new Set(golden.map(({ ip, port, server_name: name }) => `${ip} ${port} ${name ?? ''}`)).size;
    assert.deepEqual([stats['servers'], stats['states'], stats['listed']], [servers, 2 * servers, 1]);
    assert.match(db('stats', '--database', path, '--format', 'table').stdout, /^block-list entries: 1$/m);
  });

  it('says what is wrong with a label, and with the beginning of an id', () => {
    const path = filled();
    const id = Buffer.from(stackKey(goldenLine('nginx-default').fingerprint!).digest).toString('hex');
    for (const [args, expected] of [
      [['label', 'add', id, ' '], /the label: a name of 1 to 500 characters/],
      [['label', 'add', id, 'two\nlines'], /the label: .* none of them a control character/],
      [['label', 'add', id, 'x', '--source', 'a\tb'], /--source: .* none of them a control character/],
      [['label', 'add', id.slice(0, 7), 'x'], /give at least 8 digits of a fingerprint_id/],
      [['label', 'add', '0123456789', 'x'], /no fingerprint in the database begins so/],
      [['import', '--label', 'a\nb', file('')], /--label: .* none of them a control character/],
      [['import', '--source', 'a\nb', file('')], /--source: .* none of them a control character/],
      [['import', '--hello-set', '', file('')], /--hello-set: .* not empty/],
    ] as const) {
      const { status, stderr } = db(...args, '--database', path);
      assert.equal(status, 2, stderr);
      assert.match(stderr, expected);
    }
  });

  it('reads a block list that is told by itself, and names rejected rows', () => {
    const path = freshPath();
    const list = file(
      '# Firstseen,DstIP,DstPort\r\n2021-10-04 11:30:03,192.0.2.10,8808\r\n2021-10-04 11:30:03,192.0.2,8808\r\n',
    );
    const { status, stdout, stderr } = db('import', '--blocklist', list, '--database', path);
    assert.equal(status, 3);
    assert.equal((JSON.parse(stdout) as { table: string }).table, 'SSLBL addresses');
    assert.match(stderr, /line 3: left out: "192.0.2" is no IP address/);
  });
});
