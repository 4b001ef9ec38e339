// From a text fingerprint back to what it says: the inverse of stack.ts, for `explain`, imports and comparisons.
// Strict: a text that stack.ts would not write is malformed, at an offset in characters.
import type { Malformed } from '../tls/decoded.js';
import type { Whole } from '../tls/reader.js';
import type { ExtensionItem, ExtensionList, HandshakeObservation } from './handshake-observation.js';
import { decimal, extensionData } from './stack-value.js';

const FIELD_COUNT = 7;

/**
 * Parses a combined fingerprint, or the text of a single handshake: one observation per handshake, in order.
 * Data that the text does not keep comes back empty; of a key_share only the group's two bytes come back.
 */
export function parseStackText(text: string): Whole<HandshakeObservation[]> {
  const observations: HandshakeObservation[] = [];
  let offset = 0;
  for (const part of text.split('|')) {
    const parsed = parseHandshakeText(part);
    if (parsed.kind === 'malformed') return { ...parsed, offset: parsed.offset + offset };
    observations.push(parsed.value);
    offset += part.length + 1;
  }
  return { kind: 'message', value: observations, end: text.length };
}

/** Parses the text of one handshake. */
export function parseHandshakeText(text: string): Whole<HandshakeObservation> {
  const alertsAt = text.indexOf('<');
  const fields = (alertsAt < 0 ? text : text.slice(0, alertsAt)).split('_');
  if (fields.length !== FIELD_COUNT) {
    return malformed(0, `${fields.length} fields separated by "_", ${FIELD_COUNT} are expected`);
  }
  const [version = '', cipher = '', ...lists] = fields;
  const serverHello = parseServerHello(version, cipher);
  if (serverHello.kind === 'malformed') return serverHello;
  const extensions: ExtensionList[] = [];
  let offset = version.length + cipher.length + 2;
  for (const list of lists) {
    const parsed = parseExtensionList(list, offset);
    if (parsed.kind === 'malformed') return parsed;
    extensions.push(parsed.value);
    offset += list.length + 1;
  }
  const alerts = parseAlerts(text, alertsAt);
  if (alerts.kind === 'malformed') return alerts;
  const value: HandshakeObservation = {
    serverHello: serverHello.value,
    serverHelloExtensions: extensions[0] ?? null,
    encryptedExtensions: extensions[1] ?? null,
    certificateRequestExtensions: extensions[2] ?? null,
    helloRetryRequestExtensions: extensions[3] ?? null,
    certificateExtensions: extensions[4] ?? null,
    alerts: alerts.value,
  };
  return { kind: 'message', value, end: text.length };
}

function parseServerHello(version: string, cipher: string): Whole<HandshakeObservation['serverHello']> {
  if (version === '' && cipher === '') return { kind: 'message', value: null, end: 1 };
  const versionNumber = decimal(version, 0xffff);
  if (versionNumber === null) return malformed(0, `"${shown(version)}" is no version in decimal`);
  const cipherNumber = /^[0-9a-f]{1,4}$/.test(cipher) ? Number.parseInt(cipher, 16) : null;
  if (cipherNumber?.toString(16) !== cipher) {
    return malformed(version.length + 1, `"${shown(cipher)}" is no cipher suite in lower-case hexadecimal`);
  }
  return {
    kind: 'message',
    value: { version: versionNumber, cipher: cipherNumber },
    end: version.length + cipher.length + 1,
  };
}

function parseExtensionList(text: string, start: number): Whole<ExtensionList> {
  if (text === '') return { kind: 'message', value: null, end: start };
  if (text === '-') return { kind: 'message', value: [], end: start + 1 };
  const items: ExtensionItem[] = [];
  let offset = start;
  for (const entry of text.split('-')) {
    const dot = entry.indexOf('.');
    const type = dot < 0 ? null : decimal(entry.slice(0, dot), 0xffff);
    if (type === null) return malformed(offset, `"${shown(entry)}" is no extension (type, dot, value)`);
    const value = entry.slice(dot + 1);
    const data = extensionData(type, value);
    if (data === null) return malformed(offset + dot + 1, `"${shown(value)}" is no value of extension ${type}`);
    items.push({ type, data });
    offset += entry.length + 1;
  }
  return { kind: 'message', value: items, end: start + text.length };
}

function parseAlerts(text: string, at: number): Whole<number[]> {
  if (at < 0) return { kind: 'message', value: [], end: text.length };
  const alerts: number[] = [];
  let offset = at + 1;
  for (const entry of text.slice(offset).split('-')) {
    const code = decimal(entry, 0xff);
    if (code === null) return malformed(offset, `"${shown(entry)}" is no alert code`);
    alerts.push(code);
    offset += entry.length + 1;
  }
  return { kind: 'message', value: alerts, end: text.length };
}

function malformed(offset: number, reason: string): Malformed {
  return { kind: 'malformed', offset, reason };
}

/** Keeps what a hostile text may put into a message short and printable. */
function shown(text: string): string {
  const printable = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return printable.length > 40 ? `${printable.slice(0, 40)}…` : printable;
}
