import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findServer } from '../../src/database/servers.js';
import { Store } from '../../src/database/store.js';
import { ProbeRecorder } from '../../src/engine/probe-recorder.js';
import type { HellotapError } from '../../src/errors.js';
import type { ProbeResult } from '../../src/probe/probe-result.js';

const folder = mkdtempSync(join(tmpdir(), 'hellotap-recorder-'));
after(() => {
  rmSync(folder, { recursive: true });
});
let made = 0;

const result = (n: number): ProbeResult => ({
  target: { address: `192.0.2.${n}`, port: 443, serverName: null },
  helloSet: 'test',
  helloSetDigest: '00'.repeat(32),
  hellos: { one: '<40' },
  outcome: { one: 'ok' },
  details: {},
  fingerprint: '<40',
  startedAt: new Date(),
  durationMs: 1,
});

/** Two connections to one file, of which the second may hold it. */
function pair(): { store: Store; other: Store } {
  const path = join(folder, `${made++}.db`);
  const store = Store.open(path);
  store.setPatience(10);
  return { store, other: Store.open(path) };
}

describe('the recorder of probes', () => {
  it('keeps results while another connection writes, and stores every one of them afterwards', async () => {
    const { store, other } = pair();
    const recorder = new ProbeRecorder(store, { retryMs: 20 });
    other.exec('BEGIN IMMEDIATE');
    const recorded = [1, 2, 3].map((n) => recorder.record(result(n)));
    await sleep(300);
    assert.equal(recorder.waiting, 3);
    assert.ok(recorder.counters.retries > 1);
    other.exec('COMMIT');
    await Promise.all(recorded);
    assert.equal(recorder.waiting, 0);
    assert.equal(recorder.counters.given_up, 0);
    for (const n of [1, 2, 3]) assert.equal(findServer(store, result(n).target).length, 1);
    store.close();
    other.close();
  });

  it('gives up the oldest beyond its bound, says why, and stores the others', async () => {
    const { store, other } = pair();
    const recorder = new ProbeRecorder(store, { retryMs: 20, waitMost: 2 });
    other.exec('BEGIN IMMEDIATE');
    const recorded = [1, 2, 3].map((n) => recorder.record(result(n)));
    const settled = Promise.allSettled(recorded);
    await sleep(200);
    assert.deepEqual({ ...recorder.counters, retries: 0 }, { retries: 0, given_up: 1 });
    other.exec('COMMIT');
    const [first, ...rest] = await settled;
    assert.ok(first?.status === 'rejected' && (first.reason as HellotapError).code === 'ERR_DATABASE_BUSY');
    assert.ok(rest.every(({ status }) => status === 'fulfilled'));
    assert.equal(findServer(store, result(1).target).length, 0);
    assert.equal(findServer(store, result(3).target).length, 1);
    store.close();
    other.close();
  });

  it('gives up what waited too long', async () => {
    const { store, other } = pair();
    const recorder = new ProbeRecorder(store, { retryMs: 20, patienceMs: 150 });
    other.exec('BEGIN IMMEDIATE');
    await assert.rejects(recorder.record(result(1)), { code: 'ERR_DATABASE_BUSY' });
    assert.equal(recorder.counters.given_up, 1);
    other.exec('COMMIT');
    await recorder.record(result(2));
    store.close();
    other.close();
  });
});
