// What to probe, from text: addresses, names and blocks on the command line, one per line, or as goscanner's CSV
// (`address[:port][,name[,client hello]]`; the third column is passed over: every hello of the set is sent).
import ipaddr from 'ipaddr.js';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { canonicalAddress, formatAddress, parseNetwork, type Network } from './networks.js';
import type { ProbeTarget } from './probe-result.js';
import { isStartTlsProtocol, STARTTLS_PORTS, type StartTlsProtocol } from './starttls/dialogue.js';

const DEFAULT_PORT = 443;
/** `scheme://`, and a slash that is often written behind. */
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\/(.*?)\/?$/i;
/** Longest name that DNS allows. */
const MAX_NAME = 253;
const NAME = /^(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/;

/** What a target says besides where it is: everything of a ProbeTarget but the address. */
type Service = Omit<ProbeTarget, 'address'>;

/** A target as it was written. `serverName` is what goes into SNI, null: none. */
export type TargetSpec =
  | (Service & { readonly kind: 'address'; readonly address: string })
  | (Service & { readonly kind: 'name'; readonly host: string })
  | (Service & { readonly kind: 'network'; readonly network: Network });

/**
 * Parses `ip`, `ip:port`, `[v6]:port`, `host`, `host:port` or `CIDR[:port]`, each with `,servername`, and each with
 * `smtp://` (imap, pop3, ftp, ldap, xmpp, postgres, postgresql, mysql) in front where TLS begins within that protocol. A
 * host's own name is its server name unless another one is given. @throws HellotapError ERR_TARGET
 */
export function parseTarget(text: string): TargetSpec {
  const [endpoint = '', name = ''] = text.split(',').map((part) => part.trim());
  const bad = (reason: string): HellotapError => new HellotapError('ERR_TARGET', `"${text}" is no target: ${reason}`);
  if (endpoint === '') throw bad('an address or a name is needed');
  const serverName = name === '' ? null : sniOf(name);
  if (serverName !== null && !isName(serverName)) throw bad(`"${name}" is no server name`);
  const [, scheme = '', behind = ''] = SCHEME.exec(endpoint) ?? ['', '', endpoint];
  const startTls = scheme === '' ? null : startTlsOf(scheme, bad);
  const defaultPort = startTls === null ? DEFAULT_PORT : STARTTLS_PORTS[startTls];
  const { host, port } = splitPort(behind, defaultPort, bad);
  const service: Service = { port, serverName, ...(startTls === null ? {} : { startTls }) };
  if (host.includes('/')) return { kind: 'network', network: parseNetwork(host, 'block of addresses'), ...service };
  const address = canonicalAddress(host);
  if (address !== null) return { kind: 'address', address, ...service };
  if (/^[\d.]+$/.test(host) || host.includes(':')) throw bad(`"${host}" is no address`);
  if (!isName(host)) throw bad(`"${host}" is neither an address nor a name`);
  return { kind: 'name', host, ...service, serverName: serverName ?? sniOf(host) };
}

function startTlsOf(scheme: string, bad: (reason: string) => HellotapError): StartTlsProtocol {
  const name = scheme.toLowerCase();
  if (name === 'postgresql') return 'postgres';
  if (isStartTlsProtocol(name)) return name;
  if (scheme === 'https') throw bad('what speaks TLS at once is written host:port, without https:// and path');
  throw bad(`${scheme}:// is none of ${Object.keys(STARTTLS_PORTS).join(', ')}`);
}

/** RFC 6066 section 3: without a trailing dot. */
function sniOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function isName(text: string): boolean {
  return text.length <= MAX_NAME && NAME.test(text);
}

function splitPort(
  endpoint: string,
  defaultPort: number,
  bad: (reason: string) => HellotapError,
): { host: string; port: number } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(endpoint);
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: parsePort(bracketed[2], defaultPort, bad) };
  const colons = endpoint.split(':').length - 1;
  // More than one colon without brackets: an IPv6 address (or block) that says no port.
  if (colons !== 1) return { host: endpoint, port: defaultPort };
  const [host = '', port] = endpoint.split(':');
  return { host, port: parsePort(port, defaultPort, bad) };
}

function parsePort(text: string | undefined, defaultPort: number, bad: (reason: string) => HellotapError): number {
  if (text === undefined) return defaultPort;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65535) throw bad(`"${text}" is no port (1 to 65535)`);
  return port;
}

/** Says which addresses a name has, the preferred one first. Rejects where there is none. */
export type ResolveName = (host: string) => Promise<string[]>;

/** Addresses of a block, one by one. */
export function* addressesOf([network, length]: Network): Generator<string> {
  const bytes = network.toByteArray();
  for (let bit = length; bit < bytes.length * 8; bit++) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
  for (let count = 2n ** BigInt(bytes.length * 8 - length); count > 0n; count--) {
    yield formatAddress(ipaddr.fromByteArray(bytes));
    increment(bytes);
  }
}

