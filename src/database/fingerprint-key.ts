// What identifies a fingerprint of any kind, and its one textual form in tables and on the command line:
// a combined text or its fingerprint_id, or jarm:, ja3s:, ja3:, cert-sha1:, endpoint: and a value.

import { fingerprintId } from '../fingerprint/stack.js';
import { addressBytes, addressText } from './address.js';
import { ATSF_2022 } from './hello-set.js';

/** Kinds that are the same in every database, with their ids there; each hello set adds one of its own. */
export const FIXED_KINDS = { jarm: 1, ja3s: 2, ja3: 3, 'cert-sha1': 4, endpoint: 5 } as const;

export type FixedKind = keyof typeof FIXED_KINDS;

/** `kind`: a fixed kind or the name of a hello set. `text`: the combined text, null where only its id is known. */
export interface FingerprintKey {
  readonly kind: string;
  readonly digest: Uint8Array;
  readonly text: string | null;
}

const HEX_LENGTHS = { jarm: 62, ja3s: 32, ja3: 32, 'cert-sha1': 40 } as const;
const HEX = /^[0-9a-f]*$/;
/** Longer than any fingerprint of ten handshakes that a server can cause; keeps a damaged table out of memory. */
const MAX_TEXT = 65_536;
/** Seven fields and an alert tail, `|` between handshakes. */
const STACK_TEXT = /^[0-9A-Za-z+/._<|-]+$/;

export function isFixedKind(kind: string): kind is FixedKind {
  return Object.hasOwn(FIXED_KINDS, kind);
}

/** The key of a combined text. */
export function stackKey(text: string, helloSet: string = ATSF_2022.name): FingerprintKey {
  return { kind: helloSet, digest: Buffer.from(fingerprintId(text), 'hex'), text };
}

/** The key of a server's address and port; null where the address is none. */
export function endpointKey(address: string, port: number): FingerprintKey | null {
  const bytes = addressBytes(address);
  if (bytes === null) return null;
  const digest = new Uint8Array(bytes.length + 2);
  digest.set(bytes);
  digest[bytes.length] = port >> 8;
  digest[bytes.length + 1] = port & 0xff;
  return { kind: 'endpoint', digest, text: null };
}

/** Address and port of an endpoint's digest. */
export function splitEndpoint(digest: Uint8Array): { address: Uint8Array; port: number } {
  const end = digest.length - 2;
  return { address: digest.subarray(0, end), port: ((digest[end] ?? 0) << 8) | (digest[end + 1] ?? 0) };
}

/** The key of a hexadecimal value of a fixed kind (colons and upper case allowed); null where it is not one. */
export function hexKey(kind: keyof typeof HEX_LENGTHS, value: string): FingerprintKey | null {
  const hex = value.replaceAll(':', '').toLowerCase();
  if (hex.length !== HEX_LENGTHS[kind] || !HEX.test(hex)) return null;
  return { kind, digest: Buffer.from(hex, 'hex'), text: null };
}

/** Reads a key; the sentence that comes back instead says what is wrong with it. */
export function parseFingerprintKey(text: string, helloSet: string = ATSF_2022.name): FingerprintKey | string {
  const colon = text.indexOf(':');
  const prefix = colon < 0 ? '' : text.slice(0, colon).toLowerCase();
  const value = text.slice(colon + 1).trim();
  switch (prefix) {
    case 'jarm':
      if (/^0+$/.test(value)) return 'a JARM of zeros says only that nothing answered';
      return hexKey('jarm', value) ?? 'a JARM has 62 hexadecimal digits';
    case 'ja3':
    case 'ja3s':
      return hexKey(prefix, value) ?? `a ${prefix.toUpperCase()} has 32 hexadecimal digits`;
    case 'cert-sha1':
      return hexKey('cert-sha1', value) ?? 'a certificate SHA-1 has 40 hexadecimal digits';
    case 'endpoint': {
      const endpoint = parseEndpoint(value);
      const key = endpoint && endpointKey(endpoint.address, endpoint.port);
      return key ?? 'an endpoint is written ip:port or [ipv6]:port';
    }
    default:
      return parseStack(text.trim(), helloSet);
  }
}

function parseStack(text: string, helloSet: string): FingerprintKey | string {
  if (text === '') return 'no fingerprint';
  if (text.length === 32 && HEX.test(text)) return { kind: helloSet, digest: Buffer.from(text, 'hex'), text: null };
  if (text.length > MAX_TEXT) return `a fingerprint of more than ${MAX_TEXT} characters`;
  if (!text.includes('|') || !STACK_TEXT.test(text)) {
    return 'neither a combined fingerprint, a fingerprint_id (32 hexadecimal digits in lower case), nor a key with a known prefix';
  }
  return stackKey(text, helloSet);
}

/** `ip:port` or `[ipv6]:port`. */
export function parseEndpoint(text: string): { address: string; port: number } | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text);
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (address === undefined || port > 65_535 || port === 0) return null;
  const bytes = addressBytes(address);
  return bytes === null ? null : { address: addressText(bytes), port };
}

/** `127.0.0.1:443`, `[2001:db8::1]:443`. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The key as tables hold it; a stack fingerprint by its text where that is known, else by its id. */
export function keyText(kind: string, digest: Uint8Array, text: string | null): string {
  if (kind === 'endpoint') {
    const { address, port } = splitEndpoint(digest);
    return `endpoint:${endpointText(addressText(address), port)}`;
  }
  const hex = Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
  return isFixedKind(kind) ? `${kind}:${hex}` : (text ?? hex);
}
