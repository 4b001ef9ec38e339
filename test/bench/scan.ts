// A scan of 20,000 targets on loopback, undisturbed and then killed (SIGKILL) in the middle and resumed: does the rate hold,
// do the limits per server hold, is memory flat, and are the results together the same?
//   npm run build && node --import tsx test/bench/scan.ts [TARGETS] [RATE]
// Servers of the lab that answer are among the targets; the others refuse. Prints figures; exit 1 where one is out of bounds.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FingerprintEvent } from '../../src/output/event.js';
import { start } from '../e2e/hellotap.js';
import { deployment, withLab } from '../lab/lab.js';

const TARGETS = Number(process.argv[2] ?? 20_000);
const RATE = Number(process.argv[3] ?? 2000);
const PER_SERVER_RATE = 10;
const SERVERS = ['nginx-default', 'go-default', 'haproxy-default', 'apache-default'];

interface Run {
  readonly path: string;
  readonly seconds: number;
  readonly killed: boolean;
  /** Resident memory in MiB, four times a second. */
  readonly memory: readonly number[];
}

const folder = mkdtempSync(join(tmpdir(), 'hellotap-scan-'));
const list = join(folder, 'targets');

async function scan(name: string, killAfterLines = Infinity): Promise<Run> {
  const path = join(folder, name);
  const began = performance.now();
  const args = ['probe', '-i', list, '--output', path, '--resume', '--no-store', '--quiet'];
  const child = start([...args, '--rate', String(RATE), '--per-server-rate', String(PER_SERVER_RATE)]);
  const closed = once(child, 'close');
  const memory: number[] = [];
  const state = { ended: false };
  let killed = false;
  void closed.then(() => (state.ended = true));
  while (!state.ended) {
    try {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
      memory.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has ended since.
    }
    if (!killed && killAfterLines !== Infinity && linesOf(path).length >= killAfterLines) {
      killed = child.kill('SIGKILL');
    }
    await Promise.race([sleep(250), closed]);
  }
  return { path, seconds: (performance.now() - began) / 1000, killed, memory };
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

function events(path: string): FingerprintEvent['hellotap'][] {
  return linesOf(path).map((line) => (JSON.parse(line) as FingerprintEvent).hellotap);
}

/** What was found out of each target, in one order. */
function found(path: string): string {
  return events(path)
    .map(
      ({ ip, port, fingerprint, outcome }) =>
        `${ip} ${port} ${fingerprint ?? '-'} ${Object.values(outcome).sort().join()}`,
    )
    .sort()
    .join('\n');
}

/** Connections that were made: three to a server that refuses, then it is given up. */
function connectionsTo({ outcome }: FingerprintEvent['hellotap']): number {
  return Object.values(outcome).includes('refused') ? 3 : 10;
}

/** Milliseconds since 1970. */
function startOf({ started }: FingerprintEvent['hellotap']): number {
  return Date.parse(started.replace('+0000', 'Z'));
}

const verdict = { failed: false };
function report(name: string, value: string, isGood: boolean): void {
  verdict.failed ||= !isGood;
  process.stdout.write(`${isGood ? 'ok  ' : 'FAIL'} ${name}: ${value}\n`);
}

function memoryIsFlat({ memory }: Run): [string, boolean] {
  const at = (share: number): number => Math.round(memory[Math.floor((memory.length - 1) * share)] ?? 0);
  const text = `${at(0.25)}, ${at(0.5)}, ${at(0.75)}, ${at(0.97)} MiB after each quarter, at most ${Math.round(Math.max(...memory))}`;
  return [text, at(0.95) < at(0.3) + 40];
}

const servers = SERVERS.map(deployment);
const refusing = Array.from({ length: TARGETS - servers.length }, (_, index) => `127.7.${index >> 8}.${index & 255}:9`);
const every = Math.floor(refusing.length / servers.length);
writeFileSync(
  list,
  refusing
    .flatMap((line, index) => {
      const server = index % every === 0 ? servers[index / every] : undefined;
      return server === undefined ? [line] : [line, `${server.address}:${server.port},lab.test`];
    })
    .join('\n'),
);

try {
  await withLab(SERVERS, async () => {
    const whole = await scan('whole.jsonl');
    // From a tenth to nine tenths of the results: the start, and servers that answer at the end, are not the rate's matter.
    const ended = events(whole.path)
      .map((event) => ({ at: startOf(event) + event.duration_ms, made: connectionsTo(event) }))
      .sort((left, right) => left.at - right.at)
      .slice(TARGETS / 10, (TARGETS * 9) / 10);
    const made = ended.reduce((sum, event) => sum + event.made, 0);
    const took = ((ended.at(-1)?.at ?? 0) - (ended[0]?.at ?? 0)) / 1000;
    const rate = made / took;
    report('targets', `${events(whole.path).length} of ${TARGETS}`, events(whole.path).length === TARGETS);
    report(
      `rate (--rate ${RATE})`,
      `${made} connections in ${took.toFixed(1)} s: ${rate.toFixed(0)} per second, ${((rate / RATE - 1) * 100).toFixed(1)} %; ${whole.seconds.toFixed(1)} s in all`,
      Math.abs(rate / RATE - 1) < 0.05,
    );
    const quickest = Math.min(
      ...events(whole.path)
        .filter(({ outcome }) => !Object.values(outcome).includes('refused'))
        .map(({ duration_ms: duration }) => duration),
    );
    // Ten connections, one each tenth of a second: nine gaps.
    report('quickest of the servers that answer', `${quickest} ms`, quickest >= (9 * 1000) / PER_SERVER_RATE);
    report('memory', ...memoryIsFlat(whole));

    const before = await scan('killed.jsonl', TARGETS / 2);
    const done = linesOf(before.path).length;
    report('killed', `after ${done} results`, before.killed && done < TARGETS);
    const rest = await scan('killed.jsonl');
    report('memory of the resumed run', ...memoryIsFlat(rest));
    report('results together', `${linesOf(rest.path).length} lines`, found(rest.path) === found(whole.path));
  });
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(verdict.failed ? 1 : 0);
