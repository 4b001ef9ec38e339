// ClientHello (RFC 8446 section 4.1.2, and the same layout back to SSL 3.0), also in SSLv2 format (RFC 5246 appendix E.2).
// A passive reader reports what it can: a hello whose extension block is damaged keeps all that was read before the
// damage, and `fault` says what is wrong.
import { ExtensionType } from './constants.js';
import type { NamedGroup, ProtocolVersion } from './constants.js';
import type { Malformed } from './decoded.js';
import type { ExtensionBlock } from './extension-block.js';
import { readTrailingExtensions } from './extension-block.js';
import {
  decodeByteList,
  decodeClientKeyShares,
  decodeCodePoints,
  decodeEncryptedClientHello,
  decodeProtocolNames,
  decodeServerName,
  decodeSupportedVersions,
} from './extensions.js';
import type { EncryptedClientHelloKind } from './extensions.js';
import { Reader } from './reader.js';
import type { Whole } from './reader.js';

/** Where the parts of a hello lie in its bytes. */
interface Layout {
  readonly version: ProtocolVersion;
  readonly randomStart: number;
  readonly randomEnd: number;
  readonly sessionIdStart: number;
  readonly sessionIdEnd: number;
  readonly cipherSuitesStart: number;
  readonly cipherSuitesEnd: number;
  readonly compressionStart: number;
  readonly compressionEnd: number;
}

/** A decoded ClientHello: a view of the message's bytes, valid as long as they are. Accessors decode when asked. */
export class ClientHello {
  constructor(
    /** `sslv2`: the format of the message, whatever version it offers. */
    readonly format: 'tls' | 'sslv2',
    /** The body of the message; in SSLv2 format from msg_type on. */
    readonly bytes: Uint8Array,
    /** Offsets into `bytes`. */
    readonly layout: Layout,
    /** Null: the hello has no extension block. */
    readonly extensions: ExtensionBlock | null,
    /** What is malformed in it, though the rest could be read; null: nothing. */
    readonly fault: Malformed | null,
  ) {}

  /** legacy_version: what the client offers at most, up to TLS 1.2. See `offeredVersions` for 1.3. */
  get legacyVersion(): ProtocolVersion {
    return this.layout.version;
  }

  /** The random (in SSLv2 format the challenge, 16 to 32 bytes). */
  get random(): Uint8Array {
    return this.bytes.subarray(this.layout.randomStart, this.layout.randomEnd);
  }

  get sessionId(): Uint8Array {
    return this.bytes.subarray(this.layout.sessionIdStart, this.layout.sessionIdEnd);
  }

  /** In wire order; in SSLv2 format those of SSL 3.0 and later (a first byte of 0). */
  get cipherSuites(): number[] {
    const { cipherSuitesStart, cipherSuitesEnd } = this.layout;
    const { bytes } = this;
    const suites: number[] = [];
    const stride = this.format === 'sslv2' ? 3 : 2;
    for (let at = cipherSuitesStart; at + stride <= cipherSuitesEnd; at += stride) {
      if (stride === 3 && bytes[at] !== 0) continue;
      suites.push(((bytes[at + stride - 2] ?? 0) << 8) | (bytes[at + stride - 1] ?? 0));
    }
    return suites;
  }

  get compressionMethods(): Uint8Array {
    return this.bytes.subarray(this.layout.compressionStart, this.layout.compressionEnd);
  }

  /** The name in server_name; null: none, or not decodable. */
  get serverName(): string | null {
    return this.value(ExtensionType.ServerName, decodeServerName);
  }

  /** The protocol names in ALPN; null: none, or not decodable. */
  get alpn(): string[] | null {
    return this.value(ExtensionType.ApplicationLayerProtocolNegotiation, decodeProtocolNames);
  }

  /** supported_versions; null: none, or not decodable. */
  get supportedVersions(): ProtocolVersion[] | null {
    return this.value(ExtensionType.SupportedVersions, decodeSupportedVersions);
  }

  get supportedGroups(): NamedGroup[] | null {
    return this.value(ExtensionType.SupportedGroups, decodeCodePoints);
  }

  get ecPointFormats(): number[] | null {
    return this.value(ExtensionType.EcPointFormats, decodeByteList);
  }

