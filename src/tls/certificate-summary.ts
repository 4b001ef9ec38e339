// What a certificate says of its holder, in the words of Suricata's EVE log. Its SHA-1 is always there; the rest as far as
// OpenSSL (node:crypto) understands the certificate. Reading one costs some 50 microseconds, and a tap shows the same few
// thousand again and again: so they are remembered, under a bound.
import { hash, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Null where the certificate could not be read. */
export interface CertificateSummary {
  /** Distinguished name in the certificate's order: `C=US, O=Example Inc, CN=example.com`; escaped as in RFC 4514. */
  readonly subject: string | null;
  readonly issuer: string | null;
  /** `0A:1B:2C`. */
  readonly serial: string | null;
  /** ISO 8601 in UTC, as EVE writes it: `2026-11-24T00:00:00`. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** `af:5e:…`, of the DER. */
  readonly sha1: string;
}

/** Memory that remembered summaries may take, in bytes; about 10,000 of the usual size. */
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;

/** Summaries of certificates, remembered by SHA-1; what was not asked for longest is forgotten first. */
export class CertificateSummaries {
  private readonly remembered: LRUCache<string, CertificateSummary>;

  constructor(maxBytes: number = DEFAULT_MAX_BYTES) {
    this.remembered = new LRUCache({ maxSize: maxBytes, sizeCalculation: estimatedBytes });
  }

  /** The summary of a certificate in DER. Never throws. */
  summarize(der: Uint8Array): CertificateSummary {
    const digest = hash('sha1', der);
    const known = this.remembered.get(digest);
    if (known !== undefined) return known;
    const summary = summarizeCertificate(der, digest);
    this.remembered.set(digest, summary);
    return summary;
  }

  get size(): number {
    return this.remembered.size;
  }
}

function summarizeCertificate(der: Uint8Array, digest: string): CertificateSummary {
  const sha1 = colonSeparated(digest);
  try {
    const certificate = new X509Certificate(der);
    return {
      subject: oneLine(certificate.subject),
      issuer: oneLine(certificate.issuer),
      serial: colonSeparated(certificate.serialNumber),
      notBefore: isoTime(certificate.validFrom),
      notAfter: isoTime(certificate.validTo),
      sha1,
    };
  } catch {
    // What is called a certificate on the wire need not be one; then its digest is all there is to say.
    return { subject: null, issuer: null, serial: null, notBefore: null, notAfter: null, sha1 };
  }
}

/** Node puts each attribute on a line of its own; line breaks inside of one are escaped. Typed as always there, it can lack. */
function oneLine(name: string | undefined): string | null {
  return name === undefined || name === '' ? null : name.replaceAll('\n', ', ');
}

function colonSeparated(hex: string): string {
  const negative = hex.startsWith('-');
  const digits = negative ? hex.slice(1) : hex;
  let text = negative ? '-' : '';
  for (let at = 0; at < digits.length; at += 2)
    text += at === 0 ? digits.slice(at, at + 2) : `:${digits.slice(at, at + 2)}`;
  return text;
}

/** From OpenSSL's `Nov 24 00:00:00 2026 GMT`; null where it is no time. */
function isoTime(text: string): string | null {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time.toISOString().slice(0, -'.000Z'.length);
}

function estimatedBytes(summary: CertificateSummary): number {
  return 400 + 2 * ((summary.subject?.length ?? 0) + (summary.issuer?.length ?? 0) + (summary.serial?.length ?? 0));
}
