// Joins the openings of the two directions of a flow into one view of its handshake: the hellos, the certificate, and
// whether client and server went on to protected data. Pure.
import type { FlowDirection, FlowRecord } from '../capture/flow-record.js';
import type { ServerKey } from '../database/server-key.js';
import type { SeenHandshake } from '../probe/gate.js';
import { decodeCertificateList, firstCertificate } from '../tls/certificate.js';
import { decodeClientHello, decodeSslv2ClientHello, type ClientHello } from '../tls/client-hello.js';
import { ExtensionType, HandshakeType } from '../tls/constants.js';
import { readOpening, type Opening } from '../tls/handshake-stream.js';
import type { KeyLog } from '../tls/key-log.js';
import {
  decodeDraftHelloRetryRequest,
  decodeServerHello,
  isTls13,
  selectedVersion,
  type ServerHello,
} from '../tls/server-hello.js';
import { readPassiveHandshake } from './passive-handshake.js';

/** A TLS 1.3 record with an encrypted alert alone is this long: two bytes, the content type, a 16-byte tag. */
const ENCRYPTED_ALERT_LENGTH = 19;

/** One TLS handshake as seen by a passive reader. Views are valid as long as the record's bytes are. */
export interface TlsFlow {
  readonly record: FlowRecord;
  readonly server: ServerKey;
  /** The first ClientHello (the one before a HelloRetryRequest). */
  readonly clientHello: ClientHello | null;
  /** The last ServerHello that is no HelloRetryRequest. */
  readonly serverHello: ServerHello | null;
  readonly helloRetryRequest: boolean;
  /** DER of the server's own certificate, where it crossed in clear text (TLS 1.2 and lower) or was decrypted. */
  readonly certificate: Uint8Array | null;
  readonly evidence: SeenHandshake;
  /** Null: that cannot be told. */
  readonly resumed: boolean | null;
  /** Null without a ServerHello. */
  readonly resumption: Resumption | null;
  /** Text fingerprint of the handshake, where there is a key log and all of it could be read. */
  readonly handshake: string | null;
  readonly openings: { readonly client: Opening; readonly server: Opening };
}

/**
 * What the server's opening says of resumption. TLS 1.3: it took a pre-shared key. TLS 1.2 and lower: it sent no certificate
 * and no ServerHelloDone; unless there was a certificate, that is not sure until it has said ChangeCipherSpec.
 */
export interface Resumption {
  readonly resumed: boolean;
  readonly isSure: boolean;
}

/** Reads a flow. Whatever its bytes are, something comes back. */
export function readTlsFlow(record: FlowRecord, keyLog: KeyLog | null = null): TlsFlow {
  const client = readOpening(record.client.bytes);
  const server = readOpening(record.server.bytes);
  const clientHello = findClientHello(client);
  const { hello: serverHello, retry } = findServerHello(server);
  const passive =
    keyLog === null || clientHello === null
      ? null
      : readPassiveHandshake(record.server, clientHello, keyLog.secretsOf(clientHello.random));
  const resumption = serverHello === null ? null : resumptionOf(serverHello, server);
  return {
    record,
    openings: { client, server },
    server: {
      address: record.serverAddress,
      port: record.serverPort,
      serverName: clientHello?.serverName?.toLowerCase() ?? null,
    },
    clientHello,
    serverHello,
    helloRetryRequest: retry,
    certificate: passive?.certificate ?? findCertificate(server),
    evidence: evidenceOf(record, serverHello === null ? null : { tls13: isTls13(selectedVersion(serverHello)) }),
    resumption,
    resumed: resumption === null ? null : isResumed(resumption, clientHello !== null, record.server.changeCipherSpec),
    handshake: passive?.text ?? null,
  };
}

function findClientHello(opening: Opening): ClientHello | null {
  if (opening.sslv2ClientHello !== null) {
    const decoded = decodeSslv2ClientHello(opening.sslv2ClientHello);
    if (decoded.kind === 'message') return decoded.value;
  }
  for (const message of opening.messages) {
    if (message.type !== HandshakeType.ClientHello) continue;
    const decoded = decodeClientHello(message.body);
    if (decoded.kind === 'message') return decoded.value;
  }
  return null;
}

function findServerHello(opening: Opening): { hello: ServerHello | null; retry: boolean } {
  let hello: ServerHello | null = null;
  let retry = false;
  for (const message of opening.messages) {
    if (message.type === HandshakeType.HelloRetryRequest) {
      retry ||= decodeDraftHelloRetryRequest(message.body).kind === 'message';
    } else if (message.type === HandshakeType.ServerHello) {
      const decoded = decodeServerHello(message.body);
      if (decoded.kind !== 'message') continue;
      if (decoded.value.isHelloRetryRequest) retry = true;
      else hello = decoded.value;
    }
  }
  return { hello, retry };
}

function findCertificate(opening: Opening): Uint8Array | null {
  for (const message of opening.messages) {
    if (message.type !== HandshakeType.Certificate) continue;
    const decoded = decodeCertificateList(message.body);
    return (decoded.kind === 'message' ? decoded.value[0] : firstCertificate(message.body)) ?? null;
  }
  if (opening.partial?.type === HandshakeType.Certificate) return firstCertificate(opening.partial.body);
  return null;
}

/** @param hello of the server; null: none was seen */
export function evidenceOf(record: FlowRecord, hello: { readonly tls13: boolean } | null): SeenHandshake {
  const { client, server } = record;
  const oneSided = client.bytes.length === 0 || server.bytes.length === 0;
  return { completed: !oneSided && hello !== null && isCompleted(client, server, hello.tls13), oneSided };
}

/**
 * TLS 1.2 and lower: both sides said ChangeCipherSpec. TLS 1.3: both sent protected records, and the client's is too
 * long to be an alert that refuses the server.
 */
function isCompleted(client: FlowDirection, server: FlowDirection, tls13: boolean): boolean {
  if (!tls13) return client.changeCipherSpec && server.changeCipherSpec;
  return server.firstApplicationDataLength > 0 && client.firstApplicationDataLength > ENCRYPTED_ALERT_LENGTH;
}

function resumptionOf(hello: ServerHello, { messages }: Opening): Resumption {
  if (isTls13(selectedVersion(hello))) {
    return { resumed: hello.extensions?.has(ExtensionType.PreSharedKey) ?? false, isSure: true };
  }
  if (messages.some(({ type }) => type === HandshakeType.Certificate)) return { resumed: false, isSure: true };
  return { resumed: messages.every(({ type }) => type !== HandshakeType.ServerHelloDone), isSure: false };
}

/** @param changeCipherSpec of the server; null: it cannot be told */
export function isResumed(
  { resumed, isSure }: Resumption,
  hasClientHello: boolean,
  changeCipherSpec: boolean,
): boolean | null {
  return isSure || (changeCipherSpec && hasClientHello) ? resumed : null;
}
