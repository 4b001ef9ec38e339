// What is fuzzed: every decoder that sees bytes of packets or servers, and the readers of fingerprint texts. A target runs
// everything that can be asked of one input and gives back a measure of its output, which has to stay in proportion.
import { ClientHelloShapes } from '../../src/fingerprint/client-hello-shapes.js';
import { compareFingerprints, explainFingerprint } from '../../src/fingerprint/explain.js';
import { ja3 } from '../../src/fingerprint/ja3.js';
import { ja3s } from '../../src/fingerprint/ja3s.js';
import { ja4 } from '../../src/fingerprint/ja4.js';
import { parseStackText } from '../../src/fingerprint/stack-parse.js';
import { handshakeText } from '../../src/fingerprint/stack.js';
import { decodeCertificateRequest } from '../../src/tls/certificate-request.js';
import { CertificateSummaries } from '../../src/tls/certificate-summary.js';
import { decodeCertificateList, decodeCertificateTls13, firstCertificate } from '../../src/tls/certificate.js';
import type { ClientHello } from '../../src/tls/client-hello.js';
import { decodeClientHello, decodeSslv2ClientHello } from '../../src/tls/client-hello.js';
import { HandshakeType } from '../../src/tls/constants.js';
import { decodeEncryptedExtensions } from '../../src/tls/encrypted-extensions.js';
import * as extensions from '../../src/tls/extensions.js';
import { HandshakeJoiner } from '../../src/tls/handshake-joiner.js';
import type { HandshakeMessage } from '../../src/tls/handshake-joiner.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import {
  decodeDraftHelloRetryRequest,
  decodeServerHello,
  selectedGroup,
  selectedProtocols,
  selectedVersion,
} from '../../src/tls/server-hello.js';
import type { ServerHello } from '../../src/tls/server-hello.js';
import { ClientInitials } from '../../src/tls/quic/client-initials.js';
import { CryptoStream, MAX_CRYPTO_BYTES } from '../../src/tls/quic/crypto-stream.js';
import { readInitials } from '../../src/tls/quic/long-header.js';
import { GOLDEN_FINGERPRINTS, GOLDEN_HANDSHAKES } from '../fingerprint/golden-fingerprints.js';
import { goldenConversations } from '../tls/golden-openings.js';
import { runHandshake, SERVER_BYTES } from './handshake-target.js';
import { cryptoFrame, RFC_CONNECTION_ID, RFC_CRYPTO_FRAME, sealInitial } from '../tls/quic/sealed-initials.js';
import { APPLICATION_RECORDS, applicationRecords, STRICT_MESSAGES, strictMessage } from './protected-targets.js';
import { httpSection, HTTP_SECTIONS, jarmAnswers, STARTTLS_WORDS, startTlsWords } from './probe-targets.js';

export interface FuzzTarget {
  readonly corpus: readonly Uint8Array[];
  /** Runs on one input. Returns the size of what came out: characters, bytes, entries. Throws where something is wrong. */
  run(input: Uint8Array): number;
}

const OPENINGS = goldenConversations('with-sni.pcap').flatMap(({ clientBytes, serverBytes }) =>
  [clientBytes, serverBytes].filter((bytes) => bytes.length > 0),
);
const MESSAGES = OPENINGS.flatMap((bytes) => readOpening(bytes).messages);

function bodiesOf(type: HandshakeType): Uint8Array[] {
  return MESSAGES.filter((message) => message.type === type).map((message) => message.body);
}

const CLIENT_HELLOS = bodiesOf(HandshakeType.ClientHello);
const SERVER_HELLOS = bodiesOf(HandshakeType.ServerHello);
const CERTIFICATES = bodiesOf(HandshakeType.Certificate);
const EXTENSION_DATA = [...CLIENT_HELLOS, ...SERVER_HELLOS].flatMap((body) => {
  const decoded = decodeClientHello(body);
  return decoded.kind === 'message' ? (decoded.value.extensions?.list().map((extension) => extension.data) ?? []) : [];
});
const summaries = new CertificateSummaries(100_000);
const shapes = new ClientHelloShapes('t', 256);

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function useClientHello(hello: ClientHello): number {
  const lists = [hello.cipherSuites, hello.supportedVersions, hello.supportedGroups, hello.ecPointFormats];
  let size = (hello.serverName?.length ?? 0) + hello.random.length + hello.sessionId.length;
  for (const list of [...lists, hello.signatureAlgorithms, hello.keyShareGroups, hello.alpn]) size += list?.length ?? 0;
  size += hello.extensions?.list().length ?? 0;
  expect((hello.encryptedClientHello ?? 'outer').length === 5, 'encryptedClientHello');
  const digest = ja3(hello);
  expect(digest === null || digest.hash.length === 32, 'ja3');
  const print = ja4(hello);
  expect(print === null || print.length === 36, 'ja4');
  const remembered = shapes.fingerprints(hello);
  expect(remembered.ja4 === print && remembered.ja3?.string === digest?.string, 'another hello of this shape');
  return size + (digest?.string.length ?? 0);
}

