// Addresses that get no packet: lists in the format of ZMap's (a CIDR block or an address per line, # comments), read again
// when their file changes. A list that cannot be read is never taken for an empty one.
import { readFileSync, statSync } from 'node:fs';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import type { Clock } from './deadlines.js';
import { parseAddress, parseNetwork, type Network } from './networks.js';

/** How often the file is looked at while it is asked. */
const LOOK_EVERY_MS = 500;

/** A set of networks that answers in the time of one look per distinct prefix length, however many there are. */
export class NetworkSet {
  /** Prefixes by their length, of each family. */
  private readonly ipv4: PrefixTable = new Map();
  private readonly ipv6: PrefixTable = new Map();

  constructor(networks: Iterable<Network>) {
    for (const [address, length] of networks) {
      const table = address.kind() === 'ipv4' ? this.ipv4 : this.ipv6;
      let prefixes = table.get(length);
      if (prefixes === undefined) table.set(length, (prefixes = new Set()));
      prefixes.add(prefixText(address.toByteArray(), length));
    }
  }

  /** Whether an address lies in one of the networks; IPv4-mapped IPv6 counts as IPv4. Text that is no address: no. */
  has(text: string): boolean {
    const address = parseAddress(text);
    if (address === null) return false;
    const bytes = address.toByteArray();
    for (const [length, prefixes] of address.kind() === 'ipv4' ? this.ipv4 : this.ipv6) {
      if (prefixes.has(prefixText(bytes, length))) return true;
    }
    return false;
  }
}

type PrefixTable = Map<number, Set<string>>;

/** The first `length` bits of an address. */
function prefixText(bytes: readonly number[], length: number): string {
  const whole = length >> 3;
  const rest = length & 7;
  const head = bytes.slice(0, whole).join('.');
  return rest === 0 ? head : `${head}.${(bytes[whole] ?? 0) >> (8 - rest)}`;
}

/** Parses the text of a list. @throws HellotapError ERR_TARGET naming `path` and the line */
export function parseExclusions(text: string, path: string): NetworkSet {
  const networks: Network[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.replace(/#.*/, '').trim();
    if (entry === '') continue;
    networks.push(parseNetwork(entry, `network to exclude (${path}, line ${index + 1})`));
  }
  return new NetworkSet(networks);
}

/** A list in a file, followed as the file changes. */
export class ExclusionFile {
  private networks: NetworkSet;
  private stamp: string;
  private nextLook: number;

  /**
   * @param onProblem told when a changed file cannot be read or parsed; the list that was in force stays in force then
   * @throws HellotapError ERR_CONFIG where the file cannot be read, ERR_TARGET where a line does not parse
   */
  constructor(
    private readonly path: string,
    private readonly clock: Clock,
    private readonly onProblem: (error: HellotapError) => void,
  ) {
    this.stamp = stampOf(path);
    this.networks = parseExclusions(read(path), path);
    this.nextLook = clock() + LOOK_EVERY_MS;
  }

  /** Whether an address gets no packet. */
  excludes(address: string): boolean {
    if (this.clock() >= this.nextLook) this.look();
    return this.networks.has(address);
  }

  private look(): void {
    this.nextLook = this.clock() + LOOK_EVERY_MS;
    const stamp = stampOf(this.path);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    try {
      this.networks = parseExclusions(read(this.path), this.path);
    } catch (error) {
      if (!(error instanceof HellotapError)) throw error;
      this.onProblem(error);
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HellotapError('ERR_CONFIG', `${path}: the exclusion list cannot be read: ${systemReason(cause)}`, {
      cause,
    });
  }
}

/** What changes when the file does; also when it is replaced, or gone. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs}`;
}
