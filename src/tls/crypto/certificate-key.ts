// The public key of a server's certificate, found by walking the DER (RFC 5280 section 4.1) as far as it is needed:
// a full X.509 parser per handshake would cost more than the handshake's own cryptography. Nothing is verified.

/** Public key algorithms that the prober goes on with, and what else there may be. */
export type KeyAlgorithm = 'rsa' | 'ecdsa' | 'ed25519' | 'other';

export interface CertificateKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER: what `createPublicKey({ format: 'der', type: 'spki' })` takes. A view. */
  readonly subjectPublicKeyInfo: Uint8Array;
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OBJECT_IDENTIFIER = 0x06;
const BIT_STRING = 0x03;
const VERSION_TAG = 0xa0;

const ALGORITHMS = new Map<string, KeyAlgorithm>([
  ['2a864886f70d010101', 'rsa'], // 1.2.840.113549.1.1.1 rsaEncryption
  ['2a8648ce3d0201', 'ecdsa'], // 1.2.840.10045.2.1 id-ecPublicKey
  ['2b6570', 'ed25519'], // 1.3.101.112 id-Ed25519
]);

/** Named curves of ECDSA keys: P-224, P-256, P-384, P-521. */
const CURVES = new Set(['2b81040021', '2a8648ce3d030107', '2b81040022', '2b81040023']);

/** Null where the bytes are not a certificate, or hold an elliptic curve key on a curve that is not a NIST one. */
export function certificateKey(der: Uint8Array): CertificateKey | null {
  const certificate = readTlv(der, 0, der.length);
  if (certificate?.tag !== SEQUENCE || certificate.end !== der.length) return null;
  const tbs = readTlv(der, certificate.start, certificate.end);
  const signatureAlgorithm = tbs && readTlv(der, tbs.end, certificate.end);
  const signature = signatureAlgorithm && readTlv(der, signatureAlgorithm.end, certificate.end);
  if (tbs?.tag !== SEQUENCE || signatureAlgorithm?.tag !== SEQUENCE || signature?.tag !== BIT_STRING) return null;
  if (signature.end !== certificate.end) return null;

  // version [0] (optional), serialNumber, then signature, issuer, validity and subject, all SEQUENCEs.
  let field = readTlv(der, tbs.start, tbs.end);
  if (field?.tag === VERSION_TAG) field = readTlv(der, field.end, tbs.end);
  if (field?.tag !== INTEGER) return null;
  for (let skipped = 0; skipped < 4; skipped++) {
    field = readTlv(der, field.end, tbs.end);
    if (field?.tag !== SEQUENCE) return null;
  }
  return publicKeyInfo(der, field.end, tbs.end);
}

function publicKeyInfo(der: Uint8Array, at: number, limit: number): CertificateKey | null {
  const info = readTlv(der, at, limit);
  if (info?.tag !== SEQUENCE) return null;
  const identifier = readTlv(der, info.start, info.end);
  const key = identifier && readTlv(der, identifier.end, info.end);
  if (identifier?.tag !== SEQUENCE || key?.tag !== BIT_STRING || key.end !== info.end) return null;
  const oid = readTlv(der, identifier.start, identifier.end);
  if (oid?.tag !== OBJECT_IDENTIFIER) return null;
  const algorithm = ALGORITHMS.get(hex(der, oid.start, oid.end)) ?? 'other';
  if (algorithm === 'ecdsa') {
    const curve = readTlv(der, oid.end, identifier.end);
    if (curve?.tag !== OBJECT_IDENTIFIER || !CURVES.has(hex(der, curve.start, curve.end))) return null;
  }
  return { algorithm, subjectPublicKeyInfo: der.subarray(at, info.end) };
}

interface Tlv {
  readonly tag: number;
  /** Of the contents. */
  readonly start: number;
  readonly end: number;
}

/** One DER element within `limit`; null where it does not fit or its length is not in the shortest form (X.690 10.1). */
function readTlv(der: Uint8Array, at: number, limit: number): Tlv | null {
  const tag = der[at];
  const first = der[at + 1];
  if (tag === undefined || first === undefined || at + 2 > limit) return null;
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const bytes = first & 0x7f;
    if (bytes === 0 || bytes > 3 || start + bytes > limit) return null;
    length = 0;
    for (let i = 0; i < bytes; i++) length = (length << 8) | (der[start + i] ?? 0);
    if (length < 0x80 || length >> (8 * (bytes - 1)) === 0) return null;
    start += bytes;
  }
  const end = start + length;
  return end <= limit ? { tag, start, end } : null;
}

function hex(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += (bytes[at] ?? 0).toString(16).padStart(2, '0');
  return text;
}
