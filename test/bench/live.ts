// Benchmark: live capture without loss. Replays captures over a veth pair, at top speed and then slower, until nothing is dropped;
// the ring, cap and `tcpdump -w /dev/null` on the same replays, as a Markdown table. As root, with tcpreplay and tcpdump, after
// `npm run build`:
//   node --import tsx test/bench/live.ts [--packets 1000000] CAPTURE.pcap…
// Replay and capture share the machine's cores: the rates are those of both together.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { apartArguments, captureCounters, makePair, near, replay, startWatch, type Replayed } from '../e2e/tap.js';

/** Packets per second; 0: as fast as tcpreplay can. */
const RATES = [0, 200_000, 100_000, 50_000, 25_000];

const { values, positionals } = parseArgs({
  options: { apart: { type: 'boolean', default: false }, packets: { type: 'string', default: '1000000' } },
  allowPositionals: true,
});

interface Run {
  readonly replayed: Replayed;
  readonly received: number;
  readonly dropped: number;
  /** Seconds of CPU of the process that captured. */
  readonly cpu: number;
}

type Tool = (play: () => Promise<Replayed>) => Promise<Run>;

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const watching =
  (...options: string[]): Tool =>
  async (play) => {
    const scratch = mkdtempSync(join(tmpdir(), 'hellotap-live-'));
    try {
      const watch = await startWatch(['--database', join(scratch, 'db'), ...options]);
      const before = cpuSeconds(watch.child.pid!);
      const replayed = await play();
      await sleep(1_000);
      const cpu = cpuSeconds(watch.child.pid!) - before;
      const { packets = 0, kernelDropped = 0 } = captureCounters((await watch.stop()).stats);
      return { replayed, received: packets, dropped: kernelDropped, cpu };
    } finally {
      rmSync(scratch, { recursive: true });
    }
  };

const tcpdump: Tool = async (play) => {
  const child = spawn('tcpdump', ['-i', near, '-w', '/dev/null', '-B', '65536', '-Z', 'root']);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  while (!said.includes('listening')) await sleep(50);
  const before = cpuSeconds(child.pid!);
  const replayed = await play();
  await sleep(1_000);
  const cpu = cpuSeconds(child.pid!) - before;
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  await ended;
  const count = (what: string): number => Number(new RegExp(`(\\d+) packets? ${what}`).exec(said)?.[1] ?? NaN);
  return { replayed, received: count('captured'), dropped: count('dropped by kernel'), cpu };
};

const tools: readonly (readonly [name: string, tool: Tool])[] = [
  ['hellotap, ring', watching('--capture', 'ring')],
  ['hellotap, ring, 2 threads', watching('--capture', 'ring', '--capture-threads', '2')],
  ['hellotap, cap', watching('--capture', 'cap')],
  ['tcpdump -w /dev/null', tcpdump],
];

async function compare(): Promise<void> {
  makePair();
  console.log('| capture | tool | sent/s | received | dropped | sent, not accounted for | CPU µs per packet |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const capture of positionals) {
    for (const [name, tool] of tools) {
      for (const rate of RATES) {
        const speed = rate === 0 ? ['--topspeed'] : ['--pps', String(rate)];
        const run = await tool(() => replay(capture, '--limit', values.packets, ...speed));
        const { packets: sent, seconds } = run.replayed;
        const cells = [
          basename(capture),
          name,
          `${Math.round(sent / seconds).toLocaleString('en')}${rate === 0 ? ' (top speed)' : ''}`,
          run.received.toLocaleString('en'),
          run.dropped.toLocaleString('en'),
          sent - run.received - run.dropped,
          ((run.cpu * 1e6) / sent).toFixed(2),
        ];
        console.log(`| ${cells.join(' | ')} |`);
        if (run.dropped === 0) break;
      }
    }
  }
}

if (values.apart) {
  await compare();
} else {
  execFileSync('unshare', apartArguments(import.meta.filename, process.argv.slice(2)), { stdio: 'inherit' });
}
