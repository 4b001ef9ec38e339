// From the probing options of a command to a prober, and to probing by itself.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { HellotapError } from '../errors.js';
import { AutomaticProbes } from '../engine/automatic-probes.js';
import { monotonicClock } from '../probe/deadlines.js';
import { ExclusionFile } from '../probe/exclusions.js';
import { ProbeGate } from '../probe/gate.js';
import { canonicalAddress, parseNetwork, ReachableNetworks } from '../probe/networks.js';
import { Prober } from '../probe/prober.js';
import type { HandshakeReport } from '../probe/prober-options.js';
import { systemReason } from '../system-reason.js';
import type { AutomaticProbingOptions, ProbingOptions } from './common-options.js';
import { openHelloSet } from './hello-sets.js';
import type { Terminal } from './terminal.js';

export interface OpenProber {
  readonly prober: Prober;
  /** Asked before every connection. */
  readonly isExcluded: (address: string) => boolean;
}

/** @throws HellotapError where a list or an address cannot be used */
export async function openProber(
  options: ProbingOptions,
  terminal: Terminal,
  onHandshake: ((report: HandshakeReport) => void) | null = null,
): Promise<OpenProber> {
  const lists = options.exclude.map(
    (path) =>
      new ExclusionFile(path, monotonicClock, (error) => {
        terminal.warning(`${error.message}; the exclusions that were read before stay in force`);
      }),
  );
  const isExcluded = (address: string): boolean => lists.some((list) => list.excludes(address));
  const prober = new Prober({
    helloSet: openHelloSet(options.helloSet),
    http: options.http ? openHelloSet('ordinary') : null,
    jarm: options.jarm ? openHelloSet('jarm-2020') : null,
    rate: options.rate,
    perServerRate: options.perServerRate,
    perPrefixRate: options.perPrefixRate,
    concurrency: options.concurrency,
    perServerConcurrency: options.perServerConcurrency,
    shuffleOver: options.shuffleOver ?? null,
    retries: options.retries,
    connectTimeoutMs: options.connectTimeout * 1000,
    handshakeTimeoutMs: options.handshakeTimeout * 1000,
    sourceAddress: await sourceAddress(options.sourceAddress),
    sourcePorts: options.sourcePorts ?? null,
    isExcluded,
    onHandshake,
  });
  return { prober, isExcluded };
}

/** Probing of servers that are seen, within the options' policy. */
export async function openAutomaticProbes(
  options: AutomaticProbingOptions,
  terminal: Terminal,
): Promise<AutomaticProbes> {
  const { prober, isExcluded } = await openProber(options, terminal);
  const networks = options.probeNetworks.map((text) => parseNetwork(text, 'network for --probe-networks'));
  const gate = new ProbeGate({
    networks: new ReachableNetworks(networks.length === 0 ? null : networks),
    isExcluded,
    allowOneSided: options.allowOneSided,
    newProbesPerMinute: options.newProbesPerMinute,
    clock: monotonicClock,
  });
  return new AutomaticProbes(prober, gate);
}

/** The address, if connections can be made from it: else each of them would fail, as if the servers were out of reach. */
async function sourceAddress(text: string | undefined): Promise<string | null> {
  if (text === undefined) return null;
  const address = canonicalAddress(text);
  if (address === null) throw new HellotapError('ERR_USAGE', `--source-address ${text}: not an address`);
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    const bound = once(socket, 'listening');
    socket.bind(0, address);
    await bound;
  } catch (cause) {
    const advice = 'hellotap interfaces shows the addresses of this machine';
    throw new HellotapError('ERR_USAGE', `--source-address ${text}: ${systemReason(cause)}; ${advice}`, { cause });
  } finally {
    socket.close();
  }
  return address;
}
