// Whether a ServerHello that was watched can come from the TLS stack whose answers to known Client Hellos are stored.
// Pure. Says only what holds for every common stack, whether it follows its own order of cipher suites or the client's;
// and of a rule of which the stored answers themselves are an exception, nothing at all.
import type { HandshakeObservation } from '../fingerprint/handshake-observation.js';
import { parseStackText } from '../fingerprint/stack-parse.js';
import { versionName } from '../fingerprint/version-name.js';
import type { HelloDefinition, HelloSet } from '../probe/hello-set.js';
import type { ClientHello } from '../tls/client-hello.js';
import { ExtensionType, ProtocolVersion } from '../tls/constants.js';
import { decodeSelectedGroup, decodeSelectedVersion, decodeSupportedVersions } from '../tls/extensions.js';
import { isGrease } from '../tls/grease.js';
import { cipherSuiteName, extensionTypeName } from '../tls/registry/names.js';
import { isTls13, selectedGroup, selectedVersion, type ServerHello } from '../tls/server-hello.js';

/** What a client offers, as far as a server's choice depends on it. */
export interface Offer {
  /** In the client's order; without supported_versions the highest first. */
  readonly versions: readonly ProtocolVersion[];
  /** In the client's order. */
  readonly cipherSuites: readonly number[];
  readonly groups: ReadonlySet<number>;
  readonly extensions: ReadonlySet<ExtensionType>;
}

/** What a server chose. */
export interface Choice {
  readonly version: ProtocolVersion;
  readonly cipherSuite: number;
  /** Of TLS 1.3; null: unknown. */
  readonly group: number | null;
  /** Types of the ServerHello's extensions, in wire order. */
  readonly extensions: readonly ExtensionType[];
}

/** One handshake. `name`: of the Client Hello. */
export interface Handshake {
  readonly name: string;
  readonly offer: Offer;
  readonly choice: Choice;
}

/** A rule that servers follow: why `now` breaks it in the light of an earlier handshake; null: it does not. */
type Rule = (earlier: Handshake, now: Handshake) => string | null;

/** What the stored answers of a server lead one to expect. */
export class Expectations {
  readonly #earlier: readonly Handshake[];
  /** Those that the stored answers follow among themselves. */
  readonly #rules: readonly Rule[];

  constructor(earlier: readonly Handshake[]) {
    this.#earlier = earlier;
    this.#rules = RULES.filter((rule) => earlier.every((one) => earlier.every((other) => rule(other, one) === null)));
  }

  /** Why a handshake cannot be this server's, one reason for each rule that it breaks; empty: it may well be. */
  contradictions(offer: Offer, choice: Choice): string[] {
    const now = { name: '', offer, choice };
    return this.#rules.flatMap((rule) => {
      for (const earlier of this.#earlier) {
        const reason = rule(earlier, now);
        if (reason !== null) return [`${reason} (${earlier.name})`];
      }
      return [];
    });
  }
}

/**
 * A server chooses the highest version that both know, or (Go) the first in the client's list: so never one that is lower
 * and comes later there than another that it knows.
 */
const lowerVersion: Rule = ({ choice: could }, { offer, choice }) =>
  isPreferred(could.version, choice.version, offer) && canChoose(offer, could)
    ? `${versionName(choice.version)} was chosen, though ${versionName(could.version)} was offered and is spoken`
    : null;

const higherVersion: Rule = ({ offer: before, choice: did }, { choice }) =>
  isPreferred(choice.version, did.version, before) && canChoose(before, choice)
    ? `${versionName(choice.version)} was chosen, which was offered before and passed over`
    : null;

function isPreferred(version: ProtocolVersion, other: ProtocolVersion, { versions }: Offer): boolean {
  const at = versions.indexOf(version);
  return version > other && at >= 0 && at < versions.indexOf(other);
}

/**
 * Where both suites were offered, the one that was chosen is either preferred by the server, or the other one is not
 * supported, or came later in the client's list. So it is chosen again by whoever is offered it before the other one.
 */
