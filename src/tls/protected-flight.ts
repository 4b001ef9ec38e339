// What a server says under the keys of TLS 1.3, for a passive reader who has the secrets: EncryptedExtensions to Finished,
// and the alerts behind it. RFC 8446 section 5.2.
import { decodeAlerts } from './alert.js';
import { ContentType, HandshakeType } from './constants.js';
import type { Tls13Suite } from './crypto/cipher-suites.js';
import { trafficKeys } from './crypto/key-schedule.js';
import { tls13Protection } from './crypto/record-protection.js';
import { HandshakeJoiner } from './handshake-joiner.js';
import type { HandshakeMessage } from './handshake-joiner.js';
import type { ServerSecrets } from './key-log.js';
import { decodeRecord } from './records.js';

/** Messages up to Finished, and what came behind. */
export interface ProtectedFlight {
  readonly messages: readonly HandshakeMessage[];
  /** AlertDescription of each alert. */
  readonly alerts: readonly number[];
  /** Whether the server's Finished was read. */
  readonly finished: boolean;
}

const MIN_FRAGMENT = 17;

/**
 * Reads the records from `offset` on, where the clear text of the server's side ends. Stops without a fault where a
 * record is missing, cut off or not authentic.
 */
export function readProtectedFlight(
  bytes: Uint8Array,
  offset: number,
  suite: Tls13Suite,
  secrets: ServerSecrets,
): ProtectedFlight {
  const messages: HandshakeMessage[] = [];
  const alerts: number[] = [];
  let finished = false;
  const protectionOf = (secret: Uint8Array | undefined): ReturnType<typeof tls13Protection> | null =>
    secret === undefined ? null : tls13Protection(suite.cipher, trafficKeys(suite.hash, secret, suite.keyLength));
  let protection = protectionOf(secrets.handshake);
  const joiner = new HandshakeJoiner();
  let at = offset;
  while (at < bytes.length && protection !== null) {
    const decoded = decodeRecord(bytes, at);
    if (decoded.kind !== 'message') break;
    at = decoded.end;
    const { type, version, start, end } = decoded.value;
    if (type === ContentType.ChangeCipherSpec) continue;
    if (type !== ContentType.ApplicationData || end - start < MIN_FRAGMENT) break;
    const inner = protection.open(type, version, bytes.subarray(start, end));
    if (inner === null) break;
    const content = withoutPadding(inner);
    if (content.type === ContentType.Alert) {
      for (const alert of decodeAlerts(content.data) ?? []) alerts.push(alert.description);
    } else if (content.type === ContentType.Handshake && !finished) {
      joiner.push(content.data);
      for (let next = joiner.next(); next !== null && !('kind' in next); next = joiner.next()) {
        messages.push(next);
        finished ||= next.type === HandshakeType.Finished;
      }
      if (finished) protection = protectionOf(secrets.application);
    }
  }
  return { messages, alerts, finished };
}

/** TLSInnerPlaintext: content, its type, zeros. RFC 8446 section 5.4. */
function withoutPadding(inner: Uint8Array): { type: number; data: Uint8Array } {
  let end = inner.length;
  while (end > 0 && inner[end - 1] === 0) end -= 1;
  return { type: inner[end - 1] ?? 0, data: inner.subarray(0, Math.max(end - 1, 0)) };
}
