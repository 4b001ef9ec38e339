// What one client says in its Initials: decrypts them under whichever connection id their keys stem from, and puts its
// ClientHello together over as many packets and datagrams as it takes. Pure; knows neither addresses nor time.
import { HandshakeType } from '../constants.js';
import { HANDSHAKE_HEADER_LENGTH } from '../handshake-joiner.js';
import { CryptoStream } from './crypto-stream.js';
import { clientInitialKeys, openInitial, type InitialKeys } from './initial-keys.js';
import { readInitials, type InitialPacket } from './long-header.js';

/** A complete ClientHello out of Initials. */
export interface QuicClientHello {
  /** Version in the header of the Initials. */
  readonly version: number;
  /** Body of the handshake message. */
  readonly body: Uint8Array;
}

/** Connections that are told apart in one direction of a flow; beyond, the oldest is forgotten. */
const MAX_CONNECTIONS = 4;

/** Datagrams that are kept until the one comes that tells the keys, in case that they overtook it. */
const MAX_EARLY = 2;

/**
 * One connection. Its keys are those of the first connection id that the client chose; after the server's answer other
 * ids stand in the packets, and the keys stay (RFC 9001 section 5.2).
 */
interface Connection {
  readonly version: number;
  readonly keys: InitialKeys;
  /** Null: its hello is complete. */
  stream: CryptoStream | null;
}

/** What a connection takes besides its stream: three keys, and what holds them. */
const CONNECTION_BYTES = 768;

/** The Initials of one direction of a flow. */
export class ClientInitials {
  #connections: Connection[] = [];
  #early: Uint8Array[] = [];

  /** Whether a packet of a client has been decrypted. */
  get isClient(): boolean {
    return this.#connections.length > 0;
  }

  /** Whether nothing waits: neither is a hello incomplete, nor a datagram without keys. */
  get isSettled(): boolean {
    return this.#early.length === 0 && this.#connections.every(({ stream }) => stream === null);
  }

  /** Bytes of memory that it holds, about. */
  get size(): number {
    let bytes = 0;
    for (const { stream } of this.#connections) bytes += CONNECTION_BYTES + (stream?.size ?? 0);
    for (const datagram of this.#early) bytes += datagram.length;
    return bytes;
  }

  /** Takes a datagram; gives the hellos that it completes, each once. */
  add(datagram: Uint8Array): QuicClientHello[] {
    const hellos = this.#read(datagram);
    if (!this.isClient) {
      if (this.#early.length < MAX_EARLY) this.#early.push(new Uint8Array(datagram));
      return hellos;
    }
    const early = this.#early;
    this.#early = [];
    return early.length === 0 ? hellos : [...hellos, ...early.flatMap((kept) => this.#read(kept))];
  }

  #read(datagram: Uint8Array): QuicClientHello[] {
    return readInitials(datagram).flatMap((packet) => {
      const hello = this.#addPacket(packet);
      return hello === null ? [] : [hello];
    });
  }

  #addPacket(packet: InitialPacket): QuicClientHello | null {
    for (const connection of this.#connections) {
      if (connection.version !== packet.version) continue;
      const frames = openInitial(packet, connection.keys);
      if (frames !== null) return take(connection, frames, packet);
    }
    for (const salt of packet.rules.salts) {
      const keys = clientInitialKeys(packet.rules, salt, packet.destinationId);
      const frames = openInitial(packet, keys);
      if (frames !== null) return take(this.#connect(packet, keys), frames, packet);
    }
    return null;
  }

  /**
   * New keys. With a token they mostly follow a Retry (RFC 9000 section 17.2.5): the client says the same hello once
   * more, from its start, so what was said before it may be complete already.
   */
  #connect(packet: InitialPacket, keys: InitialKeys): Connection {
    const before = this.#connections.at(-1);
    const isRetried = packet.token.length > 0 && before?.version === packet.version;
    const stream = isRetried ? before.stream : new CryptoStream();
    const connection = { version: packet.version, keys, stream };
    const others = isRetried ? this.#connections.slice(0, -1) : this.#connections;
    this.#connections = [...others, connection].slice(-MAX_CONNECTIONS);
    return connection;
  }
}

function take(connection: Connection, frames: Uint8Array, { rules }: InitialPacket): QuicClientHello | null {
  const { stream } = connection;
  if (stream === null) return null;
  stream.addFrames(frames, rules.cryptoFrame);
  const message = stream.message();
  if (message === null) return null;
  connection.stream = null;
  if ((message[0] ?? 0) !== (HandshakeType.ClientHello as number)) return null;
  return { version: connection.version, body: message.subarray(HANDSHAKE_HEADER_LENGTH) };
}
