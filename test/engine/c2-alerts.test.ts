import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { openFileSource } from '../../src/capture/file-source.js';
import { parseFingerprintKey } from '../../src/database/fingerprint-key.js';
import { importStream } from '../../src/database/import.js';
import { addLabel } from '../../src/database/labels.js';
import { recordProbes } from '../../src/database/servers.js';
import { sourceByName } from '../../src/database/source.js';
import { Store } from '../../src/database/store.js';
import { C2Alerts } from '../../src/engine/c2-alerts.js';
import { Engine } from '../../src/engine/engine.js';
import { ProbeRecorder } from '../../src/engine/probe-recorder.js';
import { Matcher } from '../../src/match/matcher.js';
import type { Verdict } from '../../src/match/verdict.js';
import type { C2AlertEvent, HellotapEvent, TlsEvent } from '../../src/output/event.js';

// Real handshakes with the servers of the lab; the lists that accuse some of them are made here, laid out as published.
const CAPTURE = join(import.meta.dirname, '../golden/with-sni.pcap');
const folder = mkdtempSync(join(tmpdir(), 'hellotap-alerts-'));
after(() => {
  rmSync(folder, { recursive: true });
});
let databases = 0;

interface GoldenLine {
  deployment: string;
  ip: string;
  port: number;
  server_name: string | null;
  hellos: Record<string, string | null>;
  fingerprint: string | null;
}
const golden = readFileSync(join(import.meta.dirname, '../golden/fingerprints.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as GoldenLine);

/** Reads the capture with what `prepare` puts in the database. */
async function run(prepare: (store: Store) => unknown, threshold = 0.9): Promise<HellotapEvent[]> {
  const store = Store.open(join(folder, `${databases++}.db`));
  await prepare(store);
  const events: HellotapEvent[] = [];
  const engine = new Engine({
    verdicts: new Matcher(store),
    probes: null,
    store: new ProbeRecorder(store),
    sink: { write: (event) => events.push(event), ready: () => null, close: () => Promise.resolve() },
    now: () => Date.now() * 1000,
    warn: (text) => assert.fail(text),
    retryAfterMs: 0,
    alerts: new C2Alerts({ threshold }),
  });
  for await (const batch of openFileSource(CAPTURE).batches()) {
    for (const record of batch) engine.accept(record, { pcap_filename: CAPTURE });
  }
  store.close();
  return events;
}

const alertsOf = (events: readonly HellotapEvent[]): C2AlertEvent[] =>
  events
    .filter((event) => event.event_type === 'alert')
    .filter((event) => 'c2_score' in event.hellotap) as C2AlertEvent[];
const flowsOf = (events: readonly HellotapEvent[]): TlsEvent[] => events.filter((event) => event.event_type === 'tls');
const list = (...lines: readonly string[]) => Readable.from([Buffer.from(lines.map((line) => `${line}\r\n`).join(''))]);
const server = golden.find(
  (line) => line.server_name !== null && line.fingerprint !== null && line.deployment === 'nginx-default',
)!;

/** That the server was probed, and others with the same fingerprint on a list. */
function probed(store: Store, blocked: number, top: number): void {
  const { hellos, fingerprint } = server;
  const probe = (address: string, serverName: string | null, port = 443) => ({
    server: { address, port, serverName },
    helloSet: 'atsf-2022',
    hellos,
    fingerprint,
    seenAt: new Date('2022-06-27'),
  });
  const many = (count: number, net: string) => Array.from({ length: count }, (_, n) => probe(`${net}.${n}`, null));
  recordProbes(store, [probe(server.ip, server.server_name, server.port)]);
  if (blocked > 0)
    recordProbes(store, many(blocked, '198.51.100'), {
      source: sourceByName('blocklist:feodotracker'),
      label: { name: 'Dridex', kind: 'c2' },
    });
  if (top > 0) recordProbes(store, many(top, '203.0.113'), { source: sourceByName('toplist:tranco') });
}

describe('an alert', () => {
  it('is raised by a listed certificate, once per server, with list, score and what it means', async () => {
    const [shown] = flowsOf(await run(() => undefined)).filter(({ tls }) => tls.fingerprint !== undefined);
    const sha1 = shown!.tls.fingerprint!.replaceAll(':', '');
    const events = await run((store) =>
      importStream(
        store,
        'sslbl',
        list('# Listingdate,SHA1,Listingreason', `2021-10-04 14:57:33,${sha1},AsyncRAT C&C`),
      ),
    );
    const flows = flowsOf(events).filter(({ tls }) => tls.fingerprint === shown!.tls.fingerprint);
    const servers = new Set(flows.map(({ dest_ip, dest_port }) => `${dest_ip} ${dest_port}`));
    const alerts = alertsOf(events);
    assert.ok(flows.length > servers.size);
    assert.equal(alerts.length, servers.size);
    const [alert] = alerts;
    assert.deepEqual(alert!.alert, {
      action: 'allowed',
      gid: 1,
      signature_id: 1_990_003,
      rev: 1,
      signature: 'hellotap C2: certificate on a block list (AsyncRAT)',
      category: 'Malware Command and Control Activity Detected',
      severity: 1,
    });
    assert.equal(alert!.hellotap.c2_score, 1);
    assert.deepEqual(alert!.hellotap.c2, { key: 'cert-sha1', blocklist: 1, toplist: 0 });
    assert.equal(alert!.hellotap.source, 'blocklist:sslbl');
    // It follows its flow's own event and carries the same ids.
    const before = events[events.indexOf(alert!) - 1] as TlsEvent;
    assert.equal(before.event_type, 'tls');
    assert.deepEqual(
      [alert!.flow_id, alert!.timestamp, alert!.dest_ip, alert!.community_id, alert!.tls],
      [before.flow_id, before.timestamp, before.dest_ip, before.community_id, before.tls],
    );
  });

  it('is raised by a listed JA3, less gravely', async () => {
    const ja3 = flowsOf(await run(() => undefined))[0]!.tls.ja3!.hash;
    const events = await run((store) =>
      importStream(
        store,
        'ja3',
        list('# ja3_md5,Firstseen,Lastseen,Listingreason', `${ja3},2017-07-14 18:08:15,2019-07-27 20:42:54,Adware`),
      ),
    );
    const servers = new Set(
      flowsOf(events)
        .filter(({ tls }) => tls.ja3?.hash === ja3)
        .map(({ dest_ip, dest_port }) => `${dest_ip} ${dest_port}`),
    );
    const alerts = alertsOf(events);
    assert.equal(alerts.length, servers.size);
    for (const { alert, hellotap } of alerts) {
      assert.equal(alert.severity, 2);
      assert.equal(alert.signature, 'hellotap C2: JA3 of known malware (Adware)');
      assert.equal(hellotap.source, 'blocklist:sslbl-ja3');
    }
  });

  it('is raised by a listed address and port, and only by that', async () => {
    const { dest_ip, dest_port } = flowsOf(await run(() => undefined))[0]!;
    const events = await run((store) =>
      importStream(
        store,
        'feodo',
        list(
          '"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"',
          `"2021-01-17 07:30:05","${dest_ip}","${dest_port}","online","2021-01-18","Dridex"`,
          `"2021-01-17 07:30:05","${dest_ip}","${dest_port + 1}","online","2021-01-18","QakBot"`,
        ),
      ),
    );
    const alerts = alertsOf(events);
    assert.equal(alerts.length, 1);
    assert.equal(alerts[0]!.alert.signature, 'hellotap C2: address and port on a block list (Dridex)');
    assert.deepEqual([alerts[0]!.dest_ip, alerts[0]!.dest_port], [dest_ip, dest_port]);
    assert.equal(alerts[0]!.hellotap.source, 'blocklist:feodotracker');
  });

  it("is raised by the server's stack fingerprint when listed servers have it", async () => {
    const alerts = alertsOf(
      await run((store) => {
        probed(store, 19, 1);
      }),
    );
    assert.equal(alerts.length, 1);
    assert.equal(alerts[0]!.hellotap.c2_score, 0.95);
    assert.deepEqual(alerts[0]!.hellotap.c2, { key: 'stack', blocklist: 19, toplist: 1 });
    assert.equal(alerts[0]!.alert.signature, 'hellotap C2: TLS stack fingerprint of known C2 servers (Dridex)');
    assert.equal(alerts[0]!.hellotap.source, 'blocklist:feodotracker');
    assert.equal(alerts[0]!.hellotap.sni, server.server_name);
  });

  it('is not raised by a fingerprint that many servers of a top list share, unless so low a score is asked for', async () => {
    const prepare = (store: Store): void => {
      probed(store, 5, 200);
    };
    assert.deepEqual(alertsOf(await run(prepare)), []);
    assert.equal(alertsOf(await run(prepare, 0.02)).length, 1);
  });

  it('is not raised by labels that accuse of nothing', async () => {
    const alerts = alertsOf(
      await run((store) => {
        probed(store, 0, 0);
        const key = parseFingerprintKey(server.fingerprint!);
        assert.ok(typeof key !== 'string');
        addLabel(store, {
          key,
          label: { name: 'nginx', kind: 'software' },
          source: sourceByName('lab'),
          firstSeen: null,
          lastSeen: null,
          count: 10,
        });
      }),
    );
    assert.deepEqual(alerts, []);
  });
});

describe('what was raised', () => {
  const identity = (n: number) => ({
    flow_id: n,
    src_ip: '192.0.2.200',
    src_port: 50_000,
    dest_ip: `192.0.2.${n}`,
    dest_port: 443,
    proto: 'TCP' as const,
    community_id: '',
  });
  const verdict = (key: 'stack' | 'endpoint' | 'jarm'): Verdict => ({
    status: 'unknown',
    cached: false,
    c2_score: 1,
    c2: { key, blocklist: 1, toplist: 0 },
  });

  it('is raised again for another reason, and after a while', () => {
    let now = 0;
    const alerts = new C2Alerts({ threshold: 0.9, quietMs: 1000, now: () => now });
    const raise = (n: number, key: 'stack' | 'endpoint' | 'jarm'): boolean =>
      alerts.alertOf(verdict(key), identity(n), '', null, null) !== null;
    assert.deepEqual(
      [raise(1, 'stack'), raise(1, 'stack'), raise(1, 'jarm'), raise(2, 'stack')],
      [true, false, true, true],
    );
    now = 999;
    assert.equal(raise(1, 'stack'), false);
    now = 1000;
    assert.equal(raise(1, 'stack'), true);
    assert.deepEqual(alerts.counters, { raised: 4, repeated: 2 });
  });

  it('is remembered under a bound', () => {
    const alerts = new C2Alerts({ threshold: 0.9, remembered: 10 });
    const raise = (n: number): boolean => alerts.alertOf(verdict('stack'), identity(n), '', null, null) !== null;
    for (let n = 0; n < 20; n++) assert.equal(raise(n), true);
    assert.equal(raise(19), false);
    assert.equal(raise(0), true);
  });
});
