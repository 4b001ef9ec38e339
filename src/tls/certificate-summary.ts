// What a certificate says of its holder, in the words of Suricata's EVE log. A reader of its own rather than OpenSSL's
// (node:crypto's X509Certificate): it takes a quarter of the time, and a certificate that OpenSSL refuses still has a
// subject that an analyst wants to see. Nothing is verified. Never throws.
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { DerTag, derElement, derExpect, derTime } from './der.js';
import type { DerElement } from './der.js';
import { distinguishedName } from './distinguished-name.js';

/** Null: the certificate could not be read up to there (or, of a name: it is empty). */
export interface CertificateSummary {
  /** Distinguished name in the certificate's order: `C=US, O=Example Inc, CN=example.com`; escaped as in RFC 4514. */
  readonly subject: string | null;
  readonly issuer: string | null;
  /** The INTEGER's bytes as they stand there: `00:9A:1B:2C`. */
  readonly serial: string | null;
  /** ISO 8601 in UTC, as EVE writes it: `2026-11-24T00:00:00`. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** `af:5e:…`, of the DER. */
  readonly sha1: string;
}

/** Memory that remembered summaries may take, in bytes; about 10,000 of the usual size. */
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;

/**
 * Summaries of certificates, or what was made of them, remembered by SHA-1; what was not asked for longest is forgotten first.
 */
export class CertificateSummaries<T extends object = CertificateSummary> {
  private readonly remembered: LRUCache<string, T>;

  /** @param make what is to be remembered of a summary */
  constructor(
    maxBytes: number = DEFAULT_MAX_BYTES,
    private readonly make: (summary: CertificateSummary) => T = (summary) => summary as unknown as T,
  ) {
    this.remembered = new LRUCache({ maxSize: maxBytes, sizeCalculation: () => 1 });
  }

  /** The summary of a certificate in DER. */
  summarize(der: Uint8Array): T {
    const digest = hash('sha1', der);
    const known = this.remembered.get(digest);
    if (known !== undefined) return known;
    const summary = summarizeCertificate(der, digest);
    const made = this.make(summary);
    this.remembered.set(digest, made, { size: estimatedBytes(summary) });
    return made;
  }

  /** How many are remembered. */
  get size(): number {
    return this.remembered.size;
  }
}

/** @param digest SHA-1 of the DER, 40 hexadecimal digits */
function summarizeCertificate(der: Uint8Array, digest: string): CertificateSummary {
  const { subject, issuer, serial, notBefore, notAfter } = certificateFields(der);
  return { subject, issuer, serial, notBefore, notAfter, sha1: pairs(digest) };
}

type CertificateFields = Omit<CertificateSummary, 'sha1'>;

/** RFC 5280 section 4.1: `Certificate ::= SEQUENCE { TBSCertificate SEQUENCE { version, serialNumber, … } … }`. */
function certificateFields(der: Uint8Array): CertificateFields {
  const fields: { -readonly [Key in keyof CertificateFields]: CertificateFields[Key] } = {
    subject: null,
    issuer: null,
    serial: null,
    notBefore: null,
    notAfter: null,
  };
  const certificate = derExpect(der, 0, der.length, DerTag.Sequence);
  const tbs = certificate === null ? null : derExpect(der, certificate.start, certificate.end, DerTag.Sequence);
  if (tbs === null) return fields;
  const version = derExpect(der, tbs.start, tbs.end, DerTag.Context0);
  const serial = derExpect(der, version === null ? tbs.start : version.end, tbs.end, DerTag.Integer);
  if (serial === null) return fields;
  fields.serial = pairs(hexadecimal(der, serial).toUpperCase());
  const signature = derExpect(der, serial.end, tbs.end, DerTag.Sequence);
  const issuer = signature === null ? null : derExpect(der, signature.end, tbs.end, DerTag.Sequence);
  if (issuer === null) return fields;
  fields.issuer = distinguishedName(der, issuer);
  const validity = derExpect(der, issuer.end, tbs.end, DerTag.Sequence);
  if (validity === null) return fields;
  const notBefore = derElement(der, validity.start, validity.end);
  const notAfter = notBefore === null ? null : derElement(der, notBefore.end, validity.end);
  fields.notBefore = notBefore === null ? null : derTime(der, notBefore);
  fields.notAfter = notAfter === null ? null : derTime(der, notAfter);
  const subject = derExpect(der, validity.end, tbs.end, DerTag.Sequence);
  if (subject !== null) fields.subject = distinguishedName(der, subject);
  return fields;
}

function hexadecimal(bytes: Uint8Array, { start, end }: DerElement): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex');
}

/** Where pairs are put together; serial numbers have 20 bytes at most (RFC 5280 section 4.1.2.2), others go the slow way. */
const PAIRS = Buffer.alloc(3 * 20, ':');

/** `0a1b` as `0a:1b`. */
function pairs(hex: string): string {
  if (hex.length > 40) return hex.match(/../g)?.join(':') ?? '';
  for (let at = 0, to = 0; at < hex.length; at += 2, to += 3) {
    PAIRS[to] = hex.charCodeAt(at);
    PAIRS[to + 1] = hex.charCodeAt(at + 1);
  }
  return PAIRS.toString('latin1', 0, Math.max(0, (hex.length / 2) * 3 - 1));
}

function estimatedBytes(summary: CertificateSummary): number {
  return 400 + 2 * ((summary.subject?.length ?? 0) + (summary.issuer?.length ?? 0) + (summary.serial?.length ?? 0));
}
