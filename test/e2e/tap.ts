// A tap of our own: a veth pair in a network namespace that nobody else is in. What is replayed into `far` is all that
// comes out of `near`.
import { execFile, execFileSync, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { HellotapEvent, StatsEvent } from '../../src/output/event.js';
import { start } from './hellotap.js';

export const near = 'near';
export const far = 'far';

/** Makes the pair. The process has to be in a namespace of its own (see `apartArguments`). */
export function makePair(): void {
  ip('add', near, 'type', 'veth', 'peer', 'name', far);
  raisePair();
}

/** Brings both ends up. */
export function raisePair(): void {
  for (const name of [near, far]) {
    // Else the kernel says hello on a fresh interface, and more comes out than was put in.
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
    ip('set', name, 'mtu', '9000', 'arp', 'off', 'multicast', 'off', 'up');
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', ['link', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The command that runs this script again in a network namespace of its own. */
export function apartArguments(script: string, args: readonly string[]): string[] {
  return ['--net', process.execPath, '--import', 'tsx', script, '--apart', ...args];
}

/** Why no tap can be made here; false where one can. */
export function tapSkipReason(): string | false {
  try {
    execFileSync('tcpreplay', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'needs tcpreplay';
  }
  return apartSkipReason();
}

/** Why no network namespace can be made here; false where one can. */
export function apartSkipReason(): string | false {
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'no right to make a network namespace';
  }
}

export interface Replayed {
  readonly packets: number;
  readonly seconds: number;
}

/** Replays a capture into the tap. Throws where a packet could not be sent. */
export async function replay(capture: string, ...options: readonly string[]): Promise<Replayed> {
  const args = ['--intf1', far, '--quiet', '--preload-pcap', ...options, capture];
  const { stdout } = await promisify(execFile)('tcpreplay', args, { maxBuffer: 16 << 20 });
  const [, packets, seconds] = /^Actual: (\d+) packets \(\d+ bytes\) sent in ([\d.]+) seconds/m.exec(stdout) ?? [];
  const failed = Number(/Failed packets: +(\d+)/.exec(stdout)?.[1] ?? 0);
  if (packets === undefined || failed > 0) throw new Error(`tcpreplay did not send everything:\n${stdout}`);
  return { packets: Number(packets), seconds: Number(seconds) };
}

export type Stats = StatsEvent['stats'];

/** Counters of `capture` in a stats event. */
export function captureCounters(stats: Stats): Readonly<Record<string, number>> {
  const counters = stats['capture'];
  if (typeof counters !== 'object') throw new Error('a stats event without counters of the capture');
  return counters;
}

/** `hellotap watch` on the tap. */
export interface RunningWatch {
  readonly child: ChildProcess;
  /** Events so far, by type. */
  readonly counts: ReadonlyMap<string, number>;
  /** The newest counters. */
  stats(): Stats | null;
  /** Ends it; its last counters. */
  stop(): Promise<{ readonly stats: Stats; readonly code: number | null; readonly stderr: string }>;
}

/** Starts `hellotap watch` and resolves once it looks on. Events are counted, and kept only by `onEvent`. */
export async function startWatch(
  options: readonly string[],
  onEvent?: (event: HellotapEvent) => void,
): Promise<RunningWatch> {
  const child = start(['watch', near, '--no-probe', '--format', 'jsonl', '--log-level', 'info', ...options]);
  const counts = new Map<string, number>();
  let stats: Stats | null = null;
  let stderr = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.includes('watching')) resolve();
    });
    void ended.then(() => {
      reject(new Error(`hellotap watch ended before it looked on: ${stderr}`));
    });
  });
  createInterface(child.stdout).on('line', (line) => {
    const type = /"event_type":"(\w+)"/.exec(line)?.[1] ?? 'none';
    counts.set(type, (counts.get(type) ?? 0) + 1);
    if (type !== 'stats' && onEvent === undefined) return;
    const event = JSON.parse(line) as HellotapEvent;
    if (event.event_type === 'stats') stats = event.stats;
    onEvent?.(event);
  });
  await ready;
  return {
    child,
    counts,
    stats: () => stats,
    async stop() {
      child.kill('SIGINT');
      const code = await ended;
      if (stats === null) throw new Error(`hellotap watch wrote no counters: ${stderr}`);
      return { stats, code, stderr };
    },
  };
}
