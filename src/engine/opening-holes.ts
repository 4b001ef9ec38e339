// Which bytes of an opening can be others without any event showing it: randoms, session ids, keys, tickets, signatures, and the
// names and certificates, which are read anew each time. Everything else decides what a flow's event says: openings that are alike
// outside of these holes are told alike, so what one of them meant is remembered for the others (flow-reader.ts). Pure.
import { HoleKind, isPlainName, type ClientSpans, type Hole, type Span } from '../capture/teller.js';
import { TELLING_EXTENSIONS, NO_GREASE } from '../fingerprint/client-hello-shapes.js';
import { decodeCertificateList, firstCertificate } from '../tls/certificate.js';
import type { ClientHello } from '../tls/client-hello.js';
import { ContentType, ExtensionType, HandshakeType, ServerNameType } from '../tls/constants.js';
import { decodeEncryptedClientHello, decodeServerKeyShare, decodeServerName } from '../tls/extensions.js';
import type { ExtensionBlock } from '../tls/extension-block.js';
import { isGrease } from '../tls/grease.js';
import { HANDSHAKE_HEADER_LENGTH, type HandshakeMessage } from '../tls/handshake-joiner.js';
import type { Opening } from '../tls/handshake-stream.js';
import { decodeRecord } from '../tls/records.js';
import { decodeServerHello } from '../tls/server-hello.js';

/** The holes of a client's opening, and what has to be looked at in them. */
export interface ClientHoles extends ClientSpans {
  /** Ascending. */
  readonly holes: readonly Hole[];
}

/** The holes of a server's opening, and what has to be looked at in them. */
export interface ServerHoles {
  readonly holes: readonly Hole[];
  /** DER of the server's own certificate, in as many pieces as there are records with a part of it; null: none. */
  readonly certificate: readonly Span[] | null;
}

const RANDOM_LENGTH = 32;

/** Extensions of a ServerHello that events show. */
const TELLING_OF_SERVER: ReadonlySet<ExtensionType> = new Set<ExtensionType>([
  ExtensionType.SupportedVersions,
  ExtensionType.ApplicationLayerProtocolNegotiation,
  ExtensionType.KeyShare,
  ExtensionType.KeyShareDraft,
]);

/** Null: the opening is not a whole one, or not of the usual form. @param hello the first ClientHello in it */
export function clientHoles(bytes: Uint8Array, opening: Opening, hello: ClientHello): ClientHoles | null {
  if (hello.format !== 'tls' || hello.extensions === null || !isWhole(opening)) return null;
  const holes = new Holes(bytes);
  let first: ClientSpans | null = null;
  for (const { message, start } of placed(opening)) {
    if (first === null && message.type === HandshakeType.ClientHello) {
      if (message.body !== hello.bytes) return null;
      first = clientHelloHoles(hello, hello.extensions, start, holes);
      if (first === null) return null;
    } else {
      bodyHole(message, start, holes);
    }
  }
  return first === null ? null : { ...first, holes: holes.all };
}

/** Null: the opening is not a whole one. */
export function serverHoles(bytes: Uint8Array, opening: Opening): ServerHoles | null {
  if (!isWhole(opening)) return null;
  const holes = new Holes(bytes);
  let certificate: readonly Span[] | null = null;
  let hasCertificate = false;
  for (const { message, start } of placed(opening)) {
    switch (message.type) {
      case HandshakeType.ServerHello:
        if (!serverHelloHoles(message.body, start, holes)) return null;
        break;
      case HandshakeType.Certificate:
        if (!hasCertificate) certificate = certificateHoles(message.body, start, holes);
        hasCertificate = true;
        break;
      // Of those of drafts events show whether they can be read.
      case HandshakeType.HelloRetryRequest:
        break;
      default:
        bodyHole(message, start, holes);
    }
  }
  return { holes: holes.all, certificate };
}

