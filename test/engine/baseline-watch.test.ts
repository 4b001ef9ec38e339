import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BaselineWatch, type BaselineWatchOptions } from '../../src/engine/baseline-watch.js';
import type { ProbePort } from '../../src/engine/engine.js';
import type { Baseline } from '../../src/database/baselines.js';
import type { BaselineEvent, HellotapEvent } from '../../src/output/event.js';
import type { ProbeResult, ProbeTarget } from '../../src/probe/probe-result.js';
import { goldenLine } from '../database/scratch.js';

const { hellos } = goldenLine('nginx-default');
const changed = goldenLine('apache-default').hellos;

const resultOf = (target: ProbeTarget, texts: typeof hellos): ProbeResult => ({
  target,
  helloSet: 'atsf-2022',
  helloSetDigest: 'aa',
  hellos: texts,
  outcome: Object.fromEntries(Object.keys(texts).map((name) => [name, 'ok'])),
  details: {},
  fingerprint: 'x',
  startedAt: new Date(),
  durationMs: 1,
});

const baseline = (address: string, digest = 'aa'): Baseline => ({
  server: { address, port: 25, serverName: null, startTls: 'smtp' },
  helloSet: 'atsf-2022',
  helloSetDigest: digest,
  recorded: 1,
  probes: 1,
  traits: Object.entries(hellos).map(([hello, value]) => ({ hello, aspect: 'answer', value: value ?? '' })),
});

/** Runs until something ends it; gives what came out and the targets that were asked for. */
async function run(
  baselines: readonly Baseline[],
  answer: (target: ProbeTarget, asked: number) => ReturnType<ProbePort['request']>,
  until: (watch: BaselineWatch) => boolean,
  more: Partial<BaselineWatchOptions> = {},
): Promise<{
  events: HellotapEvent[];
  asked: ProbeTarget[];
  warnings: string[];
  learnt: number;
  watch: BaselineWatch;
}> {
  const [events, asked, warnings]: [HellotapEvent[], ProbeTarget[], string[]] = [[], [], []];
  const controller = new AbortController();
  let learnt = 0;
  const watch = new BaselineWatch({
    probes: {
      request: (target) => {
        asked.push(target);
        return answer(target, asked.length);
      },
      isOwn: () => false,
    },
    sink: { write: (event) => events.push(event), ready: () => null, close: () => Promise.resolve() },
    baselines: () => [...baselines],
    helloSetDigest: 'aa',
    learn: () => {
      learnt++;
      return Promise.resolve();
    },
    warn: (text) => warnings.push(text),
    intervalMs: 3_600_000,
    confirmAfterMs: 1,
    retryMs: 1,
    signal: controller.signal,
    ...more,
  });
  const timer = setInterval(() => {
    if (until(watch)) controller.abort();
  }, 1);
  await watch.run();
  clearInterval(timer);
  return { events, asked, warnings, learnt, watch };
}

describe('checks of recorded servers while a watch runs', { timeout: 20_000 }, () => {
  it('tell of each server, and raise an alert where one has changed', async () => {
    const { events, asked, learnt } = await run(
      [baseline('192.0.2.1'), baseline('192.0.2.2')],
      (target) => Promise.resolve(resultOf(target, target.address === '192.0.2.2' ? changed : hellos)),
      ({ counters }) => counters.unchanged + counters.changed === 2,
    );
    const told = events.filter((event): event is BaselineEvent => event.event_type === 'baseline');
    assert.deepEqual(told.map(({ hellotap }) => [hellotap.ip, hellotap.starttls, hellotap.status]).sort(), [
      ['192.0.2.1', 'smtp', 'unchanged'],
      ['192.0.2.2', 'smtp', 'changed'],
    ]);
    const alerts = events.filter(({ event_type }) => event_type === 'alert');
    assert.equal(alerts.length, 1);
    assert.equal(asked.length, 3);
    assert.ok(asked.every(({ startTls, jarm, http }) => startTls === 'smtp' && jarm === false && http === false));
    assert.equal(learnt, 2);
  });

  it('come again after the interval', async () => {
    const { watch } = await run(
      [baseline('192.0.2.1')],
      (target) => Promise.resolve(resultOf(target, hellos)),
      ({ counters }) => counters.rounds >= 3,
      { intervalMs: 20 },
    );
    assert.ok(watch.counters.unchanged >= 2);
  });

  it('wait for the budget, and leave out what may not be probed, saying so once', async () => {
    const { events, asked, warnings, watch } = await run(
      [baseline('10.0.0.1'), baseline('10.0.0.2'), baseline('192.0.2.1'), baseline('192.0.2.2', 'bb')],
      (target, count) =>
        target.address.startsWith('10.') ? 'network' : count < 6 ? 'rate' : Promise.resolve(resultOf(target, hellos)),
      ({ counters }) => counters.unchanged === 1,
    );
    assert.equal(events.length, 1);
    assert.equal(asked.filter(({ address }) => address === '192.0.2.1').length, 4);
    assert.equal(watch.counters.refused, 3);
    assert.deepEqual(warnings, [
      'recorded servers are left out of --baseline: recorded with another hello set',
      'recorded servers are left out of --baseline: not in --probe-networks',
    ]);
  });

  it('end with the watch, also while they wait for a budget', async () => {
    const { events } = await run(
      [baseline('192.0.2.1')],
      () => 'rate',
      ({ counters }) => counters.rounds === 1,
      { retryMs: 60_000 },
    );
    assert.deepEqual(events, []);
  });
});
