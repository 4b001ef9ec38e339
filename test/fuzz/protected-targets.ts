// Fuzzing of what a server says behind its encryption, which mutated records never reach: the prober's strict decoders of
// handshake messages, and the records of application data, with a protection that lets everything through.
import { handshakeFingerprint } from '../../src/fingerprint/stack.js';
import { ApplicationRecords } from '../../src/probe/application-records.js';
import { HandshakeNotes } from '../../src/probe/handshake-notes.js';
import { readStrictMessage } from '../../src/probe/strict-messages.js';
import { ContentType, HandshakeType, ProtocolVersion } from '../../src/tls/constants.js';
import type { RecordProtection } from '../../src/tls/crypto/record-protection.js';
import type { HandshakeMessage } from '../../src/tls/handshake-joiner.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import { SERVER_BYTES } from './handshake-target.js';
import { HTTP_SECTIONS } from './probe-targets.js';

const messages = SERVER_BYTES.flatMap((bytes) => readOpening(bytes).messages);

/** An input: the type, then the body. Extension blocks of golden's ServerHellos also as those of messages of TLS 1.3. */
export const STRICT_MESSAGES: readonly Uint8Array[] = messages.flatMap(({ type, body }) => {
  const plain = Buffer.concat([Uint8Array.of(type), body]);
  if (type !== HandshakeType.ServerHello) return [plain];
  const extensions = body.subarray(2 + 32 + 1 + (body[34] ?? 0) + 2 + 1);
  return [
    plain,
    Buffer.concat([Uint8Array.of(HandshakeType.EncryptedExtensions), extensions]),
    Buffer.concat([Uint8Array.of(HandshakeType.CertificateRequest, 0), extensions]),
    Buffer.concat([
      Uint8Array.of(HandshakeType.NewSessionTicket),
      Buffer.alloc(8),
      Buffer.of(1, 7, 0, 1, 9),
      extensions,
    ]),
  ];
});

const VERSIONS = [ProtocolVersion.Tls10, ProtocolVersion.Tls12, ProtocolVersion.Tls13];

export function strictMessage(input: Uint8Array): number {
  const type: HandshakeType = input[0] ?? 0;
  const message: HandshakeMessage = { type, body: input.subarray(1), raw: input };
  let size = 0;
  for (const version of VERSIONS) {
    const notes = new HandshakeNotes();
    const read = readStrictMessage(message, version, notes);
    size += handshakeFingerprint(notes)?.length ?? 0;
    if (read?.kind === 'certificate') size += read.chain.length;
  }
  return size;
}

const transparent: RecordProtection = {
  seal: (_type, _version, plaintext) => plaintext,
  open: (_type, _version, fragment) => fragment,
};

function record(type: ContentType, data: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(type, 3, 3, data.length >> 8, data.length & 0xff), data]);
}

/** An input: whether it is TLS 1.3, then the records. */
export const APPLICATION_RECORDS: readonly Uint8Array[] = HTTP_SECTIONS.flatMap((section) => [
  Buffer.concat([
    Uint8Array.of(0),
    record(ContentType.Handshake, Uint8Array.of(HandshakeType.HelloRequest, 0, 0, 0)),
    record(ContentType.ApplicationData, section),
    record(ContentType.Alert, Uint8Array.of(1, 0)),
  ]),
  Buffer.concat([
    Uint8Array.of(1),
    record(ContentType.ApplicationData, Buffer.concat([Buffer.alloc(40), Uint8Array.of(ContentType.Handshake)])),
    record(ContentType.ApplicationData, Buffer.concat([section, Uint8Array.of(ContentType.ApplicationData, 0, 0)])),
  ]),
]);

/** The same data whether the records come at once or in pieces, and none after the end. */
export function applicationRecords(input: Uint8Array): number {
  const version = input[0] === 1 ? ProtocolVersion.Tls13 : ProtocolVersion.Tls12;
  const bytes = input.subarray(1);
  const read = (size: number): Buffer => {
    const rest = new Uint8Array(0);
    const connection = { version, readProtection: transparent, writeProtection: transparent, rest, protocol: null };
    const records = new ApplicationRecords(connection);
    const data: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) data.push(...records.receive(bytes.subarray(at, at + size)));
    if (records.ended && records.receive(bytes).length > 0) throw new Error('data after the end');
    return Buffer.concat(data);
  };
  const whole = read(Math.max(1, bytes.length));
  if (!whole.equals(read(11))) throw new Error('depends on the pieces');
  return whole.length;
}
