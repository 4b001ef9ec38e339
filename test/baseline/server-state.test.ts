import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareTraits } from '../../src/baseline/compare.js';
import { describeDeviation, subjectsOf } from '../../src/baseline/describe.js';
import { checkState, recordState, type BaselineReport } from '../../src/baseline/server-state.js';
import { ASPECTS, traitsOf } from '../../src/baseline/traits.js';
import type { Baseline } from '../../src/database/baselines.js';
import { combineHandshakes } from '../../src/fingerprint/stack.js';
import type { ProbeOutcome, ProbeResult } from '../../src/probe/probe-result.js';
import { golden, goldenLine } from '../database/scratch.js';

const SERVER = { address: '192.0.2.1', port: 443, serverName: null, startTls: '' };
const ALL = new Set(ASPECTS);

/** A probe with these answers; null: timed out, or what `outcomes` says. */
function probeOf(
  hellos: Readonly<Record<string, string | null>>,
  outcomes: Readonly<Record<string, ProbeOutcome>> = {},
  more: Partial<ProbeResult> = {},
): ProbeResult {
  const outcome = Object.fromEntries(
    Object.entries(hellos).map(([name, text]): [string, ProbeOutcome] => [
      name,
      outcomes[name] ?? (text === null ? 'timeout' : 'ok'),
    ]),
  );
  return {
    target: { address: SERVER.address, port: SERVER.port, serverName: SERVER.serverName },
    helloSet: 'atsf-2022',
    helloSetDigest: 'aa',
    hellos,
    outcome,
    details: {},
    fingerprint: combineHandshakes(hellos),
    startedAt: new Date(0),
    durationMs: 1,
    ...more,
  };
}

const one = probeOf(goldenLine('nginx-default').hellos);
const other = probeOf(goldenLine('apache-default').hellos);
const silent = probeOf(Object.fromEntries(Object.keys(one.hellos).map((name) => [name, null])));

/** Hands out probes in turn, the last for ever, and counts them. */
function inTurn(...probes: readonly ProbeResult[]): { readonly probe: () => Promise<ProbeResult>; count: number } {
  const turn = {
    count: 0,
    probe: () => Promise.resolve(probes[Math.min(turn.count++, probes.length - 1)]!),
  };
  return turn;
}

async function recorded(probes: number, ...shown: readonly ProbeResult[]): Promise<Baseline> {
  const options = { aspects: ALL, probes, now: 1_000, previous: null };
  const done = await recordState(SERVER, inTurn(...shown).probe, options);
  return done!.baseline!;
}

async function checked(
  baseline: Baseline,
  ...shown: readonly ProbeResult[]
): Promise<BaselineReport & { readonly pauses: number }> {
  let pauses = 0;
  const report = await checkState(baseline, inTurn(...shown).probe, () => {
    pauses++;
    return Promise.resolve();
  });
  return { ...report!, pauses };
}

