// ServerHello and HelloRetryRequest (RFC 8446 sections 4.1.3 and 4.1.4; the same layout back to SSL 3.0; the shorter one
// of TLS 1.3's drafts up to 21). Tolerant, as a passive reader needs it: what is malformed in the extensions is in
// `framing` and `block.fault`, and everything before it stays. A stricter client checks further by itself.
import { ExtensionType, ProtocolVersion } from './constants.js';
import type { NamedGroup } from './constants.js';
import type { Malformed } from './decoded.js';
import { readTrailingExtensions } from './extension-block.js';
import type { ExtensionBlock } from './extension-block.js';
import { decodeProtocolNames, decodeSelectedGroup, decodeSelectedVersion, decodeServerKeyShare } from './extensions.js';
import { Reader } from './reader.js';
import type { Whole } from './reader.js';

/** RFC 8446 section 4.1.3: the random that marks a ServerHello as a HelloRetryRequest (SHA-256 of "HelloRetryRequest"). */
export const HELLO_RETRY_REQUEST_RANDOM = Uint8Array.of(
  ...[0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91],
  ...[0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c],
);

/** Version fields of TLS 1.3's drafts 0 to 21: their ServerHello has no session id and no compression method. */
const FIRST_DRAFT = 0x7f00;
const LAST_SHORT_DRAFT = 0x7f15;

/** A decoded ServerHello. Byte fields are views of the message. */
export interface ServerHello {
  /** legacy_version, as it stood there: TLS 1.3 writes TLS 1.2's. */
  readonly legacyVersion: ProtocolVersion;
  readonly random: Uint8Array;
  /** legacy_session_id_echo. */
  readonly sessionId: Uint8Array;
  readonly cipherSuite: number;
  readonly compressionMethod: number;
  /** Null: the hello has no extension block. */
  readonly extensions: ExtensionBlock | null;
  readonly isHelloRetryRequest: boolean;
  /** The extension block's length says something else than the message's; what lies in both was read. */
  readonly framing: Malformed | null;
}

/** Decodes the body of a ServerHello (what follows the four bytes of the handshake header). */
export function decodeServerHello(body: Uint8Array): Whole<ServerHello> {
  const reader = Reader.ofWhole(body);
  const legacyVersion = reader.uint16('legacy_version');
  const isShortDraft = legacyVersion >= FIRST_DRAFT && legacyVersion <= LAST_SHORT_DRAFT;
  const random = reader.view(32, 'random');
  const sessionId = isShortDraft ? random.subarray(32) : reader.opaque8('legacy_session_id_echo');
  const cipherSuite = reader.uint16('cipher_suite');
  const compressionMethod = isShortDraft ? 0 : reader.uint8('legacy_compression_method');
  if (reader.failure?.kind === 'malformed') return reader.failure;
  const { block, framing } = readTrailingExtensions(body, reader.offset, body.length);
  const value: ServerHello = {
    legacyVersion,
    random,
    sessionId,
    cipherSuite,
    compressionMethod,
    extensions: block,
    isHelloRetryRequest: isHelloRetryRequestRandom(random),
    framing,
  };
  return { kind: 'message', value, end: body.length };
}

/** Decodes the body of a HelloRetryRequest of a draft up to 21, which had a message type of its own. */
export function decodeDraftHelloRetryRequest(body: Uint8Array): Whole<ServerHello> {
  const reader = Reader.ofWhole(body);
  const legacyVersion = reader.uint16('server_version');
  // Drafts up to 18 name no cipher suite there: what follows is then the length of the block to the end of the message.
  const hasCipherSuite = ((body[2] ?? 0) << 8) + (body[3] ?? 0) !== body.length - 4;
  const cipherSuite = hasCipherSuite ? reader.uint16('cipher_suite') : 0;
  if (reader.failure?.kind === 'malformed') return reader.failure;
  const { block, framing } = readTrailingExtensions(body, reader.offset, body.length);
  const none = body.subarray(0, 0);
  const value: ServerHello = {
    legacyVersion,
    random: none,
    sessionId: none,
    cipherSuite,
    compressionMethod: 0,
    extensions: block,
    isHelloRetryRequest: true,
    framing,
  };
  return { kind: 'message', value, end: body.length };
}

/** What was negotiated: supported_versions, else the version field (drafts of TLS 1.3 as they are on the wire). */
export function selectedVersion(hello: ServerHello): ProtocolVersion {
  return extensionValue(hello, ExtensionType.SupportedVersions, decodeSelectedVersion) ?? hello.legacyVersion;
}

/** The group of key_share: of the server's share, or the one that a HelloRetryRequest asks for. Null: none. */
export function selectedGroup(hello: ServerHello): NamedGroup | null {
  if (hello.isHelloRetryRequest) return extensionValue(hello, ExtensionType.KeyShare, decodeSelectedGroup);
  return (
    extensionValue(hello, ExtensionType.KeyShare, decodeServerKeyShare)?.group ??
    extensionValue(hello, ExtensionType.KeyShareDraft, decodeServerKeyShare)?.group ??
    null
  );
}

/** The protocol names in ALPN (one, by RFC 7301). Null: none; TLS 1.3 has it in EncryptedExtensions. */
export function selectedProtocols(hello: ServerHello): string[] | null {
  return extensionValue(hello, ExtensionType.ApplicationLayerProtocolNegotiation, decodeProtocolNames);
}

/** Whether a version is TLS 1.3 or one of its drafts, so that what follows the ServerHello is encrypted. */
export function isTls13(version: ProtocolVersion): boolean {
  const major = version >> 8;
  return version === ProtocolVersion.Tls13 || major === 0x7f || major === 0x7e || major === 0xfb;
}

function extensionValue<T>(hello: ServerHello, type: ExtensionType, decode: (data: Uint8Array) => Whole<T>): T | null {
  const data = hello.extensions?.data(type) ?? null;
  if (data === null) return null;
  const decoded = decode(data);
  return decoded.kind === 'message' ? decoded.value : null;
}

/** Whether a ServerHello's random says that it is a HelloRetryRequest. */
export function isHelloRetryRequestRandom(random: Uint8Array): boolean {
  return HELLO_RETRY_REQUEST_RANDOM.every((byte, index) => random[index] === byte);
}
