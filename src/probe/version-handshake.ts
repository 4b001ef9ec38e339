// What the handshakes of TLS 1.2 and TLS 1.3 have in common: what they are handed, and what they are asked.
import type { ClientHelloTemplate, KeyShareEntry } from '../tls/client-hello-writer.js';
import type { HandshakeType, NamedGroup } from '../tls/constants.js';
import type { KeyShare } from '../tls/crypto/key-exchange.js';
import type { HandshakeNotes } from './handshake-notes.js';
import type { HandshakeRecords } from './handshake-records.js';
import type { PreparedHello } from './hello-set.js';
import type { Offer } from './server-hello-rules.js';
import type { StrictMessage } from './strict-messages.js';

/** Where a handshake gets what must not repeat. */
export interface HandshakeRandomness {
  /** random and session_id of a hello, 32 bytes each. */
  helloRandoms(): { readonly random: Uint8Array; readonly sessionId: Uint8Array };
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
  /** Our half of a key exchange; null for a group that cannot be computed with. */
  keyShare(group: NamedGroup): KeyShare | null;
}

/** The part of a handshake that knows what a version expects. */
export interface VersionHandshake {
  /** Takes the next message, or the end of the ServerHello that it began with. */
  onMessage(message: StrictMessage, raw: Uint8Array): void;
  /** Whether the next thing has to be the server's ChangeCipherSpec. */
  readonly expectsChangeCipherSpec: boolean;
  onChangeCipherSpec(): void;
}

/** What both kinds of handshake work with. */
export interface HandshakeContext {
  readonly records: HandshakeRecords;
  readonly notes: HandshakeNotes;
  readonly hello: PreparedHello;
  readonly randomness: HandshakeRandomness;
  /** Of our Client Hello; the second one has the same. */
  readonly clientRandom: Uint8Array;
  readonly offer: Offer;
  /** The Client Hello's handshake message. */
  readonly clientHello: Uint8Array;
  readonly keyShares: readonly OfferedShare[];
  /** Whether application data follows, so that the keys for it are needed. */
  readonly goesOn: boolean;
  /** Makes another Client Hello (record) with the same random and session id. */
  writeHello(
    template: ClientHelloTemplate,
    recordVersion: number,
    share: KeyShareEntry,
    cookie: Uint8Array | null,
  ): Uint8Array;
}

/** A key share of our hello. `share` is null for a GREASE group, which nobody can choose. */
export interface OfferedShare {
  readonly group: number;
  readonly share: KeyShare | null;
}

/** A handshake message with its header. RFC 8446 section 4. */
export function handshakeMessage(type: HandshakeType, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(4 + body.length);
  message[0] = type;
  message[1] = body.length >> 16;
  message[2] = body.length >> 8;
  message[3] = body.length;
  message.set(body, 4);
  return message;
}
