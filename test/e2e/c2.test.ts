import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { C2AlertEvent, HellotapEvent, TlsEvent } from '../../src/output/event.js';
import { golden } from '../database/scratch.js';
import { hellotap, root } from './hellotap.js';

// Lists with the columns that abuse.ch publishes, made here of what a real capture shows; imported and matched by the
// commands that a user gives.
const CAPTURE = join(root, 'test/golden/with-sni.pcap');
const HELLOS = Object.keys(golden[0]!.hellos).sort();
const SEEN = ['--seen', '2026-11-02'];

describe('C2 servers by lists, from import to alert', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-c2-'));
  let files = 0;
  let plain: TlsEvent[] = [];
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const triage = async (database: string): Promise<HellotapEvent[]> => {
    const { code, stdout, stderr } = await hellotap('triage', CAPTURE, '--database', database, '--format', 'jsonl');
    assert.equal(code, 0, stderr);
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as HellotapEvent);
  };
  const load = async (database: string, lines: readonly string[], ...more: readonly string[]): Promise<void> => {
    const file = join(folder, `${files++}.csv`);
    writeFileSync(file, lines.map((line) => `${line}\r\n`).join(''));
    const { code, stderr } = await hellotap('db', 'import', file, '--database', database, ...more);
    assert.equal(code, 0, stderr);
  };
  const fresh = (): string => join(folder, `${files++}.db`);
  const alertsOf = (events: readonly HellotapEvent[]): C2AlertEvent[] =>
    events.filter((event): event is C2AlertEvent => event.event_type === 'alert' && 'c2_score' in event.hellotap);
  const serversOf = (events: readonly (TlsEvent | C2AlertEvent)[]): string[] =>
    [...new Set(events.map(({ dest_ip, dest_port }) => `${dest_ip}:${dest_port}`))].sort();

  /** What an alert has to say, for exactly these servers. */
  const assertAlerts = (
    events: readonly HellotapEvent[],
    servers: readonly string[],
    said: { id: number; what: RegExp; source: string; key: string; score: number },
  ): void => {
    const alerts = alertsOf(events);
    assert.ok(servers.length > 0);
    assert.deepEqual(serversOf(alerts), servers);
    assert.equal(alerts.length, servers.length);
    for (const { alert, hellotap: found } of alerts) {
      assert.equal(alert.signature_id, said.id);
      assert.match(alert.signature, said.what);
      assert.equal(found.c2_score, said.score);
      assert.equal(found.c2?.key, said.key);
      assert.equal(found.source, said.source);
    }
  };

  before(async () => {
    plain = (await triage(fresh())).filter((event) => event.event_type === 'tls');
  });

  it('raise an alert by their certificate (SSLBL)', async () => {
    const fingerprint = plain.find(({ tls }) => tls.fingerprint !== undefined)!.tls.fingerprint!;
    const database = fresh();
    await load(database, [
      '################################################################',
      '# abuse.ch SSLBL SSL Certificate Blacklist (SHA1 Fingerprints) #',
      '################################################################',
      '#',
      '# Listingdate,SHA1,Listingreason',
      `2026-11-04 14:57:33,${fingerprint.replaceAll(':', '')},AsyncRAT C&C`,
      '2026-11-04 14:57:33,0123456789abcdef0123456789abcdef01234567,Vidar C&C',
      '# END (2) entries',
    ]);
    const listed = plain.filter(({ tls }) => tls.fingerprint === fingerprint);
    assertAlerts(await triage(database), serversOf(listed), {
      ...{ id: 1_990_003, what: /certificate on a block list \(AsyncRAT\)$/, source: 'blocklist:sslbl' },
      ...{ key: 'cert-sha1', score: 1 },
    });
  });

  it('raise an alert by JA3 (SSLBL)', async () => {
    const ja3 = plain.find(({ tls }) => tls.ja3 !== undefined)!.tls.ja3!.hash;
    const database = fresh();
    await load(database, [
      '# ja3_md5,Firstseen,Lastseen,Listingreason',
      `${ja3},2026-07-14 18:08:15,2026-07-27 20:42:54,Adware`,
    ]);
    const listed = plain.filter(({ tls }) => tls.ja3?.hash === ja3);
    assertAlerts(await triage(database), serversOf(listed), {
      ...{
        id: 1_990_006,
        what: /JA3 of known malware \(Adware\)$/,
        source: 'blocklist:sslbl-ja3',
        key: 'ja3',
        score: 1,
      },
    });
  });

  it('raise an alert by address and port (SSLBL)', async () => {
    const { dest_ip, dest_port } = plain[0]!;
    const database = fresh();
    await load(database, [
      '# Firstseen,DstIP,DstPort',
      `2026-11-17 07:30:05,${dest_ip},${dest_port}`,
      `2026-11-17 07:30:05,${dest_ip},${dest_port + 1}`,
    ]);
    assertAlerts(await triage(database), [`${dest_ip}:${dest_port}`], {
      ...{ id: 1_990_002, what: /address and port on a block list \(SSLBL C2\)$/, source: 'blocklist:sslbl-ip' },
      ...{ key: 'endpoint', score: 1 },
    });
  });

  const server = golden.find((line) => line.deployment === 'nginx-default' && line.server_name !== null)!;
  const table = (rows: readonly (readonly [ip: string, port: number, name: string])[]): string[] => [
    ['ip', 'port', 'server_name', ...HELLOS, 'fingerprint'].join(','),
    ...rows.map(([ip, port, name]) =>
      [ip, port, name, ...HELLOS.map((hello) => server.hellos[hello] ?? ''), server.fingerprint].join(','),
    ),
  ];
  const many = (net: string, count: number): [string, number, string][] =>
    Array.from({ length: count }, (_, index) => [`${net}.${index + 1}`, 443, '']);
  const own: [string, number, string] = [server.ip, server.port, server.server_name ?? ''];
  const DRIDEX = ['--source', 'blocklist:sslbl', '--label', 'Dridex', '--kind', 'c2'];

  it('raise an alert by their stack fingerprint, which servers on a block list have', async () => {
    const database = fresh();
    await load(database, table([own]), ...SEEN);
    await load(database, table(many('198.51.100', 19)), ...SEEN, ...DRIDEX);
    await load(database, table(many('203.0.113', 1)), ...SEEN, '--source', 'toplist:tranco');
    const events = await triage(database);
    assertAlerts(events, [`${server.ip}:${server.port}`], {
      ...{ id: 1_990_001, what: /TLS stack fingerprint of known C2 servers \(Dridex\)$/, source: 'blocklist:sslbl' },
      ...{ key: 'stack', score: 0.95 },
    });
    assert.deepEqual(alertsOf(events)[0]?.hellotap.c2, { key: 'stack', blocklist: 19, toplist: 1 });
  });

  it('raise none by a fingerprint that they share with a content network', async () => {
    const database = fresh();
    await load(database, table([own]), ...SEEN);
    await load(database, table(many('198.51.100', 5)), ...SEEN, ...DRIDEX);
    await load(
      database,
      table(many('203.0.113', 200)),
      ...SEEN,
      '--source',
      'toplist:tranco',
      '--label',
      'Cloud CDN',
      '--kind',
      'cdn',
    );
    const events = await triage(database);
    assert.deepEqual(alertsOf(events), []);
    const [flow] = events.filter((event) => event.event_type === 'tls').filter(({ dest_ip }) => dest_ip === server.ip);
    const verdict = flow?.hellotap.verdict;
    assert.ok(verdict?.status === 'known');
    assert.equal(verdict.labels[0]?.name, 'Cloud CDN');
    assert.equal(verdict.c2_score, 5 / 205);
  });
});
