// CertificateRequest of TLS 1.3 (RFC 8446 section 4.3.2), once it has been decrypted.
import { readTrailingExtensions } from './extension-block.js';
import type { TrailingExtensions } from './extension-block.js';
import { Reader } from './reader.js';
import type { Whole } from './reader.js';

/** A decoded CertificateRequest; as in a ServerHello, what is wrong inside of the block is in `framing` and `block.fault`. */
export interface CertificateRequest extends TrailingExtensions {
  /** certificate_request_context: empty in a handshake. */
  readonly context: Uint8Array;
}

/** Decodes the body of a TLS 1.3 CertificateRequest. */
export function decodeCertificateRequest(body: Uint8Array): Whole<CertificateRequest> {
  const reader = Reader.ofWhole(body);
  const context = reader.opaque8('certificate_request_context');
  if (reader.failure?.kind === 'malformed') return reader.failure;
  if (reader.remaining < 2) return { kind: 'malformed', offset: reader.offset, reason: 'extensions end early' };
  const trailing = readTrailingExtensions(body, reader.offset, body.length);
  return { kind: 'message', value: { context, ...trailing }, end: body.length };
}