function increment(bytes: number[]): void {
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = ((bytes[at] ?? 0) + 1) & 0xff;
    if (bytes[at] !== 0) return;
  }
}

export interface ResolveOptions {
  readonly resolve: ResolveName;
  /** A target that could not be parsed or resolved; the others go on. */
  readonly onProblem: (error: HellotapError) => void;
  /** Names that are looked up ahead, at once. */
  readonly lookups: number;
}

/**
 * Turns targets as written into targets to probe, in their order. Names are looked up a bounded number at a time;
 * blocks are counted out one by one, so a large one takes no memory. What is ready does not wait for more input.
 */
export async function* resolveTargets(
  specs: AsyncIterable<TargetSpec> | Iterable<TargetSpec>,
  { resolve, onProblem, lookups }: ResolveOptions,
): AsyncGenerator<ProbeTarget> {
  const input: AsyncIterator<TargetSpec> | Iterator<TargetSpec> =
    Symbol.asyncIterator in specs ? specs[Symbol.asyncIterator]() : specs[Symbol.iterator]();
  const ahead: (Promise<ProbeTarget | null> | TargetSpec)[] = [];
  const state: { ended: boolean; failure: { readonly reason: unknown } | null } = { ended: false, failure: null };
  const read = async (): Promise<void> => {
    try {
      const next = await input.next();
      if (next.done === true) state.ended = true;
      else ahead.push(next.value.kind === 'name' ? lookUp(next.value, resolve, onProblem) : next.value);
    } catch (reason) {
      state.failure = { reason };
      state.ended = true;
    }
  };
  /** While the input is asked for more: only one question is open at a time. */
  let reading: Promise<void> | null = null;
  try {
    while (!state.ended || ahead.length > 0) {
      const [first] = ahead;
      if (!state.ended && ahead.length < lookups && (first === undefined || first instanceof Promise)) {
        reading ??= read().finally(() => (reading = null));
        const ready = first?.then(() => true) ?? reading.then(() => false);
        if (!(await Promise.race([ready, reading.then(() => false)]))) continue;
      }
      yield* settle(ahead.shift());
    }
    if (state.failure !== null) throw state.failure.reason;
  } finally {
    // Not awaited: an input that is silent would keep us until it says something.
    void Promise.resolve(input.return?.()).catch(() => undefined);
  }
}

async function* settle(item: Promise<ProbeTarget | null> | TargetSpec | undefined): AsyncGenerator<ProbeTarget> {
  if (item === undefined) return;
  if (item instanceof Promise) {
    const target = await item;
    if (target !== null) yield target;
  } else if (item.kind === 'network') {
    for (const address of addressesOf(item.network)) yield { address, ...serviceOf(item) };
  } else if (item.kind === 'address') {
    yield { address: item.address, ...serviceOf(item) };
  }
}

function serviceOf({ port, serverName, startTls }: TargetSpec): Service {
  return startTls === undefined ? { port, serverName } : { port, serverName, startTls };
}

async function lookUp(
  spec: TargetSpec & { kind: 'name' },
  resolve: ResolveName,
  onProblem: (error: HellotapError) => void,
): Promise<ProbeTarget | null> {
  const { host } = spec;
  try {
    const [address] = await resolve(host);
    const canonical = address === undefined ? null : canonicalAddress(address);
    if (canonical === null) throw new Error('no address');
    return { address: canonical, ...serviceOf(spec) };
  } catch (cause) {
    onProblem(new HellotapError('ERR_TARGET', `${host}: cannot be resolved: ${systemReason(cause)}`, { cause }));
    return null;
  }
}

/** Longest line that is taken for a target. */
const MAX_LINE = 4096;

/**
 * Targets from lines: a target per line or goscanner's CSV; empty lines and # comments are passed over. A line that does
 * not parse is told to `onProblem` with its number. `name` is what messages call the list.
 */
export async function* parseTargetLines(
  lines: AsyncIterable<string>,
  name: string,
  onProblem: (error: HellotapError) => void,
): AsyncGenerator<TargetSpec> {
  let number = 0;
  for await (const line of lines) {
    number++;
    const entry = line.replace(/(^|\s)#.*/, '').trim();
    if (entry === '') continue;
    let spec: TargetSpec;
    try {
      if (entry.length > MAX_LINE) throw new HellotapError('ERR_TARGET', `${entry.length} characters are no target`);
      spec = parseTarget(entry.replaceAll('"', ''));
    } catch (error) {
      if (!(error instanceof HellotapError)) throw error;
      onProblem(new HellotapError('ERR_TARGET', `${name}, line ${number}: ${error.message}`));
      continue;
    }
    yield spec;
  }
}
