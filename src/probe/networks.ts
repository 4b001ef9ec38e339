// What kind of address an address is, and which prefix it lies in: for keeping automatic probes on the public internet, and
// for budgets per prefix. The ranges are ipaddr.js's table of IANA's special-purpose registries.
import ipaddr from 'ipaddr.js';
import { HellotapError } from '../errors.js';

/** An address range, parsed. */
export type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, prefixLength: number];

/** ::ffff:0:0/96. RFC 4291 section 2.5.5.2. */
const MAPPED_PREFIX_LENGTH = 96;

/** Canonical text of an address (RFC 5952 for IPv6; IPv4-mapped IPv6 as IPv4), null where it is none. */
export function canonicalAddress(text: string): string | null {
  const address = parseAddress(text);
  return address === null ? null : formatAddress(address);
}

/** Whether an address is public: not loopback, private, link-local, multicast, documentation or reserved. */
export function isPublicAddress(text: string): boolean {
  return parseAddress(text)?.range() === 'unicast';
}

/**
 * `CIDR`, or an address that stands for itself alone. A block of IPv4-mapped addresses is the block of IPv4 that it maps.
 * Throws ERR_TARGET; `what` names it in the message.
 */
export function parseNetwork(text: string, what = 'network'): Network {
  const [address = '', length, ...rest] = text.split('/');
  const parsed = parseAddress(address, false);
  if (parsed === null || rest.length > 0) throw badNetwork(text, what);
  const bits = parsed.kind() === 'ipv4' ? 32 : 128;
  const prefixLength = length === undefined ? bits : Number(length);
  if (!/^\d{1,3}$/.test(length ?? '0') || prefixLength > bits) throw badNetwork(text, what);
  // Addresses are looked up as IPv4 where they are mapped: a mapped block that stayed IPv6 would never match.
  const mapped = parseAddress(address);
  const isMapped = bits === 128 && mapped?.kind() === 'ipv4' && prefixLength >= MAPPED_PREFIX_LENGTH;
  return isMapped ? [mapped, prefixLength - MAPPED_PREFIX_LENGTH] : [parsed, prefixLength];
}

/** The prefix for budgets: /24 of IPv4, /48 of IPv6. Anything else is its own prefix. */
export function budgetPrefix(text: string): string {
  const address = parseAddress(text);
  if (address === null) return text;
  const bytes = address.toByteArray();
  return bytes.slice(0, bytes.length === 4 ? 3 : 6).join('.');
}

/** What automatic probing may reach: every public address, and the networks that were named. */
export class ReachableNetworks {
  /**
   * @param named the networks of --probe-networks; null: every public address. Naming any restricts probing to those.
   */
  constructor(private readonly named: readonly Network[] | null) {}

  allows(text: string): boolean {
    const address = parseAddress(text);
    if (address === null) return false;
    const range = address.range();
    if (this.named === null) return range === 'unicast';
    // A wide network such as 0.0.0.0/0 does not name the special ranges that happen to lie in it.
    return this.named.some(
      ([network, length]) => contains(network, length, address) && (range === 'unicast' || network.range() === range),
    );
  }
}

/** Whether `address` lies in the network. Of different families: no. */
export function contains(
  network: ipaddr.IPv4 | ipaddr.IPv6,
  prefixLength: number,
  address: ipaddr.IPv4 | ipaddr.IPv6,
): boolean {
  return network.kind() === address.kind() && address.match(network, prefixLength);
}

/** Parses an address; IPv4-mapped IPv6 becomes IPv4 unless `unmap` is false. A zone is not part of an address here. */
export function parseAddress(text: string, unmap = true): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return null;
  const address = ipaddr.IPv6.parse(text);
  return unmap && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** Text of an address: RFC 5952 for IPv6. */
export function formatAddress(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  return address.kind() === 'ipv6' ? (address as ipaddr.IPv6).toRFC5952String() : address.toString();
}

function badNetwork(text: string, what: string): HellotapError {
  return new HellotapError('ERR_TARGET', `"${text}" is not a ${what} (an address, or CIDR such as 192.0.2.0/24)`);
}
