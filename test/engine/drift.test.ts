import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openFileSource } from '../../src/capture/file-source.js';
import { openHelloSet } from '../../src/cli/hello-sets.js';
import { stackText } from '../../src/database/fingerprints.js';
import { recordProbes } from '../../src/database/servers.js';
import { Drift } from '../../src/engine/drift.js';
import { Engine, type ProbePort } from '../../src/engine/engine.js';
import { ProbeRecorder } from '../../src/engine/probe-recorder.js';
import { Matcher } from '../../src/match/matcher.js';
import type { HellotapEvent, TlsEvent } from '../../src/output/event.js';
import type { ProbeResult, ProbeTarget } from '../../src/probe/probe-result.js';
import { WITH_SNI } from '../capture/captures.js';
import { freshStore, golden } from '../database/scratch.js';

// The handshakes are real ones with the servers of the lab; what the database holds of one of them is another's answers.
const named = (deployment: string) =>
  golden.find((line) => line.deployment === deployment && line.server_name !== null)!;
const server = named('go-default');
const stored = named('nginx-tls12');

async function run(
  line: typeof server,
  answer: (target: ProbeTarget) => ReturnType<ProbePort['request']> = () => 'excluded',
  options: { readonly threshold?: number; readonly times?: number } = {},
): Promise<{ events: HellotapEvent[]; flows: TlsEvent[]; asked: ProbeTarget[]; drift: Drift }> {
  const store = freshStore();
  recordProbes(store, [
    {
      server: { address: server.ip, port: server.port, serverName: server.server_name },
      helloSet: 'atsf-2022',
      hellos: line.hellos,
      fingerprint: line.fingerprint,
      seenAt: new Date('2022-06-27'),
    },
  ]);
  const events: HellotapEvent[] = [];
  const asked: ProbeTarget[] = [];
  const drift = new Drift({
    helloSet: () => openHelloSet('atsf-2022'),
    textOf: (set, id) => stackText(store, set, id),
    retryAfterMs: 3_600_000,
    ...(options.threshold === undefined ? {} : { threshold: options.threshold }),
  });
  const engine = new Engine({
    verdicts: new Matcher(store),
    probes: {
      request: (target) => {
        if (target.address !== server.ip) return 'network';
        asked.push(target);
        return answer(target);
      },
      isOwn: () => false,
    },
    store: new ProbeRecorder(store),
    sink: { write: (event) => events.push(event), ready: () => null, close: () => Promise.resolve() },
    now: () => Date.now() * 1000,
    warn: (text) => assert.fail(text),
    retryAfterMs: 0,
    drift,
  });
  for (let time = 0; time < (options.times ?? 1); time++) {
    for await (const batch of openFileSource(WITH_SNI).batches()) {
      for (const record of batch) engine.accept(record, { pcap_filename: WITH_SNI });
    }
    await engine.settled();
  }
  const flows = events.filter((event) => event.event_type === 'tls').filter(({ dest_ip }) => dest_ip === server.ip);
  return { events, flows, asked, drift };
}

const contradictionsOf = ({ hellotap: { verdict } }: TlsEvent): readonly string[] =>
  verdict.status === 'known' ? (verdict.contradicted_by ?? []) : [];

describe('a server that is no longer what was stored', () => {
  it('is suspected flow by flow, and raises one alert', async () => {
    const { events, flows, asked, drift } = await run(stored);
    const suspected = flows.filter((flow) => contradictionsOf(flow).length > 0);
    assert.ok(suspected.length >= 3 && suspected.length <= flows.length);
    assert.equal(drift.counters.suspicions, suspected.length);
    const alerts = events.filter((event) => event.event_type === 'alert');
    assert.equal(alerts.length, 1);
    const [alert] = alerts;
    assert.equal(alert?.alert.signature_id, 1_990_021);
    assert.equal(
      alert.alert.signature,
      `hellotap drift: ServerHello contradicts the stored fingerprint (${contradictionsOf(suspected[2]!)[0]})`,
    );
    assert.equal(alert.dest_ip, server.ip);
    assert.ok('suspicions' in alert.hellotap && alert.hellotap.suspicions === 3);
    // The third suspected flow's own event is right before it.
    assert.equal(events[events.indexOf(alert) - 1], suspected[2]);
    // Asked for again with each further suspicion, because the gate refused.
    assert.equal(asked.length, suspected.length - 2);
    assert.equal(drift.counters.probes, 0);
  });

  it('is probed once more, and after that known as what it is', async () => {
    const answer = (target: ProbeTarget): Promise<ProbeResult> =>
      Promise.resolve({
        target,
        helloSet: 'atsf-2022',
        helloSetDigest: '',
        hellos: server.hellos,
        outcome: {},
        details: {},
        fingerprint: server.fingerprint,
        startedAt: new Date(),
        durationMs: 1,
      });
    const { events, flows, asked, drift } = await run(stored, answer, { times: 2 });
    assert.equal(asked.length, 1);
    assert.deepEqual([drift.counters.probes, drift.counters.alarms], [1, 1]);
    assert.equal(events.filter(({ event_type }) => event_type === 'fingerprint').length, 1);
    const again = flows.slice(flows.length / 2);
    assert.ok(again.length > 5);
    for (const flow of again) assert.deepEqual(contradictionsOf(flow), []);
  });

  it('raises nothing below the threshold', async () => {
    const { events, drift } = await run(stored, undefined, { threshold: 100 });
    assert.ok(drift.counters.suspicions > 0);
    assert.ok(events.every(({ event_type }) => event_type !== 'alert'));
  });
});

describe('a server that is what was stored', () => {
  it('is never suspected', async () => {
    const { flows, drift } = await run(server);
    assert.ok(drift.counters.judged >= 5);
    assert.equal(drift.counters.suspicions, 0);
    for (const flow of flows) assert.deepEqual(contradictionsOf(flow), []);
  });
});
