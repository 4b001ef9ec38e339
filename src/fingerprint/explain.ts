// A fingerprint in words, Client Hello by Client Hello, and two of them side by side with only what differs. Plain data:
// how it looks on a terminal is the command's matter.
import { ExtensionType } from '../tls/constants.js';
import { decodeSelectedVersion } from '../tls/extensions.js';
import type { Whole } from '../tls/reader.js';
import { alertName, cipherSuiteName } from '../tls/registry/names.js';
import { extensionWords } from './extension-words.js';
import type { ExtensionList, HandshakeObservation } from './handshake-observation.js';
import { parseStackText } from './stack-parse.js';
import { TEN_HELLOS } from './stack.js';
import { versionName } from './version-name.js';

/** The aspects of a handshake, in the order in which they are told. */
const FIELD_ORDER = [
  'version',
  'cipher suite',
  'ServerHello',
  'ServerHello extensions',
  'EncryptedExtensions',
  'CertificateRequest',
  'HelloRetryRequest',
  'Certificate extensions',
  'alerts',
] as const;

export type FieldName = (typeof FIELD_ORDER)[number];

/** One aspect of a handshake: a single value, or an ordered list. */
export interface ExplainedField {
  readonly name: FieldName;
  /** Empty: the message came, with nothing of this in it. */
  readonly values: readonly string[];
}

/** One handshake in words; aspects that were not seen are left out. */
export interface ExplainedHandshake {
  /** Name of the Client Hello. */
  readonly hello: string;
  readonly fields: readonly ExplainedField[];
}

/** One aspect in which two handshakes differ. Null: that one did not show it at all. */
export interface FieldDifference {
  readonly name: FieldName;
  readonly left: readonly string[] | null;
  readonly right: readonly string[] | null;
  /** Of lists: what only one side has, in its order. Both empty: the order differs. */
  readonly onlyLeft: readonly string[];
  readonly onlyRight: readonly string[];
}

/** What differs between the answers to one Client Hello. */
export interface HandshakeDifference {
  readonly hello: string;
  readonly differences: readonly FieldDifference[];
}

/** Two fingerprints side by side. */
export interface FingerprintComparison {
  /** How many handshakes were compared, and those of them that differ. */
  readonly compared: number;
  readonly different: readonly HandshakeDifference[];
}

/**
 * Explains a combined fingerprint or the text of a single handshake. `names` are those of the Client Hellos in order;
 * without them, ten handshakes are taken for the paper's, and others are counted.
 */
export function explainFingerprint(text: string, names?: readonly string[]): Whole<ExplainedHandshake[]> {
  const parsed = parseStackText(text);
  if (parsed.kind === 'malformed') return parsed;
  const hellos = names ?? (parsed.value.length === TEN_HELLOS.length ? TEN_HELLOS : []);
  const value = parsed.value.map((observation, index) => ({
    hello: hellos[index] ?? `hello ${index + 1}`,
    fields: explainHandshake(observation),
  }));
  return { kind: 'message', value, end: parsed.end };
}

/** Compares two fingerprints handshake by handshake. Malformed also where they have not the same number of them. */
export function compareFingerprints(
  left: string,
  right: string,
  names?: readonly string[],
): Whole<FingerprintComparison> {
  const explainedLeft = explainFingerprint(left, names);
  if (explainedLeft.kind === 'malformed') return { ...explainedLeft, reason: `first: ${explainedLeft.reason}` };
  const explainedRight = explainFingerprint(right, names);
  if (explainedRight.kind === 'malformed') return { ...explainedRight, reason: `second: ${explainedRight.reason}` };
  const [a, b] = [explainedLeft.value, explainedRight.value];
  if (a.length !== b.length) {
    return { kind: 'malformed', offset: 0, reason: `${a.length} handshakes in the first, ${b.length} in the second` };
  }
  const different: HandshakeDifference[] = [];
  for (const [index, handshake] of a.entries()) {
    const differences = compareFields(handshake.fields, b[index]?.fields ?? []);
    if (differences.length > 0) different.push({ hello: handshake.hello, differences });
  }
  return { kind: 'message', value: { compared: a.length, different }, end: left.length };
}

function explainHandshake(observation: HandshakeObservation): ExplainedField[] {
  const { serverHello, serverHelloExtensions, alerts } = observation;
  const fields: ExplainedField[] = [];
  if (serverHello !== null) {
    fields.push({ name: 'version', values: [versionWords(serverHello.version, serverHelloExtensions)] });
    fields.push({ name: 'cipher suite', values: [cipherSuiteName(serverHello.cipher)] });
  } else if (serverHelloExtensions !== null) {
    fields.push({ name: 'ServerHello', values: ['malformed'] });
  }
  addList(fields, 'ServerHello extensions', serverHelloExtensions);
  addList(fields, 'EncryptedExtensions', observation.encryptedExtensions);
  addList(fields, 'CertificateRequest', observation.certificateRequestExtensions);
  addList(fields, 'HelloRetryRequest', observation.helloRetryRequestExtensions);
  addList(fields, 'Certificate extensions', observation.certificateExtensions);
  if (alerts.length > 0) fields.push({ name: 'alerts', values: alerts.map((code) => `${alertName(code)} (${code})`) });
  return fields;
}

function addList(fields: ExplainedField[], name: FieldName, list: ExtensionList): void {
  if (list !== null) fields.push({ name, values: list.map((item) => extensionWords(item)) });
}

/** What was negotiated, and the version field where it says something else. */
function versionWords(field: number, extensions: ExtensionList): string {
  const item = extensions?.find((candidate) => candidate.type === ExtensionType.SupportedVersions);
  const selected = item === undefined ? null : decodeSelectedVersion(item.data);
  if (selected?.kind !== 'message') return versionName(field);
  return `${versionName(selected.value)} (version field: ${versionName(field)})`;
}

function compareFields(left: readonly ExplainedField[], right: readonly ExplainedField[]): FieldDifference[] {
  const differences: FieldDifference[] = [];
  for (const name of FIELD_ORDER) {
    const a = left.find((field) => field.name === name)?.values ?? null;
    const b = right.find((field) => field.name === name)?.values ?? null;
    if (sameList(a, b)) continue;
    differences.push({ name, left: a, right: b, onlyLeft: without(a, b), onlyRight: without(b, a) });
  }
  return differences;
}

function sameList(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** What only the first of two lists has; what both have counts as often as each has it. */
function without(a: readonly string[] | null, b: readonly string[] | null): string[] {
  const rest = [...(b ?? [])];
  return (a ?? []).filter((value) => {
    const at = rest.indexOf(value);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
