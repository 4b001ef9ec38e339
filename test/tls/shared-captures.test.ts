import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openFileSource } from '../../src/capture/file-source.js';
import { readTlsFlow } from '../../src/engine/tls-flow.js';
import { ja3 } from '../../src/fingerprint/ja3.js';
import { ja3s } from '../../src/fingerprint/ja3s.js';
import { ja4 } from '../../src/fingerprint/ja4.js';
import { CertificateSummaries } from '../../src/tls/certificate-summary.js';
import { selectedVersion } from '../../src/tls/server-hello.js';
import type { TruthConnection } from './golden-openings.js';

// Captures of other projects, which are not part of this one: checked where they lie beside it.
const FOLDER = new URL('../../../shared/pcaps/', import.meta.url);
const SKIP = existsSync(new URL('truth.json', FOLDER)) ? false : 'needs ../shared/pcaps';

interface SharedConnection extends TruthConnection {
  readonly starttls: boolean;
  readonly tunnelled: boolean;
}

/** Where these decoders and tshark differ, and why. Client ports by file. */
const EXPLAINED: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  'ndpi-tls_cipher_lens.pcap': {
    51589: 'cipher_suites runs past the end of the hello; tshark reports an empty ClientHello',
    51590: 'cipher_suites runs past the end of the hello; tshark reports an empty ClientHello',
    51591: 'cipher_suites of length 0: what follows is garbage, of which we read an extension and tshark none',
  },
};

const COMPARED = [
  'client',
  'client_port',
  'server',
  'server_port',
  'sni',
  'client_alpns',
  'ja3',
  'ja3s',
  'cipher',
  'selected_version',
  'hrr',
  'cert_sha1',
] as const;

const certificates = new CertificateSummaries();

async function connectionsIn(file: string): Promise<(Partial<SharedConnection> & { ja4: string | null })[]> {
  const found: (Partial<SharedConnection> & { ja4: string | null })[] = [];
  for await (const batch of openFileSource(fileURLToPath(new URL(file, FOLDER))).batches()) {
    for (const record of batch) {
      if (record.kind !== 'flow') continue;
      const { clientHello, serverHello, certificate, helloRetryRequest } = readTlsFlow(record);
      const none = { hash: null, string: null };
      found.push({
        client: record.clientAddress,
        client_port: record.clientPort,
        server: record.serverAddress,
        server_port: record.serverPort,
        sni: clientHello?.serverName ?? null,
        client_alpns: clientHello?.alpn ?? [],
        ja3: (clientHello === null ? null : ja3(clientHello)) ?? none,
        ja3s: serverHello === null ? none : ja3s(serverHello),
        cipher: serverHello === null ? null : hex4(serverHello.cipherSuite),
        selected_version: serverHello === null ? null : hex4(selectedVersion(serverHello)),
        hrr: helloRetryRequest,
        cert_sha1: certificate === null ? null : certificates.summarize(certificate).sha1.replaceAll(':', ''),
        ja4: clientHello === null ? null : ja4(clientHello),
      });
    }
  }
  return found;
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, '0');
}

describe('the decoders on captures of other projects', { skip: SKIP }, () => {
  it('see what tshark sees, field by field, but for what is explained', async () => {
    const truth = JSON.parse(readFileSync(new URL('truth.json', FOLDER), 'utf8')) as Record<
      string,
      { readonly tls?: readonly SharedConnection[] }
    >;
    let compared = 0;
    const unexplained: string[] = [];
    for (const [file, { tls = [] }] of Object.entries(truth)) {
      const plain = tls.filter((connection) => !connection.starttls && !connection.tunnelled);
      if (plain.length === 0) continue;
      const ours = await connectionsIn(file);
      for (const expected of plain) {
        compared += 1;
        const isSeen = ours.some((seen) =>
          COMPARED.every((field) => JSON.stringify(seen[field]) === JSON.stringify(expected[field])),
        );
        if (!isSeen && EXPLAINED[file]?.[expected.client_port] === undefined) {
          unexplained.push(`${file}: ${expected.client}:${expected.client_port} > ${expected.server}`);
        }
      }
    }
    assert.deepEqual(unexplained, []);
    assert.ok(compared > 700, `${compared} connections`);
  });

  // From the reference implementation's own test results (FoxIO-LLC/ja4, rust/ja4/src/snapshots), JA4 alone.
  const published: [string, Readonly<Record<number, string>>][] = [
    [
      'ja4-tls-handshake.pcapng',
      {
        50112: 't13d1516h2_8daaf6152771_e5627efa2ab1',
        50122: 't13d1516h1_8daaf6152771_e5627efa2ab1',
        50123: 't13d151400_8daaf6152771_de4a06bb82e3',
        50153: 't13d1517h1_8daaf6152771_6cdcb247c39b',
        50159: 't13d1516h2_8daaf6152771_e5627efa2ab1',
      },
    ],
    [
      'ja4-latest.pcapng',
      {
        52936: 't13d1516h2_8daaf6152771_e5627efa2ab1',
        52937: 't12d190800_d83cc789557e_7af1ed941c26',
        52938: 't13d1516h2_8daaf6152771_9b887d9acb53',
      },
    ],
    ['ja4-badcurveball.pcap', { 55318: 't13d1615h2_46e7e9700bed_45f260be83e2' }],
  ];
  for (const [file, expected] of published) {
    it(`give the published JA4 of ${file}`, async () => {
      const ours = new Map((await connectionsIn(file)).map((connection) => [connection.client_port, connection.ja4]));
      for (const [port, print] of Object.entries(expected)) assert.equal(ours.get(Number(port)), print, port);
    });
  }
});
