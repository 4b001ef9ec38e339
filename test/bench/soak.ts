// Soak test: `hellotap watch` on a tap over which a capture is replayed in a loop, each time with other addresses. Prints memory
// over time, and whether every packet and every flow was counted. As root, with tcpreplay, after `npm run build`:
//   node --import tsx test/bench/soak.ts CAPTURE.pcap [--minutes 60] [--mbps 40] [--log FILE] [-- WATCH OPTIONS…]
// CAPTURE.pcap.json (of ../shared/bench/generate.py) says how many packets, bytes and flows are in the capture.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { apartArguments, captureCounters, makePair, replay, startWatch, type Stats } from '../e2e/tap.js';

const EVERY_MS = 10_000;

const { values, positionals } = parseArgs({
  options: {
    apart: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '60' },
    mbps: { type: 'string', default: '40' },
    log: { type: 'string', default: join(tmpdir(), 'hellotap-soak.tsv') },
  },
  allowPositionals: true,
});

interface Sample {
  readonly minutes: number;
  /** MiB: of the process, the ring included, and of it what is its own alone. */
  readonly rss: number;
  readonly anonymous: number;
  /** Seconds of CPU so far. */
  readonly cpu: number;
}

function sample(pid: number, since: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return {
    minutes: (Date.now() - since) / 60_000,
    rss: mebibytes('VmRSS'),
    anonymous: mebibytes('RssAnon'),
    cpu: (Number(fields[11]) + Number(fields[12])) / 100,
  };
}

async function soak(): Promise<void> {
  const [capture = '', ...watchOptions] = positionals;
  const made = JSON.parse(readFileSync(`${capture}.json`, 'utf8')) as {
    bytes: number;
    packets: number;
    tls_flows: number;
  };
  const mbps = Number(values.mbps);
  const loops = Math.max(1, Math.round((Number(values.minutes) * 60 * mbps * 1e6) / 8 / made.bytes));
  const scratch = mkdtempSync(join(tmpdir(), 'hellotap-soak-'));
  const samples: Sample[] = [];
  try {
    makePair();
    const watch = await startWatch([...['--database', join(scratch, 'db'), '--stats-interval', '10'], ...watchOptions]);
    const begun = Date.now();
    writeFileSync(values.log, 'minutes\trss MiB\tanonymous MiB\tCPU s\tpackets\tflows\n');
    const timer = setInterval(() => {
      const now = sample(watch.child.pid!, begun);
      const { packets = 0, flowsEmitted = 0 } = captureCounters(watch.stats() ?? { capture: {} });
      samples.push(now);
      const cells = [now.minutes, now.rss, now.anonymous, now.cpu].map((value) => value.toFixed(2));
      appendFileSync(values.log, [...cells, packets, flowsEmitted].join('\t') + '\n');
    }, EVERY_MS);
    const sent = await replay(
      capture,
      '--loop',
      String(loops),
      '--unique-ip',
      '--mbps',
      values.mbps,
      '--timer',
      'nano',
    );
    await sleep(1_000);
    clearInterval(timer);
    const { stats, code } = await watch.stop();
    report(samples, {
      sent: sent.packets,
      seconds: sent.seconds,
      expectedFlows: loops * made.tls_flows,
      events: watch.counts.get('tls') ?? 0,
      droppedEvents: droppedEvents(stats),
      capture: captureCounters(stats),
      code,
    });
    console.log(JSON.stringify(stats));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function droppedEvents({ output }: Stats): number {
  return typeof output === 'object' ? (output['dropped'] ?? 0) : 0;
}

function report(
  samples: readonly Sample[],
  run: {
    sent: number;
    seconds: number;
    expectedFlows: number;
    events: number;
    droppedEvents: number;
    capture: Readonly<Record<string, number>>;
    code: number | null;
  },
): void {
  const at = (minutes: number): Sample | undefined => samples.find((one) => one.minutes >= minutes);
  console.log('| minute | RSS MiB | anonymous MiB | CPU s |\n| --- | --- | --- | --- |');
  const last = samples.at(-1)?.minutes ?? 0;
  for (const one of new Set([
    ...[0, 1, 2, 5, 10, 20, 30, 40, 50, 60].filter((minutes) => minutes <= last).map(at),
    samples.at(-1),
  ])) {
    if (one === undefined) continue;
    console.log(
      `| ${one.minutes.toFixed(1)} | ${one.rss.toFixed(0)} | ${one.anonymous.toFixed(0)} | ${one.cpu.toFixed(0)} |`,
    );
  }
  const { packets = 0, kernelDropped = 0, flowsEmitted = 0 } = run.capture;
  const settled = samples.filter((one) => one.minutes >= 5).map((one) => one.anonymous);
  console.log(
    `sent ${run.sent} packets in ${run.seconds.toFixed(0)} s; received ${packets}, dropped by the kernel ${kernelDropped}`,
  );
  console.log(
    `flows: ${run.expectedFlows} in the replays, ${flowsEmitted} handed over, ${run.events} tls events, ${run.droppedEvents} events dropped for a slow reader; exit code ${run.code}`,
  );
  if (settled.length > 0) {
    console.log(
      `own memory after minute 5: ${Math.min(...settled).toFixed(0)} to ${Math.max(...settled).toFixed(0)} MiB`,
    );
  }
  const isExact =
    packets + kernelDropped === run.sent &&
    (kernelDropped > 0 || flowsEmitted === run.expectedFlows) &&
    (run.droppedEvents > 0 || run.events === flowsEmitted);
  console.log(isExact ? 'counters exact' : 'COUNTERS DIFFER');
  if (!isExact) process.exitCode = 1;
}

if (values.apart) {
  await soak();
} else {
  execFileSync('unshare', apartArguments(import.meta.filename, process.argv.slice(2)), { stdio: 'inherit' });
}
