// JA4, the client part (FoxIO, BSD-3-Clause: github.com/FoxIO-LLC/ja4, technical_details/JA4.md). JA4S, JA4X and the rest
// of JA4+ are under another licence and stay out.
import { hash } from 'node:crypto';
import type { ClientHello } from '../tls/client-hello.js';
import { ExtensionType, ProtocolVersion } from '../tls/constants.js';
import { isGrease } from '../tls/grease.js';
import { hex4, uint16At, vectorSpan } from './wire-lists.js';

/** What carries the hello: TCP or QUIC. */
export type Ja4Transport = 't' | 'q';

/** The parts before hashing, as JA4's raw form has them. */
export interface Ja4Parts {
  /** Transport, version, SNI flag, counts and ALPN: ten characters. */
  readonly a: string;
  /** Cipher suites, sorted. */
  readonly ciphers: string;
  /** Extensions but server_name and ALPN, sorted. */
  readonly extensions: string;
  /** Signature algorithms, in wire order. */
  readonly signatureAlgorithms: string;
}

const VERSION_TEXT: ReadonlyMap<number, string> = new Map([
  [ProtocolVersion.Tls13, '13'],
  [ProtocolVersion.Tls12, '12'],
  [ProtocolVersion.Tls11, '11'],
  [ProtocolVersion.Tls10, '10'],
  [ProtocolVersion.Ssl30, 's3'],
  [ProtocolVersion.Ssl20, 's2'],
  [0xfeff, 'd1'],
  [0xfefd, 'd2'],
  [0xfefc, 'd3'],
]);

const NOTHING_TO_HASH = '000000000000';
const MAX_COUNT = 99;

/** JA4 of a ClientHello, `t13d1516h2_8daaf6152771_e5627efa2ab1`. Null for one in SSLv2 format, which has no extensions. */
export function ja4(hello: ClientHello, transport: Ja4Transport = 't'): string | null {
  if (hello.format === 'sslv2') return null;
  const parts = ja4Parts(hello, transport);
  const separator = parts.signatureAlgorithms === '' ? '' : '_';
  return `${parts.a}_${digest(parts.ciphers)}_${digest(parts.extensions + separator + parts.signatureAlgorithms)}`;
}

/** The parts of JA4, for `ja4` and for whoever wants to see what was hashed. */
export function ja4Parts(hello: ClientHello, transport: Ja4Transport): Ja4Parts {
  const { bytes, layout, extensions } = hello;
  const ciphers: number[] = [];
  for (let at = layout.cipherSuitesStart; at + 2 <= layout.cipherSuitesEnd; at += 2) {
    const value = uint16At(bytes, at);
    if (!isGrease(value)) ciphers.push(value);
  }
  const hashed: number[] = [];
  let extensionCount = 0;
  let sni = 'i';
  const count = extensions?.count ?? 0;
  for (let index = 0; index < count; index += 1) {
    const type = extensions?.typeAt(index) ?? 0;
    if (isGrease(type)) continue;
    extensionCount += 1;
    if (type === ExtensionType.ServerName) sni = 'd';
    else if (type !== ExtensionType.ApplicationLayerProtocolNegotiation) hashed.push(type);
  }
  const signatureAlgorithms: number[] = [];
  const algorithmSpan = vectorSpan(extensions, ExtensionType.SignatureAlgorithms, 2);
  if (algorithmSpan !== null) {
    for (let at = algorithmSpan.start; at + 2 <= algorithmSpan.end; at += 2) {
      const value = uint16At(bytes, at);
      if (!isGrease(value)) signatureAlgorithms.push(value);
    }
  }
  const a =
    transport + versionText(hello) + sni + countText(ciphers.length) + countText(extensionCount) + alpnText(hello);
  return {
    a,
    ciphers: hexList(Uint16Array.from(ciphers).sort()),
    extensions: hexList(Uint16Array.from(hashed).sort()),
    signatureAlgorithms: hexList(signatureAlgorithms),
  };
}

/** The highest of supported_versions without GREASE, else legacy_version; `00` for what JA4 has no name for. */
function versionText(hello: ClientHello): string {
  let version: number = hello.legacyVersion;
  const span = vectorSpan(hello.extensions, ExtensionType.SupportedVersions, 1);
  if (span !== null) {
    let highest = 0;
    for (let at = span.start; at + 2 <= span.end; at += 2) {
      const value = uint16At(hello.bytes, at);
      if (!isGrease(value) && value > highest) highest = value;
    }
    if (highest > 0) version = highest;
  }
  return VERSION_TEXT.get(version) ?? '00';
}

/** First and last character of the first ALPN name; of its hexadecimal form, where one of them is no ASCII letter or digit. */
function alpnText(hello: ClientHello): string {
  const span = vectorSpan(hello.extensions, ExtensionType.ApplicationLayerProtocolNegotiation, 2);
  if (span === null || span.start >= span.end) return '00';
  const { bytes } = hello;
  const first = span.start + 1;
  const end = Math.min(first + (bytes[span.start] ?? 0), span.end);
  if (first >= end) return '00';
  const firstByte = bytes[first] ?? 0;
  const lastByte = bytes[end - 1] ?? 0;
  if (isAlphanumeric(firstByte) && isAlphanumeric(lastByte)) return String.fromCharCode(firstByte, lastByte);
  return (firstByte >> 4).toString(16) + (lastByte & 0xf).toString(16);
}

function isAlphanumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** Sorting as numbers is sorting as text: all have four digits. */
function hexList(values: Iterable<number>): string {
  let text = '';
  for (const value of values) text += text === '' ? hex4(value) : `,${hex4(value)}`;
  return text;
}

function countText(count: number): string {
  return String(Math.min(count, MAX_COUNT)).padStart(2, '0');
}

function digest(text: string): string {
  return text === '' ? NOTHING_TO_HASH : hash('sha256', text).slice(0, 12);
}
