// What `hellotap watch` does on a tap of our own, one scenario per run. Prints what came of it as one JSON object;
// tap.test.ts runs it in a network namespace and judges it.
//   tap-scenario.ts count|vlan|interface|user DIRECTORY [WATCH OPTIONS…]
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HellotapEvent } from '../../src/output/event.js';
import { root } from './hellotap.js';
import { captureCounters, far, makePair, near, raisePair, replay, startWatch, type RunningWatch } from './tap.js';

/** What a scenario leaves behind. */
export interface TapReport {
  readonly sent: number;
  readonly capture: Readonly<Record<string, number>>;
  /** TLS events after each step; handshakes that stay incomplete come later. */
  readonly flows: readonly number[];
  /** Of every TLS event, to the end. */
  readonly vlans: readonly string[];
  readonly anomalies: readonly string[];
  readonly code: number | null;
  readonly stderr: string;
  /** Of /proc/PID/status, a line per thread. */
  readonly rights: readonly string[];
  /** Owners of the files that were written, and how long they are. */
  readonly files: readonly { readonly uid: number; readonly bytes: number }[];
}

const golden = join(root, 'test/golden/with-sni.pcap');
/** TLS connections in it. */
export const GOLDEN_FLOWS = 510;
/** So many are told as soon as they are seen; the others, of which something is missing, after a while. */
export const MOST_FLOWS = 0.9 * GOLDEN_FLOWS;
const nobody = 65_534;

async function scenario(name: string, directory: string, options: readonly string[]): Promise<TapReport> {
  makePair();
  const files = join(directory, 'files');
  mkdirSync(files);
  const report = { sent: 0, flows: [] as number[], vlans: [] as string[], anomalies: [] as string[] };
  const asUser = name === 'user' ? ['--user', 'nobody'] : [];
  if (name === 'user') chownSync(files, nobody, nobody);
  const onEvent = (event: HellotapEvent): void => {
    if (event.event_type === 'tls') report.vlans.push(JSON.stringify(event.vlan ?? []));
    if (event.event_type === 'anomaly') report.anomalies.push(event.anomaly.code);
  };
  const inBrief = ['--stats-interval', '0.2'];
  const watch = await startWatch(['--database', join(files, 'database'), ...inBrief, ...asUser, ...options], onEvent);
  // With --unique-ip each loop's flows are others than those before.
  const play = async (capture: string, ...how: string[]): Promise<void> => {
    report.sent += (await replay(capture, ...how)).packets;
    const before = report.flows.at(-1) ?? 0;
    report.flows.push(await settled(watch, report.sent, before + MOST_FLOWS));
  };
  let rights: string[] = [];
  switch (name) {
    case 'count':
      await play(golden, '--topspeed', '--loop', '20', '--unique-ip');
      break;
    case 'vlan': {
      const tagged = join(directory, 'tagged.pcap');
      const tag = ['--enet-vlan=add', '--enet-vlan-tag=42', '--enet-vlan-cfi=0', '--enet-vlan-pri=0'];
      execFileSync('tcprewrite', [...tag, `--infile=${golden}`, `--outfile=${tagged}`]);
      await play(tagged, '--mbps', '50');
      break;
    }
    case 'interface':
      await play(golden, '--mbps', '50');
      execFileSync('ip', ['link', 'set', near, 'down']);
      await sleep(500);
      raisePair();
      await sleep(1_000);
      await play(shifted(golden, directory, 1), '--mbps', '50');
      execFileSync('ip', ['link', 'delete', near]);
      await sleep(500);
      makePair();
      await sleep(1_000);
      await play(shifted(golden, directory, 2), '--mbps', '50');
      break;
    case 'user':
      rights = rightsOf(watch.child.pid!);
      await play(golden, '--mbps', '50');
      break;
    default:
      throw new Error(`no scenario ${name}`);
  }
  const { stats, code, stderr } = await watch.stop();
  const written = readdirSync(files).map((file) => statSync(join(files, file)));
  return {
    ...report,
    capture: captureCounters(stats),
    code,
    stderr,
    rights,
    files: written.map(({ uid, size }) => ({ uid, bytes: size })),
  };
}

/** The same capture with other addresses, so that its flows are new ones. */
function shifted(capture: string, directory: string, by: number): string {
  const out = join(directory, `shifted-${by}.pcap`);
  execFileSync('tcprewrite', [`--seed=${by}`, `--infile=${capture}`, `--outfile=${out}`]);
  return out;
}

/** The TLS events, once all that was sent has arrived and most of its flows are told; after six seconds in any case. */
async function settled(watch: RunningWatch, sent: number, most: number): Promise<number> {
  for (let looks = 0; ; looks++) {
    const events = watch.counts.get('tls') ?? 0;
    const newest = watch.stats();
    const { packets = 0, kernelDropped = 0 } = newest === null ? {} : captureCounters(newest);
    if ((packets + kernelDropped >= sent && events > most) || looks === 60) return events;
    await sleep(100);
  }
}

function rightsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const line = (key: string): string => new RegExp(`^${key}:\\s+(.*?)\\s*$`, 'm').exec(status)?.[1] ?? '';
    return [line('Uid'), line('Gid'), line('Groups'), line('CapPrm'), line('CapEff')].join(' | ').replaceAll('\t', ' ');
  });
}

const [flag, name = '', directory = '', ...options] = process.argv.slice(2);
if (import.meta.filename === process.argv[1]) {
  if (flag !== '--apart') throw new Error(`run it apart: unshare --net … ${far}`);
  console.log(JSON.stringify(await scenario(name, directory, options)));
}
