import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CertificateSummaries } from '../../src/tls/certificate-summary.js';
import { DerTag, derElement, derObjectIdentifier, derTime } from '../../src/tls/der.js';

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('names and times of odd certificates', { skip: hasOpenssl() ? false : 'needs openssl' }, () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hellotap-names-'));
    execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', join(folder, 'key.pem')]);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** A self-signed certificate with this subject; `stringMask` chooses its string types. */
  function certificate(subject: string, stringMask: string, ...options: string[]): Uint8Array {
    const config = join(folder, 'openssl.cnf');
    writeFileSync(config, `[req]\ndistinguished_name=dn\nstring_mask=${stringMask}\n[dn]\n`);
    const out = join(folder, 'certificate.der');
    const fixed = ['req', '-x509', '-new', '-key', join(folder, 'key.pem'), '-config', config, '-outform', 'DER'];
    execFileSync('openssl', [...fixed, '-utf8', '-out', out, '-subj', subject, ...options], { stdio: 'ignore' });
    return readFileSync(out);
  }

  const subjects: [string, string][] = [
    ['characters that have to be escaped', '/O=Foo, "Bar" <x>; a\\+b/CN=# leading \\/ and \\\\ backslash '],
    ['letters beyond ASCII', '/C=DE/O=Müller & Söhne GmbH/CN=Ærøskøbing.example'],
    ['an attribute without a short name', '/CN=a/1.2.3.4.5=odd'],
    ['many attributes', '/DC=org/DC=example/UID=u1/emailAddress=a@b.example/serialNumber=42/street=Way 1/postalCode=1'],
    ['several attributes in one part', '/C=US/CN=a+OU=b'],
  ];
  const printableOnly = 'MASK:0x0002';
  for (const [what, subject] of subjects) {
    // PrintableString has neither quotes nor letters beyond ASCII.
    const isPrintable = !/["\u0080-\uffff]/.test(subject);
    for (const mask of ['utf8only', 'default', 'pkix', 'nombstr', ...(isPrintable ? [printableOnly] : [])]) {
      it(`with ${what} read as OpenSSL has them (${mask})`, () => {
        const der = certificate(subject, mask);
        const expected = new X509Certificate(der);
        const summary = new CertificateSummaries().summarize(der);
        assert.equal(summary.subject, expected.subject.replaceAll('\n', ', '));
        assert.equal(summary.issuer, summary.subject);
      });
    }
  }

  it('read times after 2049 too', () => {
    const der = certificate('/CN=long', 'utf8only', '-days', '20000');
    const expected = new Date(new X509Certificate(der).validTo).toISOString().slice(0, 19);
    assert.equal(new CertificateSummaries().summarize(der).notAfter, expected);
    assert.ok(expected > '2050');
  });

  it('have a subject of null where it is empty', () => {
    const der = certificate('/', 'utf8only');
    assert.equal(new CertificateSummaries().summarize(der).subject, null);
  });
});

describe('DER', () => {
  function time(text: string, tag: number): string | null {
    const bytes = Uint8Array.from([tag, text.length, ...Buffer.from(text)]);
    const element = derElement(bytes, 0, bytes.length);
    return element === null ? null : derTime(bytes, element);
  }

  it('has years of two digits from 1950 to 2049 (RFC 5280 section 4.1.2.5.1)', () => {
    assert.equal(time('491231235959Z', DerTag.UtcTime), '2049-12-31T23:59:59');
    assert.equal(time('500101000000Z', DerTag.UtcTime), '1950-01-01T00:00:00');
    assert.equal(time('99991231235959Z', DerTag.GeneralizedTime), '9999-12-31T23:59:59');
    assert.equal(time('0002290000Z', DerTag.UtcTime), '2000-02-29T00:00:00');
  });

  it('has no time where there is none', () => {
    for (const text of [
      '230229000000Z',
      '231301000000Z',
      '230100000000Z',
      '230101240000Z',
      '230101000000',
      'x30101000000Z',
    ]) {
      assert.equal(time(text, DerTag.UtcTime), null, text);
    }
    assert.equal(time('21000229000000Z', DerTag.GeneralizedTime), null);
    assert.equal(time('230101000000Z', DerTag.Integer), null);
  });

  it('has no element that runs past its end, has no length, or a tag of several bytes', () => {
    assert.equal(derElement(Uint8Array.of(0x04, 3, 1, 2), 0, 4), null);
    assert.equal(derElement(Uint8Array.of(0x04, 0x80, 0, 0), 0, 4), null);
    assert.equal(derElement(Uint8Array.of(0x1f, 1, 0), 0, 3), null);
    assert.equal(derElement(Uint8Array.of(0x04, 0x84, 0, 0, 0, 0), 0, 6), null);
    assert.equal(derElement(Uint8Array.of(0x04), 0, 1), null);
    assert.deepEqual(derElement(Uint8Array.of(0x04, 0x81, 1, 9), 0, 4), { tag: 4, start: 3, end: 4 });
  });

  it('reads object identifiers, and none that is cut or too large', () => {
    const oid = (...bytes: number[]): string | null =>
      derObjectIdentifier(Uint8Array.from(bytes), { tag: DerTag.ObjectIdentifier, start: 0, end: bytes.length });
    assert.equal(oid(0x55, 0x04, 0x03), '2.5.4.3');
    assert.equal(oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01), '1.2.840.113549.1.9.1');
    assert.equal(oid(0x88, 0x37, 0x01), '2.999.1');
    assert.equal(oid(0x55, 0x84), null);
    assert.equal(oid(0x55, 0xff, 0xff, 0xff, 0xff, 0x7f), null);
    assert.equal(oid(), null);
  });
});
