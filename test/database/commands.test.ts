import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { stackKey } from '../../src/database/fingerprint-key.js';
import { addLabel } from '../../src/database/labels.js';
import { recordProbes } from '../../src/database/servers.js';
import { NO_SOURCE } from '../../src/database/source.js';
import { Store } from '../../src/database/store.js';
import { program } from '../e2e/hellotap.js';
import { file, freshPath, goldenLine, goldenProbes } from './scratch.js';

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
