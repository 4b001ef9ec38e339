// JA3S (Salesforce, BSD-3-Clause: github.com/salesforce/ja3): what a ServerHello chose, in wire order, as text and MD5.
import { hash } from 'node:crypto';
import type { ServerHello } from '../tls/server-hello.js';
import type { Ja3 } from './ja3.js';

/** `version,cipher,extensions` of a ServerHello. GREASE stays: a server does not send it (RFC 8701 section 4). */
export function ja3sText(hello: ServerHello): string {
  const { extensions } = hello;
  let types = '';
  const count = extensions?.count ?? 0;
  for (let index = 0; index < count; index += 1) {
    const type = extensions?.typeAt(index) ?? 0;
    types += index === 0 ? String(type) : `-${type}`;
  }
  return `${hello.legacyVersion},${hello.cipherSuite},${types}`;
}

/** JA3S of a ServerHello. */
export function ja3s(hello: ServerHello): Ja3 {
  const text = ja3sText(hello);
  return { hash: hash('md5', text), string: text };
}
