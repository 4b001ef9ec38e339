// The Certificate message: a plain list up to TLS 1.2 (RFC 5246 section 7.4.2), entries with extensions in TLS 1.3
// (RFC 8446 section 4.4.2). What is in a certificate is for certificate-summary.ts.
import type { ExtensionBlock } from './extension-block.js';
import { readExtensions } from './extension-block.js';
import type { Malformed } from './decoded.js';
import { Reader } from './reader.js';
import type { Whole } from './reader.js';

/** Decodes the body of a Certificate message of TLS 1.2 and lower: the DER of each certificate, the server's own first. */
export function decodeCertificateList(body: Uint8Array): Whole<Uint8Array[]> {
  const reader = Reader.ofWhole(body);
  const list: Uint8Array[] = [];
  const outer = reader.open24('certificate_list');
  while (reader.more()) list.push(reader.opaque24('certificate'));
  reader.close(outer, 'certificate_list');
  return reader.answerWhole(list, 'Certificate');
}

/**
 * The first certificate of a TLS 1.2 message of which only the beginning may have been captured, or whose rest is
 * damaged. Null: there is none, or it is not complete.
 */
export function firstCertificate(body: Uint8Array): Uint8Array | null {
  const reader = Reader.ofStream(body);
  reader.uint24('certificate_list');
  const der = reader.opaque24('certificate');
  return reader.failure === null && der.length > 0 ? der : null;
}

/** One CertificateEntry of TLS 1.3. */
export interface CertificateEntry {
  readonly der: Uint8Array;
  readonly extensions: ExtensionBlock;
}

/** A Certificate message of TLS 1.3. */
export interface CertificateTls13 {
  /** certificate_request_context: empty from a server. */
  readonly context: Uint8Array;
  /** Those before the fault, where there is one; the entry with the fault is among them when its certificate was read. */
  readonly entries: readonly CertificateEntry[];
  readonly fault: Malformed | null;
}

/** Decodes the body of a Certificate message of TLS 1.3. */
export function decodeCertificateTls13(body: Uint8Array): CertificateTls13 {
  const reader = Reader.ofWhole(body);
  const entries: CertificateEntry[] = [];
  const context = reader.opaque8('certificate_request_context');
  const outer = reader.open24('certificate_list');
  while (reader.more()) {
    const der = reader.opaque24('cert_data');
    const length = reader.uint16('extensions');
    const start = reader.offset;
    reader.skip(length, 'extensions');
    if (reader.failure !== null) break;
    const extensions = readExtensions(body, start, start + length);
    entries.push({ der, extensions });
    if (extensions.fault !== null) reader.fail(extensions.fault.reason, extensions.fault.offset);
  }
  reader.close(outer, 'certificate_list');
  const answer = reader.answerWhole(null, 'Certificate');
  return { context, entries, fault: answer.kind === 'malformed' ? answer : null };
}