/** Gathers holes, which come in ascending order. They are given as they lie in the stream of handshake messages. */
class Holes {
  readonly all: Hole[] = [];
  /** What of the opening that stream is made of: the fragments of its records (RFC 8446 section 5.1). */
  readonly #fragments: readonly Span[];

  constructor(bytes: Uint8Array) {
    const fragments: Span[] = [];
    for (let at = 0; at < bytes.length;) {
      const record = decodeRecord(bytes, at);
      if (record.kind !== 'message') break;
      if (record.value.type === ContentType.Handshake) fragments.push(record.value);
      at = record.end;
    }
    this.#fragments = fragments;
  }

  add(start: number, end: number): void {
    for (const place of this.places(start, end)) this.all.push({ ...place, kind: HoleKind.Any });
  }

  /** A hole that does not take everything. False, and none: it is in two records. */
  addOf(kind: HoleKind, start: number, end: number): boolean {
    const place = this.place(start, end);
    if (place !== null) this.all.push({ ...place, kind });
    return place !== null;
  }

  /** Where a part of the stream lies in the opening. */
  places(start: number, end: number): Span[] {
    const places: Span[] = [];
    let before = 0;
    for (const fragment of this.#fragments) {
      const from = fragment.start + Math.max(start - before, 0);
      const to = Math.min(fragment.start + end - before, fragment.end);
      if (from < to) places.push({ start: from, end: to });
      before += fragment.end - fragment.start;
      if (before >= end) break;
    }
    return places;
  }

  /** Where a part of the stream lies that is in one piece; null: it is not. */
  place(start: number, end: number): Span | null {
    const [only, more] = this.places(start, end);
    if (start === end) return { start: 0, end: 0 };
    return more === undefined ? (only ?? null) : null;
  }
}

/** Whether the bytes end where a message, or the clear text, does. */
function isWhole({ end, partial, sslv2ClientHello }: Opening): boolean {
  return partial === null && sslv2ClientHello === null && (end.kind === 'end' || end.kind === 'protected');
}

/** The messages, and where in the stream of them their bodies start. */
function* placed({ messages }: Opening): Iterable<{ readonly message: HandshakeMessage; readonly start: number }> {
  let start = 0;
  for (const message of messages) {
    start += HANDSHAKE_HEADER_LENGTH;
    yield { message, start };
    start += message.body.length;
  }
}

/** @param base where the hello's body starts in the stream */
function clientHelloHoles(
  { bytes, layout }: ClientHello,
  extensions: ExtensionBlock,
  base: number,
  holes: Holes,
): ClientSpans | null {
  holes.add(base + layout.randomStart, base + layout.randomEnd);
  holes.add(base + layout.sessionIdStart, base + layout.sessionIdEnd);
  greaseHoles(bytes, layout.cipherSuitesStart, layout.cipherSuitesEnd, base, holes);
  let name: Span | null = null;
  for (let index = 0; index < extensions.count; index++) {
    const type = extensions.typeAt(index);
    const start = extensions.startAt(index);
    const end = extensions.endAt(index);
    if (isGrease(type)) holes.addOf(HoleKind.Grease, base + start - 4, base + start - 2);
    const telling = TELLING_EXTENSIONS.get(type);
    if (telling !== undefined) {
      if (telling !== NO_GREASE) greaseHoles(bytes, start + telling, end, base, holes);
    } else if (type === ExtensionType.ServerName) {
      // Only the first one counts.
      if (extensions.indexOf(type) !== index) continue;
      const host = hostName(bytes, start, end);
      name = host === null ? null : holes.place(base + host.start, base + host.end);
      if (host === null || name === null) return null;
      holes.addOf(HoleKind.Name, base + host.start, base + host.end);
    } else if (type === ExtensionType.EncryptedClientHello) {
      echHoles(bytes, start, end, base, holes);
    } else {
      holes.add(base + start, base + end);
    }
  }
  const random = holes.place(base + layout.randomStart, base + layout.randomEnd);
  const sessionId = holes.place(base + layout.sessionIdStart, base + layout.sessionIdEnd);
  return random === null || sessionId === null ? null : { random, sessionId, name };
}

