import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openFileSource } from '../../src/capture/file-source.js';
import { Store } from '../../src/database/store.js';
import { Engine, type ProbePort } from '../../src/engine/engine.js';
import { ProbeRecorder } from '../../src/engine/probe-recorder.js';
import { Matcher } from '../../src/match/matcher.js';
import type { EventSink, HellotapEvent, TagEvent, TlsEvent } from '../../src/output/event.js';
import type { ProbeResult, ProbeTarget } from '../../src/probe/probe-result.js';

// Real handshakes of ten hellos with each server; the prober is held still so that the test decides when it answers.
const CAPTURE = join(import.meta.dirname, '../golden/with-sni.pcap');

class Gathered implements EventSink {
  readonly events: HellotapEvent[] = [];
  write(event: HellotapEvent): void {
    this.events.push(event);
  }
  ready(): null {
    return null;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  get flows(): TlsEvent[] {
    return this.events.filter((event) => event.event_type === 'tls');
  }
  get tags(): TagEvent[] {
    return this.events.filter((event) => event.event_type === 'tag');
  }
}

class HeldProbes implements ProbePort {
  readonly asked: { target: ProbeTarget; answer: (result: ProbeResult | null) => void }[] = [];
  refuse = false;
  own = (random: Uint8Array): boolean => random.length === 0;
  request(target: ProbeTarget): ReturnType<ProbePort['request']> {
    if (this.refuse) return 'excluded';
    return new Promise((answer) => {
      this.asked.push({ target, answer });
    });
  }
  isOwn(random: Uint8Array): boolean {
    return this.own(random);
  }
}

const result = (target: ProbeTarget, fingerprint: string | null, startedAt = new Date()): ProbeResult => ({
  target,
  helloSet: 'atsf-2022',
  helloSetDigest: '00'.repeat(32),
  hellos: { one: fingerprint },
  outcome: { one: fingerprint === null ? 'timeout' : 'ok' },
  details: {},
  fingerprint,
  startedAt,
  durationMs: 1,
});

describe('Engine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-engine-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  let databases = 0;

  async function run(
    probes: HeldProbes | null,
    { passes = 1, retryAfterMs = 3_600_000, between = (): Promise<void> => Promise.resolve() } = {},
  ): Promise<{ sink: Gathered; engine: Engine }> {
    const sink = new Gathered();
    const store = Store.open(join(folder, `${databases++}.db`));
    const engine = new Engine({
      verdicts: new Matcher(store),
      probes,
      store: new ProbeRecorder(store),
      sink,
      now: () => Date.now() * 1000,
      warn: (text) => {
        assert.fail(text);
      },
      retryAfterMs,
    });
    for (let pass = 0; pass < passes; pass++) {
      for await (const batch of openFileSource(CAPTURE).batches()) {
        for (const record of batch) engine.accept(record, { pcap_filename: CAPTURE });
      }
      await between();
      await engine.settled();
    }
    store.close();
    return { sink, engine };
  }

  it('reports every flow at once, as unprobed where probing is off', async () => {
    const { sink } = await run(null);
    assert.equal(sink.flows.length, 510);
    for (const { hellotap } of sink.flows) {
      assert.deepEqual(
        { ...hellotap.verdict, cached: false },
        { status: 'unprobed', reason: 'disabled', cached: false },
      );
    }
  });

  it('asks for each server once, however many flows there are, and tags every flow that waited', async () => {
    const probes = new HeldProbes();
    const servers = new Set<string>();
    const { sink } = await run(probes, {
      between: async () => {
        for (const { target, answer } of probes.asked) {
          servers.add(`${target.address} ${target.port} ${target.serverName ?? ''}`);
          answer(result(target, `text of ${target.address}`));
        }
        await Promise.resolve();
      },
    });
    assert.equal(probes.asked.length, servers.size);
    assert.ok(sink.flows.every(({ hellotap }) => hellotap.verdict.status === 'pending'));
    assert.equal(sink.tags.length, sink.flows.length);
    assert.deepEqual(
      new Set(sink.tags.map(({ flow_id }) => flow_id)),
      new Set(sink.flows.map(({ flow_id }) => flow_id)),
    );
    assert.ok(sink.tags.every(({ hellotap }) => hellotap.verdict.status === 'known'));
  });

  it('knows a server on its second visit, from the cache', async () => {
    const probes = new HeldProbes();
    const { sink } = await run(probes, {
      passes: 2,
      between: async () => {
        for (const { target, answer } of probes.asked) answer(result(target, 'text'));
        await Promise.resolve();
      },
    });
    const second = sink.flows.slice(510);
    assert.equal(second.length, 510);
    assert.ok(second.every(({ hellotap }) => hellotap.verdict.status === 'known' && hellotap.verdict.cached));
  });

  it('says why a server is not probed', async () => {
    const probes = new HeldProbes();
    probes.refuse = true;
    const { sink } = await run(probes);
    assert.ok(
      sink.flows.every(
        ({ hellotap }) => hellotap.verdict.status === 'unprobed' && hellotap.verdict.reason === 'excluded',
      ),
    );
  });

  it('lets a server rest whose probe was incomplete, and asks again when the rest is over', async () => {
    for (const [retryAfterMs, asks] of [
      [3_600_000, 1],
      [0, 2],
    ] as const) {
      const probes = new HeldProbes();
      const { sink } = await run(probes, {
        passes: 2,
        retryAfterMs,
        between: async () => {
          for (const { target, answer } of probes.asked) answer(result(target, null, new Date(Date.now() - 1000)));
          await Promise.resolve();
        },
      });
      const first = probes.asked[0]?.target;
      const same = probes.asked.filter(({ target }) => target.address === first?.address);
      assert.equal(same.length, asks);
      const last = sink.flows.at(-1)?.hellotap.verdict.status;
      assert.equal(last, asks === 1 ? 'unknown' : 'pending');
    }
  });

  it('neither reports nor probes its own probes', async () => {
    const probes = new HeldProbes();
    probes.own = (random): boolean => random.length === 32;
    const { sink, engine } = await run(probes);
    assert.equal(sink.flows.length, 0);
    assert.equal(probes.asked.length, 0);
    assert.equal(engine.counters.own_probes, 510);
  });

  it('tags a flow as stopped whose probe was called off', async () => {
    const probes = new HeldProbes();
    const { sink } = await run(probes, {
      between: async () => {
        for (const { answer } of probes.asked) answer(null);
        await Promise.resolve();
      },
    });
    assert.ok(sink.tags.length > 0);
    for (const { hellotap } of sink.tags) {
      assert.deepEqual(hellotap.verdict, { status: 'unprobed', reason: 'stopped', cached: false });
    }
  });
});
