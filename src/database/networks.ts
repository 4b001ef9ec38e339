// Ranges of addresses as lists write them: CIDR, first and last address, or a single address.

import { addressBytes } from './address.js';

/** First and last address, both of 4 or both of 16 bytes. */
export interface Network {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** `192.0.2.0/24`, `2001:db8::/32`, `192.0.2.1-192.0.2.9`, `192.0.2.7`; null where it is none of these. */
export function parseNetwork(text: string): Network | null {
  const [from = '', to, ...more] = text.split('-');
  if (to !== undefined) return more.length > 0 ? null : networkBetween(from.trim(), to.trim());
  const [ip = '', length, ...others] = from.split('/');
  const address = addressBytes(ip.trim());
  if (address === null || others.length > 0) return null;
  const bits = address.length * 8;
  const kept = length === undefined ? bits : Number(length);
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || kept > bits)) return null;
  const mask = Uint8Array.from(address, (_, i) => 0xff & ~(0xff >> Math.max(0, Math.min(8, kept - 8 * i))));
  return {
    first: address.map((byte, i) => byte & (mask[i] ?? 0)),
    last: address.map((byte, i) => byte | (0xff & ~(mask[i] ?? 0))),
  };
}

/** From one address to another of the same family; null where they are no addresses, or in the wrong order. */
export function networkBetween(from: string, to: string): Network | null {
  const [first, last] = [addressBytes(from), addressBytes(to)];
  if (first === null || last?.length !== first.length || Buffer.compare(first, last) > 0) return null;
  return { first, last };
}
