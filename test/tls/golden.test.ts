import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ja3 } from '../../src/fingerprint/ja3.js';
import { ja3s } from '../../src/fingerprint/ja3s.js';
import { CertificateSummaries } from '../../src/tls/certificate-summary.js';
import { decodeCertificateList } from '../../src/tls/certificate.js';
import { decodeClientHello } from '../../src/tls/client-hello.js';
import { HandshakeType } from '../../src/tls/constants.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import { decodeServerHello, selectedVersion } from '../../src/tls/server-hello.js';
import { goldenConversations, goldenTruth } from './golden-openings.js';
import type { Conversation, TruthConnection } from './golden-openings.js';

const summaries = new CertificateSummaries();

/** What this project's decoders see of a connection, in the fields of truth.json. */
function seen(conversation: Conversation): TruthConnection {
  const client = readOpening(conversation.clientBytes);
  const server = readOpening(conversation.serverBytes);
  const clientBody = client.messages.find((message) => message.type === HandshakeType.ClientHello)?.body;
  const clientHello = clientBody === undefined ? null : decodeClientHello(clientBody);
  assert.ok(clientHello?.kind !== 'malformed');
  const hello = clientHello?.value ?? null;
  const serverHellos = server.messages
    .filter((message) => message.type === HandshakeType.ServerHello)
    .map((message) => decodeServerHello(message.body))
    .flatMap((decoded) => (decoded.kind === 'message' ? [decoded.value] : []));
  const serverHello = serverHellos.filter((candidate) => !candidate.isHelloRetryRequest).at(-1) ?? null;
  const certificateBody = server.messages.find((message) => message.type === HandshakeType.Certificate)?.body;
  const certificates = certificateBody === undefined ? null : decodeCertificateList(certificateBody);
  const der = certificates?.kind === 'message' ? certificates.value[0] : undefined;
  const version = serverHello?.legacyVersion ?? hello?.legacyVersion ?? null;
  return {
    client: conversation.client,
    client_port: conversation.clientPort,
    server: conversation.server,
    server_port: conversation.serverPort,
    client_hello: hello !== null,
    server_hello: serverHello !== null,
    sni: hello?.serverName ?? null,
    client_alpns: hello?.alpn ?? [],
    ja3: (hello === null ? null : ja3(hello)) ?? { hash: null, string: null },
    ja3s: serverHello === null ? { hash: null, string: null } : ja3s(serverHello),
    cipher: serverHello === null ? null : hex4(serverHello.cipherSuite),
    legacy_version: version === null ? null : hex4(version),
    selected_version: serverHello === null ? null : hex4(selectedVersion(serverHello)),
    hrr: serverHellos.some((candidate) => candidate.isHelloRetryRequest),
    cert_sha1: der === undefined ? null : summaries.summarize(der).sha1.replaceAll(':', ''),
  };
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, '0');
}

function key(connection: { client_port: number; server: string }): string {
  return `${connection.client_port} ${connection.server}`;
}

for (const file of ['with-sni.pcap', 'without-sni.pcap']) {
  describe(`the decoders on golden/${file}`, () => {
    const connections = new Map(
      goldenConversations(file).map((conversation) => [key(seen(conversation)), conversation]),
    );

    it('see every connection that tshark sees, with the same fields', () => {
      const truth = goldenTruth(file);
      assert.ok(truth.length > 400, `${truth.length} connections`);
      for (const expected of truth) {
        const conversation = connections.get(key(expected));
        assert.ok(conversation, key(expected));
        const actual = seen(conversation);
        const wanted = Object.fromEntries(
          Object.keys(actual).map((field) => [field, expected[field as keyof TruthConnection]]),
        );
        assert.deepEqual({ ...actual }, { ...wanted, client_alpns: expected.client_alpns ?? [] });
      }
    });
  });
}