const cipherOrder: Rule = ({ offer: before, choice: did }, { offer, choice }) => {
  const [preferred, other] = [did.cipherSuite, choice.cipherSuite];
  if (preferred === other || did.version !== choice.version || !areAlike(preferred, other)) return null;
  if (!before.cipherSuites.includes(other)) return null;
  const at = offer.cipherSuites.indexOf(preferred);
  return at >= 0 && at < offer.cipherSuites.indexOf(other)
    ? `${cipherSuiteName(other)} was chosen before ${cipherSuiteName(preferred)}`
    : null;
};

/** A server answers these whenever they are offered, or never (RFC 5746 section 3.6, RFC 7627 section 5.1). */
const ALWAYS_OR_NEVER: readonly ExtensionType[] = [ExtensionType.RenegotiationInfo, ExtensionType.ExtendedMasterSecret];

const answeredExtensions: Rule = (earlier, now) => {
  if (isTls13(earlier.choice.version) || isTls13(now.choice.version)) return null;
  for (const type of ALWAYS_OR_NEVER) {
    if (!offers(earlier.offer, type) || !offers(now.offer, type)) continue;
    const [did, does] = [earlier, now].map(({ choice }) => choice.extensions.includes(type));
    if (did !== does) return `${extensionTypeName(type)} was ${does === true ? 'answered' : 'left unanswered'}`;
  }
  return null;
};

/** Stacks write the extensions of a ServerHello in an order of their own. */
const extensionOrder: Rule = ({ choice: did }, { choice }) => {
  if (isTls13(did.version) !== isTls13(choice.version)) return null;
  for (let index = 1; index < choice.extensions.length; index++) {
    const [first = 0, second = 0] = choice.extensions.slice(index - 1, index + 1);
    const [a, b] = [did.extensions.indexOf(first), did.extensions.indexOf(second)];
    if (a >= 0 && b >= 0 && b < a) return `${extensionTypeName(first)} came before ${extensionTypeName(second)}`;
  }
  return null;
};

const RULES: readonly Rule[] = [lowerVersion, higherVersion, cipherOrder, answeredExtensions, extensionOrder];

/** Whether an offer leaves room for a choice; of TLS 1.3 also for its group, of lower versions nothing else is known. */
function canChoose(offer: Offer, { version, cipherSuite, group }: Choice): boolean {
  if (!offer.cipherSuites.includes(cipherSuite)) return false;
  return !isTls13(version) || (group !== null && offer.groups.has(group));
}

/** RFC 5746 section 3.3: the suite that stands for an empty renegotiation_info. */
const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff;

function offers({ extensions, cipherSuites }: Offer, type: ExtensionType): boolean {
  if (extensions.has(type)) return true;
  return type === ExtensionType.RenegotiationInfo && cipherSuites.includes(EMPTY_RENEGOTIATION_INFO_SCSV);
}

/**
 * Whether who can use one suite can use the other: the same key exchange and certificate. ChaCha20 counts apart: stacks
 * prefer it by the client's processor (OpenSSL's PRIORITIZE_CHACHA, Go's aesgcmPreferred).
 */
function areAlike(a: number, b: number): boolean {
  return kindOf(a) === kindOf(b);
}

const kinds = new Map<number, string>();

function kindOf(suite: number): string {
  let kind = kinds.get(suite);
  if (kind === undefined) {
    const name = cipherSuiteName(suite);
    const [exchange = '', protection] = name.split('_WITH_');
    // TLS 1.3's suites name no key exchange, unknown ones nothing at all.
    kind = `${protection === undefined ? (suite >> 8 === 0x13 ? 'TLS 1.3' : name) : exchange} ${name.includes('CHACHA20')}`;
    if (kinds.size < 0x10000) kinds.set(suite, kind);
  }
  return kind;
}

/** What a watched client offered; null where that cannot be told: SSLv2's format, a damaged hello, ECH. */
export function offerOf(hello: ClientHello): Offer | null {
  // With an encrypted hello inside, the server may have answered that one.
  if (hello.format === 'sslv2' || hello.fault !== null || hello.encryptedClientHello !== null) return null;
  const { extensions } = hello;
  const types = new Set<ExtensionType>();
  for (let index = 0; index < (extensions?.count ?? 0); index++) types.add(extensions?.typeAt(index) ?? 0);
  return {
    versions: offeredVersions(hello.legacyVersion, hello.supportedVersions),
    cipherSuites: hello.cipherSuites,
    groups: new Set(hello.supportedGroups ?? []),
    extensions: types,
  };
}

