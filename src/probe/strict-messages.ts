// Every handshake message that a server may send, exactly as strictly as the paper's scanner reads it (Go's crypto/tls).
// A message is read, and its extensions are noted, before anyone asks whether it was its turn.
import { ExtensionType, HandshakeType, ProtocolVersion } from '../tls/constants.js';
import type { HandshakeMessage } from '../tls/handshake-joiner.js';
import { Reader } from '../tls/reader.js';
import type { HandshakeNotes } from './handshake-notes.js';
import {
  isIntact,
  isNonEmptyList16,
  isSingleProtocol,
  readExtensions,
  readStrictServerHello,
} from './strict-server-hello.js';
import type { StrictServerHello } from './strict-server-hello.js';

/** A message that was decoded completely. `raw` of the message is not kept here. */
export type StrictMessage =
  | StrictServerHello
  | { readonly kind: 'encrypted_extensions'; readonly alpn: boolean }
  /** Certificates as DER, the server's own first. */
  | { readonly kind: 'certificate'; readonly chain: readonly Uint8Array[] }
  | { readonly kind: 'certificate_request' }
  | { readonly kind: 'certificate_status' }
  | { readonly kind: 'server_key_exchange'; readonly params: Uint8Array }
  | { readonly kind: 'server_hello_done' }
  /** Null: without the field, before TLS 1.2. */
  | { readonly kind: 'certificate_verify'; readonly scheme: number | null }
  | { readonly kind: 'finished'; readonly verifyData: Uint8Array }
  | { readonly kind: 'new_session_ticket' }
  | { readonly kind: 'key_update'; readonly updateRequested: boolean }
  /** A message that a client can never have a use for, well formed or not. */
  | { readonly kind: 'useless' };

const USELESS = { kind: 'useless' } as const;

/**
 * Decodes one message under a protocol version (the presumed one, as long as the server has not chosen).
 * Null: the scanner cannot read it; what its decoder noted until then stays in `notes`.
 */
export function readStrictMessage(
  { type, body }: HandshakeMessage,
  version: ProtocolVersion,
  notes: HandshakeNotes,
): StrictMessage | null {
  const isTls13 = version === ProtocolVersion.Tls13;
  switch (type) {
    case HandshakeType.ServerHello:
      return readStrictServerHello(body, notes);
    case HandshakeType.EncryptedExtensions:
      return readEncryptedExtensions(body, notes);
    case HandshakeType.Certificate:
      return isTls13 ? readTls13Certificate(body, notes) : readCertificate(body);
    case HandshakeType.CertificateRequest:
      return isTls13
        ? readTls13CertificateRequest(body, notes)
        : readCertificateRequest(body, version >= ProtocolVersion.Tls12);
    case HandshakeType.CertificateStatus:
      return readCertificateStatus(body);
    case HandshakeType.ServerKeyExchange:
      return { kind: 'server_key_exchange', params: body };
    case HandshakeType.ServerHelloDone:
      return body.length === 0 ? { kind: 'server_hello_done' } : null;
    case HandshakeType.CertificateVerify:
      return readCertificateVerify(body, version >= ProtocolVersion.Tls12);
    case HandshakeType.Finished:
      return { kind: 'finished', verifyData: body };
    case HandshakeType.NewSessionTicket:
      return isTls13 ? readTls13NewSessionTicket(body) : readNewSessionTicket(body);
    case HandshakeType.KeyUpdate:
      return readKeyUpdate(body);
    case HandshakeType.HelloRequest:
    case HandshakeType.ClientHello:
    case HandshakeType.EndOfEarlyData:
    case HandshakeType.ClientKeyExchange:
      return USELESS;
    default:
      return null;
  }
}

function readEncryptedExtensions(body: Uint8Array, notes: HandshakeNotes): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  const length = reader.uint16('extensions');
  if (!isIntact(reader) || reader.remaining !== length) return null;
  let alpn = false;
  const wellFormed = readExtensions(reader, notes.begin('encryptedExtensions'), ({ type, data }) => {
    if (type !== ExtensionType.ApplicationLayerProtocolNegotiation) return true;
    alpn = true;
    return isSingleProtocol(data);
  });
  return wellFormed ? { kind: 'encrypted_extensions', alpn } : null;
}

/** RFC 5246 section 7.4.2. */
function readCertificate(body: Uint8Array): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  const outer = reader.open24('certificate_list');
  const chain: Uint8Array[] = [];
  while (reader.more()) {
    // The scanner takes a certificate of no bytes only where something follows it.
    if (reader.remaining < 4) return null;
    chain.push(reader.opaque24('certificate'));
  }
  reader.close(outer, 'certificate_list');
  reader.finish('Certificate');
  return isIntact(reader) ? { kind: 'certificate', chain } : null;
}

