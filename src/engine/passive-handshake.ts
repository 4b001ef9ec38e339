// The text fingerprint of a handshake that was only watched, as the prober would have noted it; for TLS 1.3 with the secrets
// of a key log. Pure.
import { handshakeFingerprint } from '../fingerprint/stack.js';
import { HandshakeNotes } from '../probe/handshake-notes.js';
import { readStrictMessage } from '../probe/strict-messages.js';
import { decodeCertificateTls13 } from '../tls/certificate.js';
import { AlertDescription, HandshakeType, ProtocolVersion } from '../tls/constants.js';
import { LEGACY_SUITES, TLS13_SUITES } from '../tls/crypto/cipher-suites.js';
import type { Opening } from '../tls/handshake-stream.js';
import type { ServerSecrets } from '../tls/key-log.js';
import { readProtectedFlight, type ProtectedFlight } from '../tls/protected-flight.js';
import { isTls13, selectedVersion, type ServerHello } from '../tls/server-hello.js';

/** What of a server's side could be read to its end. */
export interface PassiveHandshake {
  /** Text fingerprint; null: part of the handshake was not captured or stayed encrypted. */
  readonly text: string | null;
  /** DER of the server's certificate in TLS 1.3. */
  readonly certificate: Uint8Array | null;
}

/** @param bytes of the server's direction, of which `opening` is the clear text; they go on behind it */
export function readPassiveHandshake(
  bytes: Uint8Array,
  opening: Opening,
  serverHello: ServerHello | null,
  secrets: ServerSecrets | null,
): PassiveHandshake {
  const tls13 = serverHello !== null && isTls13(selectedVersion(serverHello));
  const flight = tls13 ? decrypt(bytes, opening, serverHello, secrets) : null;
  const notes = new HandshakeNotes();
  const version = tls13 ? ProtocolVersion.Tls13 : ProtocolVersion.Tls12;
  for (const message of [...opening.messages, ...(flight?.messages ?? [])]) {
    const read = readStrictMessage(message, version, notes);
    if (read?.kind === 'server_hello') {
      notes.serverHello = { version: read.legacyVersion, cipher: read.cipherSuite };
    }
  }
  // With a cipher suite that the prober does not implement it ends at the ServerHello.
  const hasSuite = serverHello === null || (tls13 ? TLS13_SUITES : LEGACY_SUITES).has(serverHello.cipherSuite);
  if (!hasSuite) return { text: handshakeFingerprint(notes), certificate: null };
  for (const alert of opening.alerts) notes.alerts.push(alert.description);
  // The prober ends with the server's Finished, except where it owes a certificate: then the server's answer to none counts.
  const owesCertificate = notes.certificateRequestExtensions !== null;
  if (flight !== null && (!flight.finished || owesCertificate)) {
    notes.alerts.push(
      ...flight.alerts.filter((alert) => !flight.finished || alert !== (AlertDescription.CloseNotify as number)),
    );
  }
  const isComplete = tls13
    ? flight !== null && (flight.finished || flight.alerts.length > 0)
    : opening.end.kind === 'end' || opening.end.kind === 'protected';
  return { text: isComplete ? handshakeFingerprint(notes) : null, certificate: certificateOf(flight) };
}

function decrypt(
  bytes: Uint8Array,
  { end }: Opening,
  hello: ServerHello,
  secrets: ServerSecrets | null,
): ProtectedFlight | null {
  const suite = TLS13_SUITES.get(hello.cipherSuite);
  if (secrets === null || suite === undefined || end.kind !== 'protected') return null;
  return readProtectedFlight(bytes, end.offset, suite, secrets);
}

function certificateOf(flight: ProtectedFlight | null): Uint8Array | null {
  const message = flight?.messages.find(({ type }) => type === HandshakeType.Certificate);
  return message === undefined ? null : (decodeCertificateTls13(message.body).entries[0]?.der ?? null);
}