/** What a watched server chose. */
export function choiceOf(hello: ServerHello): Choice {
  const { extensions } = hello;
  const types: ExtensionType[] = [];
  for (let index = 0; index < (extensions?.count ?? 0); index++) types.push(extensions?.typeAt(index) ?? 0);
  return {
    version: selectedVersion(hello),
    cipherSuite: hello.cipherSuite,
    group: selectedGroup(hello),
    extensions: types.filter(isComparable),
  };
}

/**
 * The handshakes behind a stored combined fingerprint: those that got as far as a ServerHello. Null: the text is not one
 * of this hello set.
 */
export function storedHandshakes(text: string, set: HelloSet): Handshake[] | null {
  const parsed = parseStackText(text);
  if (parsed.kind !== 'message' || parsed.value.length !== set.hellos.length) return null;
  return set.hellos.flatMap((definition, index) => {
    const observation = parsed.value[index];
    const choice = observation === undefined ? null : storedChoice(observation);
    return choice === null ? [] : [{ name: definition.name, offer: definedOffer(definition), choice }];
  });
}

function storedChoice(observation: HandshakeObservation): Choice | null {
  const { serverHello, serverHelloExtensions, helloRetryRequestExtensions } = observation;
  // Where nothing came after a HelloRetryRequest, its version stands in the place of a ServerHello's.
  if (serverHello === null || (helloRetryRequestExtensions !== null && serverHelloExtensions === null)) return null;
  const data = (type: ExtensionType): Uint8Array | null =>
    serverHelloExtensions?.find((item) => item.type === type)?.data ?? null;
  const version = data(ExtensionType.SupportedVersions);
  const selected = version === null ? null : decodeSelectedVersion(version);
  const share = data(ExtensionType.KeyShare);
  const group = share === null ? null : decodeSelectedGroup(share);
  return {
    version: selected?.kind === 'message' ? selected.value : serverHello.version,
    cipherSuite: serverHello.cipher,
    group: group?.kind === 'message' ? group.value : null,
    extensions: (serverHelloExtensions ?? []).map(({ type }) => type).filter(isComparable),
  };
}

/** The combined text leaves status_request out. */
function isComparable(type: ExtensionType): boolean {
  return type !== ExtensionType.StatusRequest;
}

function definedOffer({ legacyVersion, cipherSuites, extensions, supportedGroups }: HelloDefinition): Offer {
  const numbers = (values: readonly (number | string)[]): number[] =>
    values.filter((value): value is number => typeof value === 'number');
  const versions = extensions.find(({ type }) => type === ExtensionType.SupportedVersions)?.content;
  return {
    versions: offeredVersions(legacyVersion, versionsOf(versions)),
    cipherSuites: numbers(cipherSuites),
    groups: supportedGroups,
    extensions: new Set(numbers(extensions.map(({ type }) => type))),
  };
}

function versionsOf(content: HelloDefinition['extensions'][number]['content'] | undefined): number[] | null {
  if (content?.kind === 'vector16') return content.values.filter((value): value is number => typeof value === 'number');
  if (content?.kind !== 'opaque') return null;
  const decoded = decodeSupportedVersions(content.data);
  return decoded.kind === 'message' ? decoded.value : null;
}

const LEGACY_VERSIONS: readonly ProtocolVersion[] = [
  ProtocolVersion.Tls12,
  ProtocolVersion.Tls11,
  ProtocolVersion.Tls10,
  ProtocolVersion.Ssl30,
];

/** RFC 8446 section 4.2.1 and appendix D: the extension alone counts; without it, all up to legacy_version. */
function offeredVersions(
  legacyVersion: ProtocolVersion,
  supported: readonly ProtocolVersion[] | null,
): ProtocolVersion[] {
  if (supported !== null) return supported.filter((version) => !isGrease(version));
  return LEGACY_VERSIONS.filter((version) => version <= legacyVersion);
}
