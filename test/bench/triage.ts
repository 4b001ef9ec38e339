// Benchmark: hellotap triage beside tcpdump and ndpiReader on the same captures in the same run, as a Markdown table.
//   node --import tsx test/bench/triage.ts [--runs N] [--keep DIR] [PRESET… | CAPTURE.pcap…]
// Presets are made from test/golden/with-sni.pcap by ../shared/bench/generate.py; where that is absent, name captures.
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { measured, type Run } from './measure.js';

const root = join(import.meta.dirname, '../..');
const generator = join(root, '../shared/bench/generate.py');
const presets = ['tls-heavy', 'tap', 'small'];

/** A capture, and what its maker says is in it. */
interface Capture {
  readonly path: string;
  readonly packets: number;
  readonly tlsFlows: number | null;
}

interface Tool {
  readonly name: string;
  readonly command: (capture: string) => readonly string[];
  /** Exit codes of a run that did its work. */
  readonly good: readonly number[];
}

function installed(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The capture of that preset in `directory`; made there (a minute or two) unless it is there already. */
function generate(preset: string, directory: string): Capture | null {
  const path = join(directory, `${preset}.pcap`);
  if (!existsSync(`${path}.json`)) {
    if (!existsSync(generator)) {
      console.error(`skipped ${preset}: needs ../shared/bench/generate.py`);
      return null;
    }
    console.error(`making ${preset} …`);
    execFileSync('python3', [generator, preset, join(root, 'test/golden/with-sni.pcap'), path], { stdio: 'ignore' });
  }
  const made = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as { packets: number; tls_flows: number };
  return { path, packets: made.packets, tlsFlows: made.tls_flows };
}

function given(path: string): Capture {
  const packets = execFileSync('capinfos', ['-rcTM', path], { encoding: 'utf8' }).trim().split('\t').at(-1);
  return { path, packets: Number(packets), tlsFlows: null };
}

function measure(tool: Tool, capture: Capture, out: string): Run {
  const run = measured(out, tool.command(capture.path));
  if (!tool.good.includes(run.status)) throw new Error(`${tool.name} ended with ${run.status} on ${capture.path}`);
  return run;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Events of a jsonl file that report a flow whose ClientHello and ServerHello were both seen. */
async function completeFlows(path: string): Promise<number> {
  let flows = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (!line.includes('"event_type":"tls"')) continue;
    const event = JSON.parse(line) as { hellotap: { client_hello: boolean; server_hello: boolean } };
    if (event.hellotap.client_hello && event.hellotap.server_hello) flows++;
  }
  return flows;
}

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, keep: { type: 'string' } },
  allowPositionals: true,
});
const scratch = mkdtempSync(join(tmpdir(), 'hellotap-bench-'));
const directory = values.keep ?? scratch;
mkdirSync(directory, { recursive: true });

const known: readonly Tool[] = [
  { name: 'tcpdump', command: (capture) => ['tcpdump', '-r', capture, '-w', '/dev/null'], good: [0] },
  { name: 'ndpiReader', command: (capture) => ['ndpiReader', '-q', '-i', capture], good: [0] },
  {
    name: 'hellotap triage',
    command: (capture) => [
      ...[process.execPath, join(root, 'dist/cli/main.js'), 'triage', capture, '--format', 'jsonl', '--quiet'],
      ...['--database', join(scratch, 'bench.db')],
    ],
    good: [0, 3],
  },
];
const tools = known.filter(({ name }) => {
  const here = name.startsWith('hellotap') || installed(name);
  if (!here) console.error(`without ${name}: not installed`);
  return here;
});

try {
  console.log(
    `Median of ${values.runs}; Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores.\n`,
  );
  const wanted = positionals.length > 0 ? positionals : presets;
  const head = [
    'capture',
    'tool',
    'CPU s',
    '× tcpdump',
    'wall s',
    'packets/s',
    'TLS flows/s',
    'peak RSS MiB',
    'own MiB',
    'flows reported',
  ];
  console.log(`| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}`);
  for (const name of wanted) {
    const capture = presets.includes(name) ? generate(name, directory) : given(name);
    if (capture === null) continue;
    execFileSync('sh', ['-c', 'cat "$1" >/dev/null', 'sh', capture.path]); // into the page cache, for all alike
    const runs = new Map<Tool, Run[]>(tools.map((tool) => [tool, []]));
    const out = join(scratch, 'events.jsonl');
    for (let round = 0; round < Number(values.runs); round++) {
      for (const [tool, results] of runs)
        results.push(measure(tool, capture, tool.name === 'hellotap triage' ? out : '/dev/null'));
    }
    let baseline: number | null = null;
    for (const [tool, results] of runs) {
      const cpu = median(results.map(({ user, system }) => user + system));
      const wall = median(results.map((run) => run.wall));
      if (tool.name === 'tcpdump') baseline = cpu;
      const reported =
        tool.name === 'hellotap triage' ? `${await completeFlows(out)} of ${capture.tlsFlows ?? '?'}` : '';
      const cells = [
        `${basename(capture.path)} (${Math.round(statSync(capture.path).size / 1e6)} MB)`,
        tool.name,
        cpu.toFixed(2),
        baseline === null ? '–' : (cpu / baseline).toFixed(2),
        wall.toFixed(2),
        Math.round(capture.packets / wall).toLocaleString('en'),
        capture.tlsFlows === null ? '–' : Math.round(capture.tlsFlows / wall).toLocaleString('en'),
        Math.round(Math.max(...results.map(({ rss }) => rss))),
        Math.round(Math.max(...results.map(({ own }) => own))),
        reported,
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}
