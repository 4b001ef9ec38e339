// The log of a watch that runs for months: restarts, rotation, and a disk that is full.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, beforeEach, describe, it } from 'node:test';
import { liveCaptureSkipReason, outcome, program } from './hellotap.js';
import { apartSkipReason } from './tap.js';

const skip = liveCaptureSkipReason('ring') || apartSkipReason();

describe('the log of watch', { skip, timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'hellotap-log-'));
  after(() => {
    rmSync(directory, { recursive: true });
  });
  const log = join(directory, 'eve.json');
  beforeEach(() => {
    rmSync(log, { force: true });
  });

  /** Counters twenty times a second, on an interface where nothing else happens. */
  function watch(output = log) {
    const args = ['watch', 'lo', '--no-probe', '--format', 'jsonl', '--stats-interval', '0.05', '--output', output];
    const inside = ['sh', '-c', 'ip link set lo up && exec "$0" "$@"', process.execPath, program];
    return spawn('unshare', ['--net', ...inside, ...args, '--database', join(directory, 'db')]);
  }

  const lines = (path = log): string[] => {
    try {
      return readFileSync(path, 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  };
  const types = (all: readonly string[]): string[] =>
    all.map((line) => (JSON.parse(line) as { event_type: string }).event_type);

  async function until(count: number, path = log): Promise<void> {
    for (let looks = 0; lines(path).length < count; looks++) {
      assert.ok(looks < 400, `no ${count} lines in ${path}`);
      await sleep(50);
    }
  }

  it('is gone on with by the next start, on a line of its own', async () => {
    writeFileSync(log, '{"event_type":"earlier"}\n{"event_type":"tl');
    for (let run = 0; run < 2; run++) {
      const before = lines().length;
      const child = watch();
      const ended = outcome(child);
      await until(before + 3);
      child.kill('SIGTERM');
      assert.equal((await ended).code, 130);
    }
    const [first, cut, ...rest] = lines();
    assert.deepEqual([first, cut], ['{"event_type":"earlier"}', '{"event_type":"tl']);
    assert.deepEqual([...new Set(types(rest))], ['stats']);
  });

  it('is begun anew on SIGHUP, once it was moved away; no line is in both or in neither', async () => {
    const child = watch();
    const ended = outcome(child);
    await until(3);
    renameSync(log, `${log}.1`);
    child.kill('SIGHUP');
    await until(3);
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    assert.deepEqual([code, stderr], [130, '']);
    const all = [...lines(`${log}.1`), ...lines()];
    assert.deepEqual([...new Set(types(all))], ['stats']);
    assert.equal(new Set(all).size, all.length);
  });

  it('may be cut to nothing while it is written', async () => {
    const child = watch();
    const ended = outcome(child);
    await until(3);
    truncateSync(log);
    await until(3);
    child.kill('SIGINT');
    await ended;
    assert.deepEqual([...new Set(types(lines()))], ['stats']);
  });

  it('ends the watch where the disk is full, though no packet comes', async () => {
    const { code, stderr } = await outcome(watch('/dev/full'));
    assert.equal(code, 1);
    assert.match(stderr, /\/dev\/full cannot be written: no space left on device/);
  });
});
