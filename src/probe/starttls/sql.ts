// How PostgreSQL (protocol 3.0, "SSL Session Encryption") and MySQL (client/server protocol, "SSLRequest") go over to TLS.
import { FAILED, INCOMPLETE } from './dialogue.js';
import type { DialogueStep, StartTlsDialogue } from './dialogue.js';

const ACCEPTED = 0x53; // S

export class PostgresDialogue implements StartTlsDialogue {
  /** Length 8, then the code 80877103 in the place of a version. */
  readonly opening = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

  read(received: Uint8Array): DialogueStep {
    return received[0] === ACCEPTED ? { kind: 'ready', read: 1, send: null } : FAILED;
  }
}

const PACKET_HEADER_LENGTH = 4;
const PROTOCOL_10 = 10;
/** Behind the server's version: thread id, eight bytes of a challenge, a filler; then the capabilities. */
const CAPABILITIES_OFFSET = 4 + 8 + 1;
const CLIENT_SSL = 0x0800;
/** CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION and CLIENT_PLUGIN_AUTH. */
const OUR_CAPABILITIES = 0x0200 | CLIENT_SSL | 0x8000 | 0x80000;
const MAX_PACKET = 1 << 24;
const UTF8 = 33;
const SSL_REQUEST_LENGTH = 32;

export class MysqlDialogue implements StartTlsDialogue {
  readonly opening = null;

  /** The server's greeting, HandshakeV10. An error packet begins with another byte. */
  read(received: Uint8Array): DialogueStep {
    const packet = Buffer.from(received);
    if (packet.length < PACKET_HEADER_LENGTH) return INCOMPLETE;
    const read = PACKET_HEADER_LENGTH + packet.readUIntLE(0, 3);
    if (packet.length > PACKET_HEADER_LENGTH && packet[PACKET_HEADER_LENGTH] !== PROTOCOL_10) return FAILED;
    if (packet.length < read) return INCOMPLETE;
    const version = packet.indexOf(0, PACKET_HEADER_LENGTH + 1);
    const capabilities = version + 1 + CAPABILITIES_OFFSET;
    if (version < 0 || capabilities + 2 > read) return FAILED;
    if ((packet.readUInt16LE(capabilities) & CLIENT_SSL) === 0) return FAILED;
    return { kind: 'ready', read, send: sslRequest(((packet[3] ?? 0) + 1) & 0xff) };
  }
}

function sslRequest(sequence: number): Uint8Array {
  const packet = Buffer.alloc(PACKET_HEADER_LENGTH + SSL_REQUEST_LENGTH);
  packet.writeUIntLE(SSL_REQUEST_LENGTH, 0, 3);
  packet[3] = sequence;
  packet.writeUInt32LE(OUR_CAPABILITIES, 4);
  packet.writeUInt32LE(MAX_PACKET, 8);
  packet[12] = UTF8;
  return packet;
}
