// Which bytes of a certificate can be others without its event being another, and which of them the event shows: certificates that
// an authority gives out differ in little else than number, name and key. Pure.
import { HoleKind, isPlainName, PieceKind, type CertificateCut, type Hole, type Piece } from '../capture/teller.js';
import { certificateLayout } from '../tls/certificate-summary.js';
import { lastCommonName } from '../tls/distinguished-name.js';
import { decodeText } from '../tls/text.js';
import type { TlsFields } from '../output/event.js';
import { members } from '../output/flow-event.js';

/** What is to be said of certificates like this one, of which `fields` are said; null: it is not of the usual form. */
export function cutCertificate(der: Uint8Array, fields: TlsFields): CertificateCut | null {
  const { serial, subject } = certificateLayout(der);
  const { serial: number, subject: name, fingerprint } = fields;
  if (serial === null || subject === null || number === undefined || fingerprint === undefined) return null;
  const commonName = lastCommonName(der, subject);
  const host = commonName === null ? '' : decodeText(der.subarray(commonName.start, commonName.end));
  const holes: Hole[] = [{ start: serial.start, end: serial.end, kind: HoleKind.Any }];
  const text = new PieceWriter();
  // In the order of the fields, as all that is said of a certificate is written.
  if (name !== undefined && commonName !== null && host !== '' && isPlainName(host) && name.endsWith(`=${host}`)) {
    holes.push({ start: commonName.start, end: commonName.end, kind: HoleKind.Name });
    text.literal(members({ subject: name.slice(0, -host.length) }).slice(0, -1));
    text.piece(PieceKind.Name, commonName.start, commonName.end);
    text.literal('"');
  } else if (name !== undefined) {
    text.literal(members({ subject: name }));
  }
  if (fields.issuerdn !== undefined) text.literal(members({ issuerdn: fields.issuerdn }));
  text.literal(',"serial":"');
  text.piece(PieceKind.Pairs, serial.start, serial.end);
  text.literal('","fingerprint":"');
  text.piece(PieceKind.Digest, 0, 0);
  text.literal('"');
  if (fields.notbefore !== undefined) text.literal(members({ notbefore: fields.notbefore }));
  if (fields.notafter !== undefined) text.literal(members({ notafter: fields.notafter }));
  // Nothing that is read lies behind the subject.
  holes.push({ start: subject.end, end: der.length, kind: HoleKind.Any });
  return { holes, pieces: text.pieces, literals: text.literals };
}

class PieceWriter {
  readonly pieces: Piece[] = [];
  #literals = '';

  literal(text: string): void {
    const start = Buffer.byteLength(this.#literals);
    this.#literals += text;
    this.piece(PieceKind.Literal, start, Buffer.byteLength(this.#literals));
  }

  piece(kind: PieceKind, start: number, end: number): void {
    this.pieces.push({ kind, start, end });
  }

  get literals(): Uint8Array {
    return Buffer.from(this.#literals);
  }
}
