// ServerHello and HelloRetryRequest exactly as strictly as the paper's scanner reads them (Go's crypto/tls): which faults
// end the message decides what a fingerprint shows. The tolerant reader for passive use is tls/server-hello.ts.
import type { ExtensionItem } from '../fingerprint/handshake-observation.js';
import { ExtensionType } from '../tls/constants.js';
import { Reader } from '../tls/reader.js';
import { isHelloRetryRequestRandom } from '../tls/server-hello.js';
import type { HandshakeNotes } from './handshake-notes.js';

/** A ServerHello that was decoded completely. Byte fields are views. */
export interface StrictServerHello {
  readonly kind: 'server_hello';
  readonly isHelloRetryRequest: boolean;
  readonly legacyVersion: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cipherSuite: number;
  readonly compressionMethod: number;
  /** selected_version of supported_versions, 0 without the extension. */
  readonly selectedVersion: number;
  readonly statusRequest: boolean;
  readonly sessionTicket: boolean;
  /** renegotiated_connection, null without the extension. */
  readonly renegotiation: Uint8Array | null;
  readonly alpn: boolean;
  readonly signedCertificateTimestamps: boolean;
  /** Group and key of a key_share as a ServerHello has it; group 0 without one. */
  readonly serverShare: { readonly group: number; readonly keyExchange: Uint8Array };
  /** selected_group of a key_share as a HelloRetryRequest has it; 0 without one. */
  readonly selectedGroup: number;
  readonly cookie: Uint8Array | null;
  readonly preSharedKey: boolean;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const NOTHING = new Uint8Array(0);

/** Decodes the body of a ServerHello, noting each extension as it is read. Null: malformed; what was noted stays. */
export function readStrictServerHello(body: Uint8Array, notes: HandshakeNotes): StrictServerHello | null {
  const reader = Reader.ofWhole(body);
  const legacyVersion = reader.uint16('legacy_version');
  const random = reader.view(32, 'random');
  const sessionId = reader.opaque8('legacy_session_id_echo');
  const cipherSuite = reader.uint16('cipher_suite');
  const compressionMethod = reader.uint8('legacy_compression_method');
  if (!isIntact(reader)) return null;
  const isHelloRetryRequest = isHelloRetryRequestRandom(random);
  const hello: Mutable<StrictServerHello> = {
    kind: 'server_hello',
    isHelloRetryRequest,
    legacyVersion,
    random,
    sessionId,
    cipherSuite,
    compressionMethod,
    selectedVersion: 0,
    statusRequest: false,
    sessionTicket: false,
    renegotiation: null,
    alpn: false,
    signedCertificateTimestamps: false,
    serverShare: { group: 0, keyExchange: NOTHING },
    selectedGroup: 0,
    cookie: null,
    preSharedKey: false,
  };
  if (!reader.more()) return hello;

  const extensionsLength = reader.uint16('extensions');
  if (!isIntact(reader) || reader.remaining !== extensionsLength) return null;
  const list = notes.begin(isHelloRetryRequest ? 'helloRetryRequestExtensions' : 'serverHelloExtensions');
  return readExtensions(reader, list, (extension) => readHelloExtension(extension, hello)) ? hello : null;
}

/** Whether every read so far found its bytes. */
export function isIntact(reader: Reader): boolean {
  return reader.failure === null;
}

/**
 * Reads extensions to the end of the reader's scope; each goes into `list` before `read` looks into it. False where one
 * does not fit, or where `read` says so.
 */
export function readExtensions(
  reader: Reader,
  list: ExtensionItem[] | null,
  read: (extension: ExtensionItem) => boolean,
): boolean {
  while (reader.more()) {
    const type = reader.uint16('extension_type');
    const data = reader.opaque16('extension_data');
    if (!isIntact(reader)) return false;
    const extension = { type, data };
    list?.push(extension);
    if (!read(extension)) return false;
  }
  return isIntact(reader);
}

/** One extension. Unknown ones may hold anything; a known one has to be read to its last byte. */
function readHelloExtension({ type, data }: ExtensionItem, hello: Mutable<StrictServerHello>): boolean {
  const reader = Reader.ofWhole(data);
  switch (type) {
    case ExtensionType.StatusRequest:
      hello.statusRequest = true;
      break;
    case ExtensionType.SessionTicket:
      hello.sessionTicket = true;
      break;
    case ExtensionType.RenegotiationInfo:
      hello.renegotiation = reader.opaque8('renegotiated_connection');
      break;
    case ExtensionType.ApplicationLayerProtocolNegotiation:
      hello.alpn = true;
      return isSingleProtocol(data);
    case ExtensionType.SignedCertificateTimestamp:
      hello.signedCertificateTimestamps = true;
      return isNonEmptyList16(data);
    case ExtensionType.SupportedVersions:
      hello.selectedVersion = reader.uint16('selected_version');
      break;
    case ExtensionType.Cookie:
      hello.cookie = reader.opaque16('cookie');
      if (hello.cookie.length === 0) return false;
      break;
    case ExtensionType.KeyShare:
      // ServerHello and HelloRetryRequest have different formats; either is read in both, told apart by length.
      if (data.length === 2) hello.selectedGroup = reader.uint16('selected_group');
      else hello.serverShare = { group: reader.uint16('group'), keyExchange: reader.opaque16('key_exchange') };
      break;
    case ExtensionType.PreSharedKey:
      reader.uint16('selected_identity');
      hello.preSharedKey = true;
      break;
    case ExtensionType.EcPointFormats:
      if (reader.opaque8('ec_point_format_list').length === 0) return false;
      break;
    default:
      return true;
  }
  reader.finish('extension_data');
  return isIntact(reader);
}

/** ProtocolNameList with exactly one name that is not empty. RFC 7301 section 3.1. */
export function isSingleProtocol(data: Uint8Array): boolean {
  const reader = Reader.ofWhole(data);
  const outer = reader.open16('protocol_name_list');
  const name = reader.opaque8('protocol_name');
  reader.close(outer, 'protocol_name_list');
  reader.finish('extension_data');
  return isIntact(reader) && name.length > 0;
}

/** A vector of non-empty opaque values with two-byte lengths, itself not empty. SCTs: RFC 6962 section 3.3. */
export function isNonEmptyList16(data: Uint8Array): boolean {
  const reader = Reader.ofWhole(data);
  const outer = reader.open16('list');
  let count = 0;
  while (reader.more()) {
    if (reader.opaque16('entry').length === 0) return false;
    count += 1;
  }
  reader.close(outer, 'list');
  reader.finish('extension_data');
  return isIntact(reader) && count > 0;
}
