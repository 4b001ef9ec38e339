// Handshakes per CPU-second (user and system) of this process: ours beside tls.connect of Node, which is OpenSSL's C code,
// with the lab's servers, in turns in one run. Ours go to Finished, as tls.connect does at secureConnect; no session is resumed.
//   node --import tsx test/bench/handshakes.ts [HANDSHAKES] [ROUNDS]
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import { converse } from '../../src/probe/connection.js';
import { DeadlineQueue } from '../../src/probe/deadlines.js';
import { Handshake } from '../../src/probe/handshake.js';
import { loadHelloSet } from '../../src/probe/hello-set-file.js';
import { HelloPreparer, type HelloDefinition } from '../../src/probe/hello-set.js';
import { MarkedRandomness, OwnHelloMark } from '../../src/probe/own-hello.js';
import { deployment, withLab } from '../lab/lab.js';

const HANDSHAKES = Number(process.argv[2] ?? 1000);
const ROUNDS = Number(process.argv[3] ?? 3);
const CONCURRENCY = 32;
const SERVERS = ['nginx-default', 'haproxy-default', 'apache-default', 'go-default'];

const helloSet = loadHelloSet(join(import.meta.dirname, '../../samples/hello-sets/atsf-2022'));
const randomness = new MarkedRandomness(new OwnHelloMark());
const preparer = new HelloPreparer(() => randomness.byte());
const deadlines = { connect: new DeadlineQueue(10_000), handshake: new DeadlineQueue(10_000) };

interface Server {
  readonly address: string;
  readonly port: number;
}

/** One handshake; resolves with whether it went to Finished. */
type Shake = (server: Server, index: number) => Promise<boolean>;

const ours =
  (hellos: readonly HelloDefinition[]): Shake =>
  (server, index) =>
    new Promise((resolve) => {
      const hello = hellos[index % hellos.length];
      if (hello === undefined) throw new Error('no hello');
      const handshake = new Handshake(preparer.prepare(hello, true), 'lab.test', randomness);
      const endpoint = { address: server.address, port: server.port, localAddress: null, localPort: 0 };
      converse(endpoint, handshake, deadlines, () => {
        resolve(handshake.outcome === 'ok');
      });
    });

const nodes =
  (version: SecureVersion | null): Shake =>
  ({ address, port }) =>
    new Promise((resolve) => {
      const versions = version === null ? {} : { minVersion: version, maxVersion: version };
      const socket = connect({ host: address, port, servername: 'lab.test', rejectUnauthorized: false, ...versions });
      let done = false;
      socket.on('secureConnect', () => {
        done = true;
        socket.destroy();
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        resolve(done);
      });
    });

/** Handshakes per CPU-second, and how many went to Finished. */
async function measure(shake: Shake, servers: readonly Server[]): Promise<{ perSecond: number; finished: number }> {
  let next = 0;
  let finished = 0;
  const before = process.cpuUsage();
  const worker = async (): Promise<void> => {
    while (next < HANDSHAKES) {
      const index = next++;
      const server = servers[Math.floor(index / 10) % servers.length];
      if (server !== undefined && (await shake(server, index))) finished++;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const { user, system } = process.cpuUsage(before);
  return { perSecond: HANDSHAKES / ((user + system) / 1e6), finished: finished / HANDSHAKES };
}

/** Hellos that end in a complete handshake of that version with every server: what tls.connect does as well. */
async function completing(servers: readonly Server[], version: string): Promise<HelloDefinition[]> {
  const found: HelloDefinition[] = [];
  for (const hello of helloSet.hellos) {
    const all = await Promise.all(
      servers.map(async (server) => {
        const handshake = new Handshake(preparer.prepare(hello, true), 'lab.test', randomness);
        const endpoint = { address: server.address, port: server.port, localAddress: null, localPort: 0 };
        await new Promise<void>((resolve) => {
          converse(endpoint, handshake, deadlines, () => {
            resolve();
          });
        });
        const { serverHello, encryptedExtensions } = handshake.observation;
        const is13 = encryptedExtensions !== null;
        return handshake.outcome === 'ok' && serverHello?.version === 0x0303 && is13 === (version === 'TLSv1.3');
      }),
    );
    if (all.every(Boolean)) found.push(hello);
  }
  return found;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

await withLab(SERVERS, async () => {
  const all = SERVERS.map(deployment);
  const rows: [string, readonly Server[], Shake, Shake | null][] = [
    ['the ten hellos', all, ours(helloSet.hellos), nodes(null)],
  ];
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const server of all) {
      const hellos = await completing([server], version);
      if (hellos.length > 0) rows.push([`complete ${version}, ${server.id}`, [server], ours(hellos), nodes(version)]);
    }
  }
  process.stdout.write(`${'handshakes per CPU-second'.padEnd(40)}  ours  tls.connect  ratio  finished (ours)\n`);
  for (const [name, servers, mine, theirs] of rows) {
    await measure(mine, servers); // warm
    const own: number[] = [];
    const other: number[] = [];
    let finished = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const result = await measure(mine, servers);
      own.push(result.perSecond);
      finished = result.finished;
      if (theirs !== null) other.push((await measure(theirs, servers)).perSecond);
    }
    const [a, b] = [median(own), median(other)];
    process.stdout.write(
      `${name.padEnd(40)} ${a.toFixed(0).padStart(5)} ${b.toFixed(0).padStart(12)} ${(a / b).toFixed(2).padStart(6)} ${(finished * 100).toFixed(0).padStart(6)} %\n`,
    );
  }
});
process.stdout.write(`resident memory at most: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB\n`);
process.exit(0);
