// Community ID, version 1 (github.com/corelight/community-id-spec): one text for a flow that other tools compute alike.
import { hash } from 'node:crypto';
import { addressBytes } from '../database/address.js';

const TCP = 6;
const UDP = 17;
const NO_ADDRESS = new Uint8Array(0);

/**
 * `1:` and the base64 of SHA-1 over seed 0, the two endpoints (the smaller first), the protocol and the ports.
 * Addresses are text, as flows carry them.
 */
export function communityId(
  proto: 'TCP' | 'UDP',
  sourceAddress: string,
  sourcePort: number,
  destinationAddress: string,
  destinationPort: number,
): string {
  const source = addressBytes(sourceAddress) ?? NO_ADDRESS;
  const destination = addressBytes(destinationAddress) ?? NO_ADDRESS;
  const order = compare(source, destination) || sourcePort - destinationPort;
  const [low, lowPort, high, highPort] =
    order <= 0
      ? [source, sourcePort, destination, destinationPort]
      : [destination, destinationPort, source, sourcePort];
  const length = low.length + high.length;
  const message = new Uint8Array(length + 8);
  message.set(low, 2);
  message.set(high, 2 + low.length);
  message[2 + length] = proto === 'TCP' ? TCP : UDP;
  message[4 + length] = lowPort >> 8;
  message[5 + length] = lowPort & 0xff;
  message[6 + length] = highPort >> 8;
  message[7 + length] = highPort & 0xff;
  return `1:${hash('sha1', message, 'base64')}`;
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