function useServerHello(hello: ServerHello): number {
  expect(selectedVersion(hello) <= 0xffff && (selectedGroup(hello) ?? 0) <= 0xffff, 'selected');
  return (selectedProtocols(hello)?.length ?? 0) + (hello.extensions?.list().length ?? 0) + ja3s(hello).string.length;
}

function useMessage(message: HandshakeMessage): number {
  const { type, body } = message;
  if (type === HandshakeType.ClientHello) return clientHello(body);
  if (type === HandshakeType.ServerHello || type === HandshakeType.HelloRetryRequest) return serverHello(body);
  return type === HandshakeType.Certificate ? certificate(body) : 0;
}

function clientHello(bytes: Uint8Array): number {
  let size = 0;
  for (const decoded of [decodeClientHello(bytes), decodeSslv2ClientHello(bytes)]) {
    if (decoded.kind === 'message') size += useClientHello(decoded.value);
  }
  return size;
}

function serverHello(bytes: Uint8Array): number {
  let size = 0;
  for (const decoded of [decodeServerHello(bytes), decodeDraftHelloRetryRequest(bytes)]) {
    if (decoded.kind === 'message') size += useServerHello(decoded.value);
  }
  return size;
}

function certificate(bytes: Uint8Array): number {
  const list = decodeCertificateList(bytes);
  const first = firstCertificate(bytes);
  const tls13 = decodeCertificateTls13(bytes);
  let size = 0;
  const ders = list.kind === 'message' ? list.value : [];
  for (const der of [...ders, first, ...tls13.entries.map((entry) => entry.der)]) {
    if (der !== null) size += JSON.stringify(summaries.summarize(der)).length;
  }
  for (const entry of tls13.entries) size += entry.extensions.list().length;
  return size;
}

function opening(bytes: Uint8Array): number {
  const { messages, alerts, partial, sslv2ClientHello, end } = readOpening(bytes);
  let size = alerts.length + (partial?.body.length ?? 0);
  for (const message of messages) size += message.raw.length + useMessage(message);
  if (sslv2ClientHello !== null) size += clientHello(sslv2ClientHello);
  if (end.kind === 'malformed') expect(end.offset <= bytes.length && end.reason.length < 200, 'the reason');
  return size;
}

/** The same bytes in fragments of pseudo-random sizes give the same messages as in one. */
function joiner(bytes: Uint8Array): number {
  const messagesOf = (sizes: (index: number) => number): string => {
    const joining = new HandshakeJoiner(1 << 16);
    const found: string[] = [];
    for (let at = 0, index = 0; at < bytes.length; index += 1) {
      const size = sizes(index);
      joining.push(bytes.subarray(at, at + size));
      at += size;
      for (let next = joining.next(); next !== null; next = joining.next()) {
        if ('kind' in next) return `${found.join()} malformed`;
        found.push(Buffer.from(next.raw).toString('base64'));
      }
    }
    return found.join();
  };
  const whole = messagesOf(() => bytes.length);
  expect(whole === messagesOf((index) => 1 + ((index * 7919) % 97)), 'messages depend on the fragments');
  return whole.length;
}

const DECODERS = Object.entries(extensions).filter(([name]) => name.startsWith('decode'));

function extensionData(bytes: Uint8Array): number {
  let size = 0;
  for (const [, decode] of DECODERS) {
    const decoded = (decode as (data: Uint8Array) => { kind: string; value?: unknown })(bytes);
    const { value } = decoded;
    size += Array.isArray(value) || typeof value === 'string' ? value.length : 1;
  }
  return size;
}

