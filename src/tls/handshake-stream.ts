// From the opening bytes of one direction of a connection to the handshake messages and alerts in clear text in them,
// up to where clear text ends. Pure: bytes in, messages out.
import { decodeAlerts } from './alert.js';
import type { Alert } from './alert.js';
import { ContentType, HandshakeType } from './constants.js';
import type { Malformed, NeedMore } from './decoded.js';
import { HandshakeJoiner } from './handshake-joiner.js';
import type { HandshakeMessage, PartialMessage } from './handshake-joiner.js';
import { decodeRecord, looksLikeRecord } from './records.js';
import type { TlsRecord } from './records.js';
import { decodeSslv2Record, looksLikeSslv2ClientHello } from './sslv2.js';

/** Why reading stopped. Offsets count from the start of the opening. */
export type OpeningEnd =
  /** At the end of the bytes, which is the end of a record and of a message. */
  | { readonly kind: 'end' }
  /** At the end of the bytes, inside of a record or of a message. */
  | NeedMore
  | Malformed
  /** What follows is encrypted. */
  | { readonly kind: 'protected'; readonly offset: number };

/** What one side said in clear text. All byte fields are views of the opening, or of a joined copy. */
export interface Opening {
  readonly messages: readonly HandshakeMessage[];
  readonly alerts: readonly Alert[];
  /** Version in the header of the first record; null without one (SSLv2 format, no bytes). */
  readonly recordVersion: number | null;
  /** The body of a ClientHello in SSLv2 format (RFC 5246 appendix E.2) that opened the connection, from msg_type on. */
  readonly sslv2ClientHello: Uint8Array | null;
  readonly changeCipherSpec: boolean;
  /** The message that had begun and was not complete when the clear text, or the bytes, ended. */
  readonly partial: PartialMessage | null;
  readonly end: OpeningEnd;
}

/** Reads the opening bytes of one direction, from its first record on. Never throws, whatever the bytes are. */
export function readOpening(bytes: Uint8Array, maxMessageLength?: number): Opening {
  const messages: HandshakeMessage[] = [];
  const alerts: Alert[] = [];
  const joiner = new HandshakeJoiner(maxMessageLength);
  let recordVersion: number | null = null;
  let sslv2ClientHello: Uint8Array | null = null;
  let changeCipherSpec = false;
  let offset = 0;
  let end: OpeningEnd = { kind: 'end' };

  if (looksLikeSslv2ClientHello(bytes)) {
    const record = decodeSslv2Record(bytes);
    if (record.kind === 'message') {
      sslv2ClientHello = record.value;
      offset = record.end;
    } else {
      end = record;
      offset = bytes.length;
    }
  }

  reading: while (offset < bytes.length) {
    if (!looksLikeRecord(bytes, offset)) {
      end = { kind: 'malformed', offset, reason: 'not a TLS record' };
      break;
    }
    const decoded = decodeRecord(bytes, offset);
    if (decoded.kind !== 'message') {
      end = decoded;
      break;
    }
    const record = decoded.value;
    recordVersion ??= record.version;
    switch (record.type) {
      case ContentType.Handshake: {
        if (changeCipherSpec && !joiner.pending && !isClearHello(bytes, record)) {
          end = { kind: 'protected', offset };
          break reading;
        }
        joiner.push(bytes.subarray(record.start, record.end));
        let next = joiner.next();
        while (next !== null && !('kind' in next)) {
          messages.push(next);
          next = joiner.next();
        }
        if (next !== null) {
          end = { ...next, offset };
          break reading;
        }
        break;
      }
      case ContentType.Alert: {
        const found = decodeAlerts(bytes.subarray(record.start, record.end));
        if (found === null) {
          end = changeCipherSpec
            ? { kind: 'protected', offset }
            : { kind: 'malformed', offset, reason: 'an alert record that holds no alert' };
          break reading;
        }
        for (const alert of found) alerts.push(alert);
        break;
      }
      case ContentType.ChangeCipherSpec:
        changeCipherSpec = true;
        break;
      case ContentType.ApplicationData:
        end = { kind: 'protected', offset };
        break reading;
      case ContentType.Heartbeat:
        break;
    }
    offset = decoded.end;
  }

  const partial = joiner.pending ? joiner.partial() : null;
  if (end.kind === 'end' && joiner.pending) {
    end = { kind: 'need_more', missing: partial === null ? 1 : partial.length - partial.body.length };
  }
  return { messages, alerts, recordVersion, sslv2ClientHello, changeCipherSpec, partial, end };
}

/**
 * Behind a ChangeCipherSpec everything is encrypted, except that in TLS 1.3 it is a mere pretence (RFC 8446 appendix D.4)
 * and the second hello of either side may follow. An encrypted record has a hello's type, length and version in these
 * places once in 2^35.
 */
function isClearHello(bytes: Uint8Array, record: TlsRecord): boolean {
  const { start, end } = record;
  const type: HandshakeType = bytes[start] ?? 0;
  if (type !== HandshakeType.ClientHello && type !== HandshakeType.ServerHello) return false;
  return end - start >= 6 && bytes[start + 1] === 0 && bytes[start + 4] === 3 && (bytes[start + 5] ?? 0xff) <= 4;
}
