// A deviation in words: what it is about, what was there before and what is there now. Pure.
import { extensionWords } from '../fingerprint/extension-words.js';
import type { ExtensionItem, ExtensionList, HandshakeObservation } from '../fingerprint/handshake-observation.js';
import { parseHandshakeText } from '../fingerprint/stack-parse.js';
import { versionName } from '../fingerprint/version-name.js';
import type { ProtocolVersion } from '../tls/constants.js';
import { AlertDescription, ExtensionType, type NamedGroup } from '../tls/constants.js';
import { decodeProtocolNames, decodeSelectedGroup, decodeSelectedVersion } from '../tls/extensions.js';
import { alertName, cipherSuiteName, supportedGroupName } from '../tls/registry/names.js';
import type { Deviation } from './compare.js';
import { NO_TEXT } from './traits.js';

/** What a change is about, the gravest first. */
export const SUBJECTS = [
  'TLS',
  'protocol version',
  'client certificate request',
  'certificate',
  'handshake',
  'cipher suite',
  'key exchange group',
  'application protocol',
  'session ticket',
  'extensions',
  'alerts',
  'JARM',
  'HTTP Server header',
] as const;
export type Subject = (typeof SUBJECTS)[number];

/** One change, to one Client Hello or (`hello` null) of the server as a whole. */
export interface Change {
  readonly hello: string | null;
  readonly subject: Subject;
  /** In words; from the server's bytes in part, so not safe for a terminal as it is. */
  readonly was: string;
  readonly now: string;
}

/** Says what a deviation is. One answer may have changed in several respects. */
export function describeDeviation({ hello, aspect, was, now }: Deviation): Change[] {
  const plain = (subject: Subject, words: (value: string) => string): Change[] => [
    { hello: hello === '' ? null : hello, subject, was: was.map(words).join(' or '), now: now.map(words).join(' or ') },
  ];
  switch (aspect) {
    case 'answer':
      return now.flatMap((text) => describeAnswer(hello, nearest(was, text), text));
    case 'certificate_request':
      return plain('client certificate request', (value) => (value === 'yes' ? 'sent' : 'not sent'));
    case 'group':
      return plain('key exchange group', (value) => supportedGroupName(Number(value)));
    case 'certificate':
      return plain('certificate', (value) => value);
    case 'jarm':
      return plain('JARM', (value) => value);
    case 'http_server':
      return plain('HTTP Server header', (value) => value);
  }
}

/** The subjects of changes, each once, the gravest first. */
export function subjectsOf(changes: readonly Change[]): Subject[] {
  return SUBJECTS.filter((subject) => changes.some((change) => change.subject === subject));
}

/** The recorded answer that has most fields in common with a new one. */
function nearest(was: readonly string[], now: string): string {
  const fields = now.split(/[_<]/);
  const common = (text: string): number => text.split(/[_<]/).filter((field, index) => field === fields[index]).length;
  return was.toSorted((a, b) => common(b) - common(a))[0] ?? '';
}

function describeAnswer(hello: string, was: string, now: string): Change[] {
  const [before, after] = [readAnswer(was), readAnswer(now)];
  const change = (subject: Subject, left: string, right: string): Change => ({ hello, subject, was: left, now: right });
  if (before === null || after === null) return [change('TLS', answerWords(was, before), answerWords(now, after))];
  const [left, right] = [versionOf(before), versionOf(after)];
  if (left === null || right === null) {
    const isVersion = refusesVersion(before) || refusesVersion(after);
    const subject = left === right ? 'alerts' : isVersion ? 'protocol version' : 'handshake';
    return [change(subject, answerWords(was, before), answerWords(now, after))];
  }
  // With another version all else differs as well, and says nothing more.
  if (left !== right) return [change('protocol version', versionName(left), versionName(right))];
  const changes = FACETS.flatMap(({ subject, words }) => {
    const [a, b] = [words(before), words(after)];
    return a === b ? [] : [change(subject, a, b)];
  });
  changes.push(...extensionChanges(hello, before, after));
  return changes.length > 0 ? changes : [change('handshake', was, now)];
}

/** Null: no TLS came. */
function readAnswer(text: string): HandshakeObservation | null {
  if (text.startsWith(NO_TEXT)) return null;
  const parsed = parseHandshakeText(text);
  return parsed.kind === 'message' ? parsed.value : null;
}

function answerWords(text: string, answer: HandshakeObservation | null): string {
  if (answer === null) return WITHOUT_TEXT[text.slice(NO_TEXT.length)] ?? text;
  const version = versionOf(answer);
  const { serverHello } = answer;
  if (version !== null && serverHello !== null) {
    return `${versionName(version)} with ${cipherSuiteName(serverHello.cipher)}`;
  }
  return answer.alerts.length === 0 ? 'a damaged ServerHello' : `refused with ${alertWords(answer)}`;
}

/** Outcomes of handshakes without a text. */
const WITHOUT_TEXT: Readonly<Record<string, string>> = {
  reset: 'connection reset without an answer',
  closed: 'connection closed without an answer',
  not_tls: 'something else than TLS',
  malformed: 'something that cannot be decoded',
};