describe('checking a recorded server', () => {
  it('asks once where all is as recorded', async () => {
    const report = await checked(await recorded(3, one), one);
    assert.deepEqual([report.status, report.probes, report.pauses, report.recorded], ['unchanged', 1, 0, 1_000]);
  });

  it('asks again before it says that something has changed', async () => {
    const report = await checked(await recorded(1, one), other);
    assert.deepEqual([report.status, report.probes, report.pauses], ['changed', 2, 1]);
    assert.ok(report.changes.length > 0);
  });

  it('takes what one probe alone showed for no change', async () => {
    const report = await checked(await recorded(1, one), other, one);
    assert.deepEqual([report.status, report.probes], ['unsteady', 3]);
    assert.deepEqual(report.changes, []);
    assert.ok(report.unsteady.length > 0);
  });

  it('takes what two of three probes showed for a change, be it behind a load balancer', async () => {
    assert.equal((await checked(await recorded(1, one), other, one, other)).status, 'changed');
  });

  it('knows every stack that showed when it was recorded, also mixed from hello to hello', async () => {
    const baseline = await recorded(2, one, other);
    const mixed = Object.fromEntries(
      Object.keys(one.hellos).map((name, index) => [name, (index % 2 === 0 ? one : other).hellos[name] ?? null]),
    );
    for (const shown of [one, other, probeOf(mixed)]) {
      assert.equal((await checked(baseline, shown)).status, 'unchanged');
    }
    assert.equal((await checked(await recorded(2, one, one), other)).status, 'changed');
  });

  it('calls a server unreachable that is silent, and asks it no more', async () => {
    const report = await checked(await recorded(1, one), silent);
    assert.deepEqual([report.status, report.probes, report.reason], ['unreachable', 1, 'timeout']);
    const reset = probeOf(silent.hellos, Object.fromEntries(Object.keys(one.hellos).map((name) => [name, 'reset'])));
    assert.equal((await checked(await recorded(1, one), reset)).status, 'unreachable');
  });

  it('says to which hellos there was no answer, which is no change either', async () => {
    const half = probeOf({ ...one.hellos, random458: null });
    const baseline = await recorded(1, one);
    const report = await checked(baseline, half);
    assert.deepEqual([report.status, report.probes, report.unanswered], ['incomplete', 3, ['random458']]);
    assert.equal((await checked(baseline, half, one)).status, 'unchanged');
    const cut = probeOf({ ...one.hellos, random458: '771_' }, { random458: 'timeout' });
    assert.equal((await checked(baseline, cut)).status, 'incomplete');
  });

  it('says so where TLS is gone, wholly or for one hello', async () => {
    const baseline = await recorded(1, one);
    const names = Object.keys(one.hellos);
    const http = probeOf(silent.hellos, Object.fromEntries(names.map((name) => [name, 'not_tls'])));
    const report = await checked(baseline, http);
    assert.equal(report.status, 'changed');
    assert.deepEqual(subjectsOf(report.changes), ['TLS']);
    assert.equal(report.changes[0]?.now, 'something else than TLS');
    const closed = await checked(baseline, probeOf({ ...one.hellos, random458: null }, { random458: 'closed' }));
    assert.deepEqual(
      closed.changes.map(({ hello, subject }) => [hello, subject]),
      [['random458', 'TLS']],
    );
  });

  it('does not mind a stapled OCSP response, which comes and goes', async () => {
    const text = one.hellos['random6112']!;
    const [version = '', cipher = '', hello = '', ...rest] = text.split('_');
    const stapled = { ...one.hellos, random6112: [version, cipher, `5.-${hello}`, ...rest].join('_') };
    assert.notDeepEqual(stapled, one.hellos);
    assert.equal((await checked(await recorded(1, one), probeOf(stapled))).status, 'unchanged');
  });

  it('compares what was recorded and nothing else', async () => {
    const details = { random458: { certificateSha1: 'ab', certificateRequested: false, keyExchangeGroup: 23 } };
    const jarm = { hash: '1'.repeat(62), raw: '' };
    const full = probeOf(one.hellos, {}, { details, jarm, httpServer: 'nginx' });
    const renewed = probeOf(
      one.hellos,
      {},
      {
        details: { random458: { ...details.random458, certificateSha1: 'cd' } },
        jarm: { hash: '2'.repeat(62), raw: '' },
        httpServer: 'Apache',
      },
    );
    assert.equal((await checked(await recorded(1, one), renewed)).status, 'unchanged');
    const report = await checked(await recorded(1, full), renewed);
    assert.deepEqual(report.changes, [
      { hello: 'random458', subject: 'certificate', was: 'ab', now: 'cd' },
      { hello: null, subject: 'JARM', was: '1'.repeat(62), now: '2'.repeat(62) },
      { hello: null, subject: 'HTTP Server header', was: 'nginx', now: 'Apache' },
    ]);
  });

  it('ends without a word where the program stops', async () => {
    const baseline = await recorded(1, one);
    assert.equal(
      await checkState(
        baseline,
        () => Promise.resolve(null),
        () => Promise.resolve(),
      ),
      null,
    );
  });
});

describe('recording a server', () => {
  it('tells what differs from the state that is replaced', async () => {
    const previous = await recorded(1, one);
    const options = { aspects: ALL, probes: 1, now: 2_000, previous };
    const done = await recordState(SERVER, inTurn(other).probe, options);
    assert.equal(done?.report.status, 'recorded');
    assert.equal(done.report.recorded, 1_000);
    assert.ok(done.report.changes.length > 0);
    assert.equal((await checked(done.baseline!, other)).status, 'unchanged');
  });

  it('records nothing of a server that is silent', async () => {
    const options = { aspects: ALL, probes: 3, now: 0, previous: null };
    const turn = inTurn(silent);
    const done = await recordState(SERVER, turn.probe, options);
    assert.deepEqual([done?.baseline, done?.report.status, turn.count], [null, 'unreachable', 1]);
  });
});

describe('the words for a change', () => {
  it('are there for every two servers of the lab that differ, and for none that do not', () => {
    const probes = golden.map(({ hellos }) => traitsOf(probeOf(hellos)));
    for (const left of probes) {
      for (const right of probes) {
        const { changed, unsteady } = compareTraits(left, [right, right]);
        assert.deepEqual(unsteady, []);
        for (const deviation of changed) {
          const changes = describeDeviation(deviation);
          assert.ok(changes.length > 0);
          for (const { was, now } of changes) assert.notEqual(was, now);
        }
        if (left === right) assert.deepEqual(changed, []);
      }
    }
  });
});