function text(bytes: Uint8Array): number {
  const string = Buffer.from(bytes).toString('latin1');
  const parsed = parseStackText(string);
  const explained = explainFingerprint(string);
  expect(parsed.kind === explained.kind, 'parse and explain disagree');
  if (parsed.kind === 'malformed') return parsed.reason.length;
  expect(parsed.value.map(handshakeText).join('|') === string, 'reading and writing disagree');
  const compared = compareFingerprints(string, string);
  expect(compared.kind === 'message' && compared.value.different.length === 0, 'differs from itself');
  return JSON.stringify(explained).length;
}

/** The hello of RFC 9001 and golden's, whole, in two pieces out of order, and among other frames. */
const QUIC_FRAMES = [RFC_CRYPTO_FRAME.subarray(4), ...CLIENT_HELLOS.slice(0, 10).map(handshakeMessage)].flatMap(
  (message) => [
    cryptoFrame(0, message),
    Buffer.concat([cryptoFrame(100, message.subarray(100)), cryptoFrame(0, message.subarray(0, 100))]),
    Buffer.concat([Buffer.from('0102000500', 'hex'), cryptoFrame(0, message), Buffer.alloc(40)]),
  ],
);

/** As one Initial, behind a Retry's token, and as two in one datagram, of several versions. */
const QUIC_DATAGRAMS = [0x00000001, 0x6b3343cf, 0xff00001d].flatMap((version) =>
  QUIC_FRAMES.flatMap((frames) => {
    const initial = { version, destinationId: RFC_CONNECTION_ID, packetNumber: 0, frames };
    const token = Buffer.alloc(16, 7);
    return [
      sealInitial(initial),
      sealInitial({ ...initial, token }),
      Buffer.concat([sealInitial(initial), sealInitial({ ...initial, packetNumber: 1, token, destinationId: token })]),
    ];
  }),
);

function handshakeMessage(body: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(1, 0, body.length >> 8, body.length), body]);
}

/** Targets by name. */
export const FUZZ_TARGETS: Readonly<Record<string, FuzzTarget>> = {
  opening: { corpus: OPENINGS, run: opening },
  joiner: { corpus: MESSAGES.map((message) => message.raw), run: joiner },
  'client-hello': { corpus: CLIENT_HELLOS, run: clientHello },
  'server-hello': { corpus: SERVER_HELLOS, run: serverHello },
  certificate: { corpus: CERTIFICATES, run: certificate },
  'encrypted-messages': {
    corpus: SERVER_HELLOS.map((body) => body.subarray(38)),
    run(bytes) {
      const encrypted = decodeEncryptedExtensions(bytes);
      const request = decodeCertificateRequest(bytes);
      const lists = [encrypted, request].map((decoded) =>
        decoded.kind === 'message' ? (decoded.value.block?.list().length ?? 0) : 0,
      );
      return lists.reduce((sum, length) => sum + length, 0);
    },
  },
  'quic-datagram': {
    corpus: QUIC_DATAGRAMS,
    run(bytes) {
      const client = new ClientInitials();
      const hellos = [...client.add(bytes), ...client.add(bytes)];
      expect(hellos.length <= 1 || !client.isSettled || readInitials(bytes).length > 1, 'a hello given twice');
      return hellos.reduce((sum, { body }) => sum + clientHello(body), 0);
    },
  },
  'quic-frames': {
    corpus: QUIC_FRAMES,
    run(bytes) {
      const stream = new CryptoStream();
      stream.addFrames(bytes, 6);
      stream.addFrames(bytes, 8);
      expect(stream.size <= MAX_CRYPTO_BYTES, 'more than the bound');
      const message = stream.message();
      return message === null ? 0 : clientHello(message.subarray(4));
    },
  },
  handshake: { corpus: SERVER_BYTES, run: runHandshake },
  'strict-messages': { corpus: STRICT_MESSAGES, run: strictMessage },
  'application-records': { corpus: APPLICATION_RECORDS, run: applicationRecords },
  extensions: { corpus: EXTENSION_DATA, run: extensionData },
  jarm: { corpus: OPENINGS, run: jarmAnswers },
  'http-section': { corpus: HTTP_SECTIONS, run: httpSection },
  starttls: { corpus: STARTTLS_WORDS, run: startTlsWords },
  text: {
    corpus: [...GOLDEN_HANDSHAKES, ...GOLDEN_FINGERPRINTS.map((line) => line.fingerprint ?? '')].map((line) =>
      Buffer.from(line, 'latin1'),
    ),
    run: text,
  },
};
