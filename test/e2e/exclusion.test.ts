// An excluded address gets no packet at all: counted on the wire, with tcpdump.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FingerprintEvent } from '../../src/output/event.js';
import { outcome, start } from './hellotap.js';

const PORT = 9;
/** The list is looked at twice a second while it is asked. */
const NOTICED_MS = 800;

function skipReason(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, for tcpdump';
  return spawnSync('tcpdump', ['--version']).status === 0 ? false : 'needs tcpdump';
}

const folder = mkdtempSync(join(tmpdir(), 'hellotap-exclusion-'));
after(() => {
  rmSync(folder, { recursive: true });
});

interface Packet {
  readonly at: number;
  readonly destination: string;
}

/** The SYNs that went to a network of loopback while `body` ran, as tcpdump saw them. */
async function packetsTo<T>(network: string, body: () => Promise<T>): Promise<{ packets: Packet[]; value: T }> {
  const filter = `dst net ${network} and dst port ${PORT}`;
  const tcpdump = spawn('tcpdump', ['-i', 'lo', '-n', '-tt', '--immediate-mode', '-l', filter]);
  let text = '';
  tcpdump.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await new Promise<void>((resolve, reject) => {
    tcpdump.once('error', reject);
    tcpdump.stderr.on('data', (piece: Buffer) => {
      if (piece.includes('listening on')) resolve();
    });
  });
  const value = await body();
  await sleep(300);
  const closed = once(tcpdump, 'close');
  tcpdump.kill('SIGINT');
  await closed;
  const lines = text.matchAll(/^(\d+\.\d+) IP \S+ > (\d+\.\d+\.\d+\.\d+)\.\d+: /gm);
  const packets = Array.from(lines, ([, at = '', destination = '']) => ({ at: Number(at) * 1000, destination }));
  return { packets, value };
}

function results(stdout: string): FingerprintEvent['hellotap'][] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as FingerprintEvent).hellotap);
}

describe('an excluded address gets no packet at all', { skip: skipReason() }, () => {
  it('when it is excluded from the start', async () => {
    const list = join(folder, 'start.txt');
    writeFileSync(list, '127.20.0.128/25 # the upper half\n127.20.0.7\n::ffff:127.20.0.8/128\n');
    const args = ['probe', `127.20.0.0/24:${PORT}`, '--no-store', '--exclude', list, '--rate', '1000'];
    const { packets, value } = await packetsTo('127.20.0.0/24', () =>
      outcome(start([...args, '--per-server-rate', '0'])),
    );
    const reached = new Set(packets.map(({ destination }) => destination));
    assert.equal(reached.size, 126);
    for (const address of ['127.20.0.7', '127.20.0.8', '127.20.0.128', '127.20.0.255'])
      assert.ok(!reached.has(address));
    const excluded = results(value.stdout).filter(({ outcome: all }) => Object.values(all).includes('excluded'));
    assert.equal(excluded.length, 130, 'the result says why there is none');
  });

  it('from the moment on when it is excluded while a scan runs', async () => {
    const list = join(folder, 'later.txt');
    writeFileSync(list, '# nobody yet\n');
    let excludedAt = 0;
    // Each address is given three connections, a second apart: the second half of them falls after the change.
    const args = ['probe', `127.21.0.0/25:${PORT}`, '--no-store', '--exclude', list, '--rate', '1000'];
    const { packets } = await packetsTo('127.21.0.0/24', async () => {
      const running = start([...args, '--per-server-rate', '0.5']);
      const ended = outcome(running);
      await sleep(1500);
      appendFileSync(list, '127.21.0.64/26\n');
      excludedAt = Date.now();
      return ended;
    });
    const isExcluded = ({ destination }: Packet): boolean => Number(destination.split('.')[3]) >= 64;
    const late = packets.filter((packet) => packet.at > excludedAt + NOTICED_MS);
    assert.ok(packets.some(isExcluded), 'it had been probed before');
    assert.ok(
      late.some((packet) => !isExcluded(packet)),
      'the others were probed on',
    );
    assert.deepEqual(late.filter(isExcluded), []);
  });

  it('when one of two lists names it', async () => {
    const lists = ['a', 'b'].map((name) => join(folder, name));
    writeFileSync(lists[0] ?? '', '127.22.0.1\n');
    writeFileSync(lists[1] ?? '', '127.22.0.2\n');
    const args = lists.flatMap((path) => ['--exclude', path]);
    const { packets } = await packetsTo('127.22.0.0/24', () =>
      outcome(
        start(['probe', `127.22.0.0/30:${PORT}`, '--no-store', '--rate', '1000', '--per-server-rate', '0', ...args]),
      ),
    );
    assert.deepEqual([...new Set(packets.map(({ destination }) => destination))].sort(), ['127.22.0.0', '127.22.0.3']);
  });
});

describe('a list of exclusions that cannot be understood', () => {
  it('stops the program before any packet', async () => {
    const list = join(folder, 'broken.txt');
    writeFileSync(list, '127.0.0.0/8\nnot-an-address\n');
    const { code, stderr } = await outcome(start(['probe', '127.23.0.1:9', '--no-store', '--exclude', list]));
    assert.equal(code, 2);
    assert.match(stderr, /line 2/);
  });
});