  get signatureAlgorithms(): number[] | null {
    return this.value(ExtensionType.SignatureAlgorithms, decodeCodePoints);
  }

  /** The groups for which key_share holds a share. */
  get keyShareGroups(): NamedGroup[] | null {
    return this.value(ExtensionType.KeyShare, decodeClientKeyShares)?.map((share) => share.group) ?? null;
  }

  /** Whether the client offers to resume by a pre-shared key (TLS 1.3). */
  get offersPreSharedKey(): boolean {
    return this.extensions?.has(ExtensionType.PreSharedKey) ?? false;
  }

  /** encrypted_client_hello: null where there is none. */
  get encryptedClientHello(): EncryptedClientHelloKind | null {
    return this.value(ExtensionType.EncryptedClientHello, decodeEncryptedClientHello);
  }

  private value<T>(type: ExtensionType, decode: (data: Uint8Array) => Whole<T>): T | null {
    const data = this.extensions?.data(type) ?? null;
    if (data === null) return null;
    const decoded = decode(data);
    return decoded.kind === 'message' ? decoded.value : null;
  }
}

/** Decodes the body of a ClientHello (what follows the four bytes of the handshake header). */
export function decodeClientHello(body: Uint8Array): Whole<ClientHello> {
  const reader = Reader.ofWhole(body);
  const version = reader.uint16('legacy_version');
  const randomStart = reader.offset;
  reader.skip(32, 'random');
  const randomEnd = reader.offset;
  const sessionIdLength = reader.uint8('legacy_session_id');
  const sessionIdStart = reader.offset;
  reader.skip(sessionIdLength, 'legacy_session_id');
  const cipherSuitesLength = reader.uint16('cipher_suites');
  const cipherSuitesStart = reader.offset;
  reader.skip(cipherSuitesLength, 'cipher_suites');
  const compressionLength = reader.uint8('legacy_compression_methods');
  const compressionStart = reader.offset;
  reader.skip(compressionLength, 'legacy_compression_methods');
  const compressionEnd = reader.offset;
  if (reader.failure?.kind === 'malformed') return reader.failure;

  const { block, framing } = readTrailingExtensions(body, compressionEnd, body.length);
  const oddCipherSuites: Malformed | null =
    cipherSuitesLength % 2 === 0
      ? null
      : { kind: 'malformed', offset: cipherSuitesStart, reason: 'cipher_suites of an odd length' };
  const layout = {
    version,
    randomStart,
    randomEnd,
    sessionIdStart,
    sessionIdEnd: sessionIdStart + sessionIdLength,
    cipherSuitesStart,
    cipherSuitesEnd: cipherSuitesStart + cipherSuitesLength,
    compressionStart,
    compressionEnd,
  };
  const fault = oddCipherSuites ?? framing ?? block?.fault ?? null;
  return { kind: 'message', value: new ClientHello('tls', body, layout, block, fault), end: body.length };
}

/** Decodes a ClientHello in SSLv2 format, from msg_type on (see sslv2.ts). */
export function decodeSslv2ClientHello(message: Uint8Array): Whole<ClientHello> {
  const reader = Reader.ofWhole(message);
  reader.uint8('msg_type');
  const version = reader.uint16('version');
  const cipherSpecLength = reader.uint16('cipher_spec_length');
  const sessionIdLength = reader.uint16('session_id_length');
  const challengeLength = reader.uint16('challenge_length');
  const cipherSuitesStart = reader.offset;
  reader.skip(cipherSpecLength, 'cipher_specs');
  const sessionIdStart = reader.offset;
  reader.skip(sessionIdLength, 'session_id');
  const randomStart = reader.offset;
  reader.skip(challengeLength, 'challenge');
  if (reader.failure?.kind === 'malformed') return reader.failure;
  const layout = {
    version,
    randomStart,
    randomEnd: reader.offset,
    sessionIdStart,
    sessionIdEnd: randomStart,
    cipherSuitesStart,
    cipherSuitesEnd: sessionIdStart,
    compressionStart: reader.offset,
    compressionEnd: reader.offset,
  };
  return { kind: 'message', value: new ClientHello('sslv2', message, layout, null, null), end: reader.offset };
}
