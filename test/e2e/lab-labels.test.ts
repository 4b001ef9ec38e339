import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FingerprintEvent, HellotapEvent, TlsEvent } from '../../src/output/event.js';
import { deployment, deployments, goldenSkipReason, labSkipReason, useLab } from '../lab/lab.js';
import { hellotap, root } from './hellotap.js';

// Real data from end to end: the lab is probed into a database and labelled, then captures that the paper's own scanner
// made of the same servers, at another time, are triaged.
const NAME = 'lab.test';
const here = deployments.filter(({ id }) => labSkipReason([id]) === false);
/** Those of the release that the captures are of. */
const comparable = here.filter(
  ({ id, package: name, closed }) => !closed && (name === '-' || goldenSkipReason(id) === false),
);
const skip = comparable.length < 20 ? `only ${comparable.length} of the lab's servers run here` : false;

describe('servers of the lab, probed and labelled, in captures of another scanner', { skip, timeout: 300_000 }, () => {
  useLab(here.map(({ id }) => id));
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-labels-'));
  const database = join(folder, 'lab.db');
  const softwareOf = new Map(here.map(({ address, software }) => [address, software]));
  const wanted = new Set(comparable.map(({ address }) => address));
  let probed: FingerprintEvent[] = [];
  const eventsOf = (text: string): HellotapEvent[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as HellotapEvent);
  const capture = (name: string): string => join(root, 'test/golden', name);
  const tlsOf = (events: readonly HellotapEvent[]): TlsEvent[] =>
    events.filter((event) => event.event_type === 'tls').filter(({ dest_ip }) => wanted.has(dest_ip));

  before(async () => {
    const list = join(folder, 'servers.txt');
    writeFileSync(list, here.map(({ address, port }) => `${address}:${port}\n${address}:${port},${NAME}\n`).join(''));
    const limits = ['--rate', '10000', '--per-server-rate', '0', '--per-server-concurrency', '10'];
    const patience = ['--handshake-timeout', '5', '--retries', '0'];
    const scan = await hellotap(
      'probe',
      '-i',
      list,
      '--database',
      database,
      '--format',
      'jsonl',
      ...limits,
      ...patience,
    );
    probed = eventsOf(scan.stdout).filter((event) => event.event_type === 'fingerprint');
    assert.equal(probed.length, 2 * here.length, scan.stderr);
    const labels = probed.flatMap(({ hellotap: { ip, fingerprint_id: id } }) =>
      id === null ? [] : [`${id},${softwareOf.get(ip) ?? ''},software,lab`],
    );
    const table = join(folder, 'labels.csv');
    writeFileSync(table, `fingerprint,label,kind,source\n${[...new Set(labels)].join('\n')}\n`);
    const imported = await hellotap('db', 'import', table, '--database', database);
    assert.equal(imported.code, 0, imported.stderr);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('are named by the software that they run, flow by flow', async (t) => {
    const { code, stdout, stderr } = await hellotap(
      ...['triage', capture('with-sni.pcap'), capture('without-sni.pcap'), '--database', database, '--format', 'jsonl'],
    );
    assert.equal(code, 0, stderr);
    const servers = new Map<string, { right: boolean; several: boolean }>();
    const wrong: string[] = [];
    for (const { dest_ip, tls, hellotap: found } of tlsOf(eventsOf(stdout))) {
      const { verdict } = found;
      if (verdict.status !== 'known') continue;
      const top = verdict.labels.filter(({ share }) => share === verdict.labels[0]?.share);
      const right = top.some(({ name }) => name === softwareOf.get(dest_ip));
      if (!right) wrong.push(`${dest_ip}: ${verdict.labels.map(({ name }) => name).join(', ')}`);
      servers.set(`${dest_ip} ${tls.sni ?? ''}`, { right, several: top.length > 1 });
      // And nothing that these servers did contradicts what they are.
      assert.equal(verdict.contradicted_by, undefined, dest_ip);
    }
    const fingerprinted = probed.filter(({ hellotap: { ip, fingerprint } }) => wanted.has(ip) && fingerprint !== null);
    const several = [...servers.values()].filter((one) => one.several).length;
    t.diagnostic(
      `${servers.size} servers named of ${fingerprinted.length} fingerprinted, ${several} with equals beside it`,
    );
    assert.deepEqual(wrong, []);
    assert.equal(servers.size, fingerprinted.length);
  });

  it('show the probed answers again where a key log opens the handshake', async (t) => {
    const answers = new Map<string, Set<string | null>>();
    for (const { hellotap: one } of probed)
      answers.set(`${one.ip} ${one.sni ?? ''}`, new Set(Object.values(one.hellos)));
    let read = 0;
    const other: string[] = [];
    for (const name of ['with-sni', 'without-sni']) {
      const { stdout } = await hellotap(
        ...['triage', capture(`${name}.pcap`), '--keylog', capture(`${name}.keylog`), '--database', database],
        ...['--format', 'jsonl'],
      );
      for (const { dest_ip, tls, hellotap: found } of tlsOf(eventsOf(stdout))) {
        // A Java of 2026 refuses SHA-1, and so ends two of these handshakes otherwise than the one in the captures.
        if (found.handshake === undefined || dest_ip === deployment('java-default').address) continue;
        read++;
        if (answers.get(`${dest_ip} ${tls.sni ?? ''}`)?.has(found.handshake) !== true) {
          other.push(`${dest_ip} ${found.handshake}`);
        }
      }
    }
    t.diagnostic(`${read} handshakes read, ${read - other.length} of them as probed`);
    assert.ok(read > 100);
    assert.deepEqual(other, []);
  });
});
