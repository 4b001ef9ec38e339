// StartTLS of LDAP: one extended request, one extended response. RFC 4511 sections 4.12 and 4.14; BER as section 5.1 has it.
import { FAILED, INCOMPLETE } from './dialogue.js';
import type { DialogueStep, StartTlsDialogue } from './dialogue.js';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const ENUMERATED = 0x0a;
/** [APPLICATION 23] and its [0] requestName. */
const EXTENDED_REQUEST = 0x77;
const REQUEST_NAME = 0x80;
/** [APPLICATION 24]. */
const EXTENDED_RESPONSE = 0x78;
const MESSAGE_ID = [INTEGER, 1, 1];
const START_TLS = Buffer.from('1.3.6.1.4.1.1466.20037', 'latin1');

export class LdapDialogue implements StartTlsDialogue {
  readonly opening = Uint8Array.from([
    ...[SEQUENCE, MESSAGE_ID.length + 2 + 2 + START_TLS.length, ...MESSAGE_ID],
    ...[EXTENDED_REQUEST, 2 + START_TLS.length, REQUEST_NAME, START_TLS.length, ...START_TLS],
  ]);

  read(received: Uint8Array): DialogueStep {
    if (received[0] !== SEQUENCE) return FAILED;
    const message = readElement(received);
    if (message === 'incomplete') return INCOMPLETE;
    if (message === 'bad') return FAILED;
    const id = readElement(message.content);
    if (typeof id === 'string' || id.type !== INTEGER) return FAILED;
    const response = readElement(message.content.subarray(id.length));
    if (typeof response === 'string' || response.type !== EXTENDED_RESPONSE) return FAILED;
    const result = readElement(response.content);
    if (typeof result === 'string' || result.type !== ENUMERATED) return FAILED;
    const isSuccess = result.content.length === 1 && result.content[0] === 0;
    return isSuccess ? { kind: 'ready', read: message.length, send: null } : FAILED;
  }
}

interface Element {
  readonly type: number;
  readonly content: Uint8Array;
  /** With its header. */
  readonly length: number;
}

/** One BER element of definite length; longer forms of the length than needed are allowed, and common. */
function readElement(bytes: Uint8Array): Element | 'incomplete' | 'bad' {
  const [type, short] = bytes;
  if (type === undefined || short === undefined) return 'incomplete';
  let length = short;
  let header = 2;
  if (short >= 0x80) {
    header += short & 0x7f;
    if (header === 2 || header > 6) return 'bad';
    if (bytes.length < header) return 'incomplete';
    length = bytes.subarray(2, header).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  if (bytes.length < header + length) return 'incomplete';
  return { type, content: bytes.subarray(header, header + length), length: header + length };
}
