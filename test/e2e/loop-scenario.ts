// One run of the loop, live: `hellotap watch` looks on while a TLS client visits servers twice. Prints what came of it as
// one JSON object. loop.test.ts runs this in a network namespace of its own and judges it.
//   loop-scenario.ts lo ring|cap ID…    over loopback, to lab servers that are up
//   loop-scenario.ts veth ring|cap ID…  over a veth pair into a second namespace, in which it starts them
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { CaptureWay } from '../../src/capture/live-options.js';
import type { HellotapEvent } from '../../src/output/event.js';
import { deployment } from '../lab/lab.js';
import { outcome, start } from './hellotap.js';

/** What the run left behind. */
export interface LoopReport {
  readonly events: readonly HellotapEvent[];
  readonly exitCode: number | null;
  readonly stderr: string;
  /** TCP connections that were opened to each deployment, as tcpdump saw them. */
  readonly connections: Readonly<Record<string, number>>;
}

/** The server name that the client asks for at every server. */
export const loopServerName = 'lab.test';

const lab = join(import.meta.dirname, '../lab');

async function scenario(mode: 'lo' | 'veth', capture: CaptureWay, ids: readonly string[]): Promise<LoopReport> {
  const directory = mkdtempSync(join(tmpdir(), 'hellotap-loop-'));
  const processes: ChildProcess[] = [];
  try {
    const network = mode === 'lo' ? loopback(ids) : await secondNamespace(ids, directory, processes);
    const pcap = join(directory, 'syn.pcap');
    const tcpdump = spawn('tcpdump', [
      ...['--immediate-mode', '-U', '-Z', 'root', '-i', network.interface, '-w', pcap],
      'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn',
    ]);
    processes.push(tcpdump);
    const output = join(directory, 'events.jsonl');
    const watch = start([
      ...['watch', network.interface, '--format', 'jsonl', '--output', output, '--database', join(directory, 'db')],
      ...['--capture', capture, '--probe-networks', network.cidr, '--filter', network.filter, '--per-server-rate', '0'],
    ]);
    const ended = outcome(watch);
    processes.push(watch);

    const events = (): HellotapEvent[] =>
      existsSync(output)
        ? readFileSync(output, 'utf8')
            .split('\n')
            .filter((line) => line.endsWith('}'))
            .map((line) => JSON.parse(line) as HellotapEvent)
        : [];
    const count = (type: HellotapEvent['event_type']): number => events().filter((e) => e.event_type === type).length;

    await until('the interface is watched', () => existsSync(output) && existsSync(pcap));
    await sleep(1_000); // both have opened their files; now the captures behind them start
    for (const address of network.addresses.values()) await visit(address);
    await until('a tag for each server', () => count('tag') >= ids.length);
    for (const address of network.addresses.values()) await visit(address);
    await until('the second visits', () => count('tls') >= 2 * ids.length);
    await sleep(500); // for events that should not come
    watch.kill('SIGINT');
    const { code, stderr } = await ended;
    tcpdump.kill('SIGINT');
    await sleep(300);

    const opened = execFileSync('tcpdump', ['-n', '-q', '-r', pcap], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const connections = [...network.addresses].map(([id, address]): [string, number] => [
      id,
      opened.split('\n').filter((line) => line.includes(` > ${address}.8443:`)).length,
    ]);
    return { events: events(), exitCode: code, stderr, connections: Object.fromEntries(connections) };
  } finally {
    for (const child of processes) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Where the servers are and how to look on. */
interface Network {
  readonly interface: string;
  readonly cidr: string;
  readonly filter: string;
  /** Address of each deployment. */
  readonly addresses: ReadonlyMap<string, string>;
}

function loopback(ids: readonly string[]): Network {
  const addresses = new Map(ids.map((id) => [id, deployment(id).address]));
  return { interface: 'lo', cidr: '127.0.0.0/8', filter: 'tcp port 8443', addresses };
}

async function secondNamespace(ids: readonly string[], directory: string, processes: ChildProcess[]): Promise<Network> {
  const there = spawn('unshare', ['--net', 'sleep', '600']);
  processes.push(there);
  const pid = String(there.pid);
  const inside = (...command: string[]): void => {
    execFileSync('nsenter', ['--target', pid, '--net', ...command], {
      env: { ...process.env, LAB_STATE: join(directory, 'lab'), LAB_DEPLOYMENTS: join(directory, 'deployments.tsv') },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  };
  const own = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' });
  await until(
    'the second namespace',
    () => execFileSync('readlink', [`/proc/${pid}/ns/net`], { encoding: 'utf8' }) !== own,
  );

  execFileSync('ip', ['link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', pid]);
  execFileSync('ip', ['address', 'add', '10.77.0.1/16', 'dev', 'near']);
  execFileSync('ip', ['link', 'set', 'near', 'up']);
  inside('ip', 'link', 'set', 'lo', 'up');
  inside('ip', 'link', 'set', 'far', 'up');
  const moved = (text: string): string => text.replaceAll('127.0.1.', '10.77.1.');
  const addresses = new Map(ids.map((id) => [id, moved(deployment(id).address)]));
  for (const address of addresses.values()) inside('ip', 'address', 'add', `${address}/16`, 'dev', 'far');
  writeFileSync(join(directory, 'deployments.tsv'), moved(readFileSync(join(lab, 'deployments.tsv'), 'utf8')));
  inside('bash', join(lab, 'lab.sh'), 'up', ...ids);
  return { interface: 'near', cidr: '10.77.0.0/16', filter: 'tcp port 8443 and net 10.77.0.0/16', addresses };
}

/** A TLS handshake, a request and an answer, as any client would. */
function visit(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address,
      port: 8443,
      servername: loopServerName,
      rejectUnauthorized: false,
      timeout: 10_000,
    });
    socket.once('secureConnect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('data', () => undefined);
    socket.once('timeout', () => socket.destroy(new Error(`${address} is silent`)));
    socket.once('error', reject);
    socket.once('close', () => {
      resolve();
    });
  });
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (condition()) return;
    await sleep(100);
  }
  throw new Error(`waited in vain for: ${what}`);
}

const [mode, capture, ...ids] = process.argv.slice(2);
if (import.meta.filename === process.argv[1]) {
  if ((mode !== 'lo' && mode !== 'veth') || (capture !== 'ring' && capture !== 'cap')) {
    throw new Error('loop-scenario.ts lo|veth ring|cap ID…');
  }
  const report = await scenario(mode, capture, ids);
  console.log(JSON.stringify(report));
}