/** RFC 8446 section 4.4.2. Each entry empties the list in the notes; only the first entry's extensions go into it. */
function readTls13Certificate(body: Uint8Array, notes: HandshakeNotes): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  if (reader.opaque8('certificate_request_context').length > 0) return null;
  const outer = reader.open24('certificate_list');
  const chain: Uint8Array[] = [];
  while (reader.more()) {
    const certificate = reader.opaque24('cert_data');
    const entry = reader.open16('extensions');
    if (!isIntact(reader)) return null;
    chain.push(certificate);
    const list = notes.begin('certificateExtensions');
    const first = chain.length === 1;
    if (!readExtensions(reader, first ? list : null, (extension) => !first || isCertificateExtension(extension)))
      return null;
    reader.close(entry, 'extensions');
  }
  reader.close(outer, 'certificate_list');
  reader.finish('Certificate');
  return isIntact(reader) ? { kind: 'certificate', chain } : null;
}

/** The two extensions of a certificate entry that the scanner looks into. */
function isCertificateExtension({ type, data }: { readonly type: ExtensionType; readonly data: Uint8Array }): boolean {
  if (type === ExtensionType.SignedCertificateTimestamp) return isNonEmptyList16(data);
  return type !== ExtensionType.StatusRequest || readCertificateStatus(data) !== null;
}

/** RFC 6066 section 8: an OCSP response that is not empty. */
function readCertificateStatus(body: Uint8Array): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  const statusType = reader.uint8('status_type');
  const response = reader.opaque24('response');
  reader.finish('CertificateStatus');
  const wellFormed = isIntact(reader) && statusType === 1 && response.length > 0;
  return wellFormed ? { kind: 'certificate_status' } : null;
}

/** RFC 5246 section 7.4.4; without the signature algorithms before TLS 1.2. */
function readCertificateRequest(body: Uint8Array, hasAlgorithms: boolean): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  if (reader.opaque8('certificate_types').length === 0) return null;
  if (hasAlgorithms && reader.opaque16('supported_signature_algorithms').length % 2 !== 0) return null;
  const outer = reader.open16('certificate_authorities');
  while (reader.more()) reader.opaque16('DistinguishedName');
  reader.close(outer, 'certificate_authorities');
  reader.finish('CertificateRequest');
  return isIntact(reader) ? { kind: 'certificate_request' } : null;
}

/** RFC 8446 section 4.3.2. */
function readTls13CertificateRequest(body: Uint8Array, notes: HandshakeNotes): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  if (reader.opaque8('certificate_request_context').length > 0) return null;
  const length = reader.uint16('extensions');
  if (!isIntact(reader) || reader.remaining !== length) return null;
  const wellFormed = readExtensions(reader, notes.begin('certificateRequestExtensions'), ({ type, data }) => {
    switch (type) {
      case ExtensionType.StatusRequest:
      case ExtensionType.SignedCertificateTimestamp:
        return data.length === 0;
      case ExtensionType.SignatureAlgorithms:
      case ExtensionType.SignatureAlgorithmsCert:
        return isNonEmptyVectorOf16(data);
      case ExtensionType.CertificateAuthorities:
        return isNonEmptyList16(data);
      default:
        return true;
    }
  });
  return wellFormed ? { kind: 'certificate_request' } : null;
}

function isNonEmptyVectorOf16(data: Uint8Array): boolean {
  const reader = Reader.ofWhole(data);
  const values = reader.opaque16('vector');
  reader.finish('extension_data');
  return isIntact(reader) && values.length > 0 && values.length % 2 === 0;
}

/** RFC 8446 section 4.4.3; RFC 5246 section 7.4.8. */
function readCertificateVerify(body: Uint8Array, hasScheme: boolean): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  const scheme = hasScheme ? reader.uint16('algorithm') : null;
  reader.opaque16('signature');
  reader.finish('CertificateVerify');
  return isIntact(reader) ? { kind: 'certificate_verify', scheme } : null;
}

/** RFC 5077 section 3.3. */
function readNewSessionTicket(body: Uint8Array): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  reader.uint32('ticket_lifetime_hint');
  reader.opaque16('ticket');
  reader.finish('NewSessionTicket');
  return isIntact(reader) ? { kind: 'new_session_ticket' } : null;
}

/** RFC 8446 section 4.6.1. */
function readTls13NewSessionTicket(body: Uint8Array): StrictMessage | null {
  const reader = Reader.ofWhole(body);
  reader.uint32('ticket_lifetime');
  reader.uint32('ticket_age_add');
  reader.opaque8('ticket_nonce');
  reader.opaque16('ticket');
  const length = reader.uint16('extensions');
  if (!isIntact(reader) || reader.remaining !== length) return null;
  const wellFormed = readExtensions(
    reader,
    null,
    ({ type, data }) => type !== ExtensionType.EarlyData || data.length === 4,
  );
  return wellFormed ? { kind: 'new_session_ticket' } : null;
}

/** RFC 8446 section 4.6.3. */
function readKeyUpdate(body: Uint8Array): StrictMessage | null {
  const requested = body[0];
  if (body.length !== 1 || (requested !== 0 && requested !== 1)) return null;
  return { kind: 'key_update', updateRequested: requested === 1 };
}