function greaseHoles(bytes: Uint8Array, start: number, end: number, base: number, holes: Holes): void {
  for (let at = start; at + 2 <= end; at += 2) {
    if (!isGrease(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))) continue;
    // In two records it stays as it is.
    holes.addOf(HoleKind.Grease, base + at, base + at + 2);
  }
}

/** The host_name where it is all that server_name holds (RFC 6066 section 3), and an ordinary one. */
function hostName(bytes: Uint8Array, dataStart: number, end: number): Span | null {
  const start = dataStart + 5;
  const data = bytes.subarray(dataStart, end);
  const isAlone = data[2] === ServerNameType.HostName && ((data[3] ?? 0) << 8) + (data[4] ?? 0) === end - start;
  const name = isAlone ? decodeServerName(data) : null;
  return name?.kind === 'message' && isPlainName(name.value ?? '') ? { start, end } : null;
}

/** RFC 9849 section 5: config_id, enc and payload of an outer hello. */
function echHoles(bytes: Uint8Array, start: number, end: number, base: number, holes: Holes): void {
  const data = bytes.subarray(start, end);
  const decoded = decodeEncryptedClientHello(data);
  if (decoded.kind !== 'message' || decoded.value !== 'outer') return;
  const encEnd = 8 + ((data[6] ?? 0) << 8) + (data[7] ?? 0);
  holes.add(base + start + 5, base + start + 6);
  holes.add(base + start + 8, base + start + encEnd);
  holes.add(base + start + encEnd + 2, base + end);
}

/** False: its random is in two records. */
function serverHelloHoles(body: Uint8Array, base: number, holes: Holes): boolean {
  const decoded = decodeServerHello(body);
  if (decoded.kind !== 'message') return true;
  const { random, sessionId, extensions, isHelloRetryRequest } = decoded.value;
  const randomStart = random.byteOffset - body.byteOffset;
  const sessionIdStart = sessionId.byteOffset - body.byteOffset;
  // The random of a HelloRetryRequest makes it one.
  if (!isHelloRetryRequest && !holes.addOf(HoleKind.Other, base + randomStart, base + randomStart + RANDOM_LENGTH)) {
    return false;
  }
  holes.add(base + sessionIdStart, base + sessionIdStart + sessionId.length);
  for (let index = 0; extensions !== null && index < extensions.count; index++) {
    const type = extensions.typeAt(index);
    const start = extensions.startAt(index);
    const end = extensions.endAt(index);
    if (!TELLING_OF_SERVER.has(type)) holes.add(base + start, base + end);
    else if (isKeyShare(type) && decodeServerKeyShare(body.subarray(start, end)).kind === 'message') {
      holes.add(base + start + 4, base + end);
    }
  }
  return true;
}

function isKeyShare(type: ExtensionType): boolean {
  return type === ExtensionType.KeyShare || type === ExtensionType.KeyShareDraft;
}

/** Gives where the first certificate lies. */
function certificateHoles(body: Uint8Array, base: number, holes: Holes): readonly Span[] | null {
  const decoded = decodeCertificateList(body);
  const first = decoded.kind === 'message' ? decoded.value[0] : firstCertificate(body);
  for (const der of decoded.kind === 'message' ? decoded.value : []) {
    const start = base + der.byteOffset - body.byteOffset;
    holes.add(start, start + der.length);
  }
  if (first === undefined || first === null) return null;
  const start = base + first.byteOffset - body.byteOffset;
  return holes.places(start, start + first.length);
}

/** Of any other message events show its type alone. */
function bodyHole({ type, body }: HandshakeMessage, base: number, holes: Holes): void {
  // Whether a record behind a ChangeCipherSpec is encrypted, its first bytes tell (isClearHello in handshake-stream.ts).
  const told = type === HandshakeType.ClientHello || type === HandshakeType.ServerHello ? 2 : 0;
  holes.add(base + told, base + body.length);
}
