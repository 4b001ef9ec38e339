import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import fc from 'fast-check';
import { CertificateSummaries } from '../../src/tls/certificate-summary.js';

/** Certificates of public authorities: many encodings and ages. */
const ROOTS = rootCertificates.map((pem) => new X509Certificate(pem).raw);

describe('the summary of a certificate', () => {
  it('says what OpenSSL says, for every root certificate that Node carries', () => {
    assert.ok(ROOTS.length > 100);
    const summaries = new CertificateSummaries();
    for (const der of ROOTS) {
      const expected = new X509Certificate(der);
      const { serial, ...summary } = summaries.summarize(der);
      assert.deepEqual(summary, {
        subject: expected.subject.replaceAll('\n', ', '),
        issuer: expected.issuer.replaceAll('\n', ', '),
        notBefore: new Date(expected.validFrom).toISOString().slice(0, 19),
        notAfter: new Date(expected.validTo).toISOString().slice(0, 19),
        sha1: expected.fingerprint.toLowerCase(),
      });
      assert.match(serial ?? '', /^[0-9A-F]{2}(:[0-9A-F]{2})*$/);
      assert.equal(BigInt(`0x${serial?.replaceAll(':', '') ?? ''}`), BigInt(`0x${expected.serialNumber}`));
    }
  });

  it('is remembered, under a bound', () => {
    const summaries = new CertificateSummaries(10_000);
    const first = summaries.summarize(ROOTS[0]!);
    assert.equal(summaries.summarize(Uint8Array.from(ROOTS[0]!)), first);
    for (const der of ROOTS) summaries.summarize(der);
    assert.ok(summaries.size < 25, `${summaries.size} remembered`);
    assert.notEqual(summaries.summarize(ROOTS[0]!), first);
  });

  it('of what is no certificate is its SHA-1 alone', () => {
    assert.deepEqual(new CertificateSummaries().summarize(new Uint8Array(0)), {
      subject: null,
      issuer: null,
      serial: null,
      notBefore: null,
      notAfter: null,
      sha1: 'da:39:a3:ee:5e:6b:4b:0d:32:55:bf:ef:95:60:18:90:af:d8:07:09',
    });
  });

  it('never throws, and gives what can be read, whatever the bytes are', () => {
    const mutated = fc
      .tuple(fc.constantFrom(...ROOTS), fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }), fc.nat())
      .map(([der, changes, cut]) => {
        const copy = Uint8Array.from(der.subarray(0, cut % 2 === 0 ? der.length : cut % der.length));
        for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
        return copy;
      });
    const summaries = new CertificateSummaries();
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated), (der) => {
        const summary = summaries.summarize(der);
        assert.match(summary.sha1, /^[0-9a-f]{2}(:[0-9a-f]{2}){19}$/);
      }),
      { numRuns: 2000 },
    );
  });
});
