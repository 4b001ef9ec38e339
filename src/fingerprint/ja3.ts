// JA3 (Salesforce, BSD-3-Clause: github.com/salesforce/ja3): what a ClientHello offers, in wire order, as text and MD5.
import { hash } from 'node:crypto';
import type { ClientHello } from '../tls/client-hello.js';
import { ExtensionType } from '../tls/constants.js';
import { isGrease } from '../tls/grease.js';
import { decimalList, vectorSpan } from './wire-lists.js';

/** The text and its MD5 in lower-case hexadecimal. */
export interface Ja3 {
  readonly hash: string;
  readonly string: string;
}

/**
 * `version,ciphers,extensions,groups,point formats` of a ClientHello, each list in decimal joined by `-`, GREASE left
 * out. Null for a hello in SSLv2 format, for which JA3 is not defined.
 */
export function ja3Text(hello: ClientHello): string | null {
  if (hello.format === 'sslv2') return null;
  const { bytes, layout, extensions } = hello;
  const ciphers = decimalList(bytes, layout.cipherSuitesStart, layout.cipherSuitesEnd);
  let types = '';
  const count = extensions?.count ?? 0;
  for (let index = 0; index < count; index += 1) {
    const type = extensions?.typeAt(index) ?? 0;
    if (isGrease(type)) continue;
    types += types === '' ? String(type) : `-${type}`;
  }
  const groupSpan = vectorSpan(extensions, ExtensionType.SupportedGroups, 2);
  const groups = groupSpan === null ? '' : decimalList(bytes, groupSpan.start, groupSpan.end);
  let formats = '';
  const formatSpan = vectorSpan(extensions, ExtensionType.EcPointFormats, 1);
  if (formatSpan !== null) formats = bytes.subarray(formatSpan.start, formatSpan.end).join('-');
  return `${layout.version},${ciphers},${types},${groups},${formats}`;
}

/** JA3 of a ClientHello; null where it is not defined. */
export function ja3(hello: ClientHello): Ja3 | null {
  const text = ja3Text(hello);
  return text === null ? null : { hash: hash('md5', text), string: text };
}
