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

/** Where the fields of a certificate lie, in their order; null: it could not be read up to there. */
export interface CertificateLayout {
  readonly serial: DerElement | null;
  readonly issuer: DerElement | null;
  readonly validity: DerElement | null;
  readonly subject: DerElement | null;
}

/** RFC 5280 section 4.1: `Certificate ::= SEQUENCE { TBSCertificate SEQUENCE { version, serialNumber, … } … }`. */
export function certificateLayout(der: Uint8Array): CertificateLayout {
  const certificate = derExpect(der, 0, der.length, DerTag.Sequence);
  const tbs = certificate === null ? null : derExpect(der, certificate.start, certificate.end, DerTag.Sequence);
  const end = tbs?.end ?? 0;
  const behind = (before: DerElement | null, tag: number): DerElement | null =>
    before === null ? null : derExpect(der, before.end, end, tag);
  const version = tbs === null ? null : derExpect(der, tbs.start, end, DerTag.Context0);
  const serial = tbs === null ? null : derExpect(der, version?.end ?? tbs.start, end, DerTag.Integer);
  const issuer = behind(behind(serial, DerTag.Sequence), DerTag.Sequence);
  const validity = behind(issuer, DerTag.Sequence);
  const subject = behind(validity, DerTag.Sequence);
  return { serial, issuer, validity, subject };
}

function certificateFields(der: Uint8Array): CertificateFields {
  const { serial, issuer, validity, subject } = certificateLayout(der);
  const notBefore = validity === null ? null : derElement(der, validity.start, validity.end);
  const notAfter = validity === null || notBefore === null ? null : derElement(der, notBefore.end, validity.end);
  return {
    subject: subject === null ? null : distinguishedName(der, subject),
    issuer: issuer === null ? null : distinguishedName(der, issuer),
    serial: serial === null ? null : pairs(hexadecimal(der, serial).toUpperCase()),
    notBefore: notBefore === null ? null : derTime(der, notBefore),
    notAfter: notAfter === null ? null : derTime(der, notAfter),
  };
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