interface Facet {
  readonly subject: Subject;
  /** Of two answers with the same version; equal texts: nothing has changed. */
  readonly words: (answer: HandshakeObservation) => string;
}

/** Extensions that have a facet of their own. */
const TOLD_APART: ReadonlySet<ExtensionType> = new Set<ExtensionType>([
  ExtensionType.KeyShare,
  ExtensionType.SupportedVersions,
  ExtensionType.ApplicationLayerProtocolNegotiation,
  ExtensionType.SessionTicket,
]);

const FACETS: readonly Facet[] = [
  { subject: 'client certificate request', words: (answer) => requestWords(answer.certificateRequestExtensions) },
  { subject: 'cipher suite', words: ({ serverHello }) => cipherSuiteName(serverHello?.cipher ?? 0) },
  { subject: 'key exchange group', words: groupWords },
  { subject: 'application protocol', words: protocolWords },
  {
    subject: 'session ticket',
    words: (answer) =>
      find(answer.serverHelloExtensions, ExtensionType.SessionTicket) === undefined ? 'not promised' : 'promised',
  },
  { subject: 'alerts', words: (answer) => (answer.alerts.length === 0 ? 'none' : alertWords(answer)) },
];

function requestWords(list: ExtensionList): string {
  if (list === null) return 'not sent';
  return list.length === 0 ? 'sent' : `sent (${list.map(extensionWords).join('; ')})`;
}

function groupWords({ serverHelloExtensions, helloRetryRequestExtensions }: HandshakeObservation): string {
  const chosen = groupOf(serverHelloExtensions);
  const asked = groupOf(helloRetryRequestExtensions);
  const name = (group: NamedGroup | null): string => (group === null ? 'none' : supportedGroupName(group));
  return helloRetryRequestExtensions === null ? name(chosen) : `${name(asked ?? chosen)} after a HelloRetryRequest`;
}

function groupOf(list: ExtensionList): NamedGroup | null {
  const item = find(list, ExtensionType.KeyShare);
  const group = item === undefined ? null : decodeSelectedGroup(item.data);
  return group?.kind === 'message' ? group.value : null;
}

function protocolWords(answer: HandshakeObservation): string {
  const type = ExtensionType.ApplicationLayerProtocolNegotiation;
  const item = find(answer.encryptedExtensions, type) ?? find(answer.serverHelloExtensions, type);
  const names = item === undefined ? null : decodeProtocolNames(item.data);
  return names === null ? 'none' : names.kind === 'message' ? names.value.join(', ') : 'malformed';
}

/** What one message has more of, or another order of; message by message. */
function extensionChanges(hello: string, before: HandshakeObservation, after: HandshakeObservation): Change[] {
  return MESSAGES.flatMap(({ message, list }) => {
    const [left, right] = [list(before), list(after)].map(otherWords);
    if (left === undefined || right === undefined || left.join(', ') === right.join(', ')) return [];
    const [less, more] = [left.filter((word) => !right.includes(word)), right.filter((word) => !left.includes(word))];
    const isOrder = less.length === 0 && more.length === 0;
    const words = (all: readonly string[], own: readonly string[]): string =>
      isOrder
        ? `${message} in the order ${all.join(', ')}`
        : own.length === 0
          ? `not in ${message}`
          : `${message} with ${own.join(', ')}`;
    return [{ hello, subject: 'extensions', was: words(left, less), now: words(right, more) }];
  });
}

const MESSAGES: readonly {
  readonly message: string;
  readonly list: (answer: HandshakeObservation) => ExtensionList;
}[] = [
  { message: 'ServerHello', list: (answer) => answer.serverHelloExtensions },
  { message: 'EncryptedExtensions', list: (answer) => answer.encryptedExtensions },
  { message: 'HelloRetryRequest', list: (answer) => answer.helloRetryRequestExtensions },
  { message: 'Certificate', list: (answer) => answer.certificateExtensions },
];

/** Extensions that are told of nowhere else. */
function otherWords(list: ExtensionList): string[] {
  return (list ?? []).filter(({ type }) => !TOLD_APART.has(type)).map(extensionWords);
}

function alertWords({ alerts }: HandshakeObservation): string {
  return alerts.map((code) => `${alertName(code)} (${code})`).join(', ');
}

function find(list: ExtensionList, wanted: ExtensionType): ExtensionItem | undefined {
  return list?.find(({ type }) => type === wanted);
}

/** What was negotiated; null: there was no ServerHello. */
function versionOf({ serverHello, serverHelloExtensions }: HandshakeObservation): ProtocolVersion | null {
  if (serverHello === null) return null;
  const item = find(serverHelloExtensions, ExtensionType.SupportedVersions);
  const selected = item === undefined ? null : decodeSelectedVersion(item.data);
  return selected?.kind === 'message' ? selected.value : serverHello.version;
}

function refusesVersion({ serverHello, alerts }: HandshakeObservation): boolean {
  return serverHello === null && alerts.includes(AlertDescription.ProtocolVersion);
}
