import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { GOLDEN } from '../capture/captures.js';
import { openFileSource } from '../../src/capture/file-source.js';
import type { FlowDirection } from '../../src/capture/flow-record.js';
import { readPassiveHandshake } from '../../src/engine/passive-handshake.js';
import { ja3 } from '../../src/fingerprint/ja3.js';
import { decodeClientHello, type ClientHello } from '../../src/tls/client-hello.js';
import { HandshakeType } from '../../src/tls/constants.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import { KeyLog, type ServerSecrets } from '../../src/tls/key-log.js';

interface GoldenLine {
  readonly deployment: string;
  readonly ip: string;
  readonly server_name: string | null;
  readonly hellos: Readonly<Record<string, string | null>>;
}

/** One connection of a golden capture. */
interface Watched {
  readonly serverAddress: string;
  readonly helloName: string;
  readonly clientHello: ClientHello;
  readonly server: FlowDirection;
  readonly secrets: ServerSecrets | null;
}

function clientHelloOf(records: Uint8Array): ClientHello | null {
  const message = readOpening(records).messages.find(({ type }) => type === HandshakeType.ClientHello);
  const decoded = message === undefined ? null : decodeClientHello(message.body);
  return decoded?.kind === 'message' ? decoded.value : null;
}

/** Names of the scanner's hellos by JA3, which tells the ten apart. */
function helloNames(): Map<string | null, string> {
  const hellos = JSON.parse(readFileSync(join(GOLDEN, 'client-hellos.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const named = Object.entries(hellos).flatMap(([name, situations]) =>
    Object.values(situations).map((hex) => [clientHelloOf(Buffer.from(hex, 'hex')), name] as const),
  );
  return new Map(named.map(([hello, name]) => [hello === null ? null : (ja3(hello)?.hash ?? null), name]));
}

async function watch(file: 'with-sni' | 'without-sni'): Promise<Watched[]> {
  const names = helloNames();
  const keyLog = new KeyLog();
  for (const line of readFileSync(join(GOLDEN, `${file}.keylog`), 'latin1').split('\n')) keyLog.addLine(line);
  const watched: Watched[] = [];
  for await (const batch of openFileSource(join(GOLDEN, `${file}.pcap`), { openingBeyond: 32 * 1024 }).batches()) {
    for (const record of batch) {
      if (record.kind !== 'flow') continue;
      const clientHello = clientHelloOf(record.client.bytes.slice());
      if (clientHello === null) continue;
      const { end, firstApplicationDataLength, changeCipherSpec, bytes } = record.server;
      watched.push({
        serverAddress: record.serverAddress,
        helloName: names.get(ja3(clientHello)?.hash ?? null) ?? '',
        clientHello,
        server: { bytes: bytes.slice(), end, firstApplicationDataLength, changeCipherSpec },
        secrets: keyLog.secretsOf(clientHello.random),
      });
    }
  }
  return watched;
}

/** Behind each record, and in the middle of each. */
function cuts(records: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let at = 0; at + 5 < records.length;) {
    const end = at + 5 + (((records[at + 3] ?? 0) << 8) | (records[at + 4] ?? 0));
    lengths.push(at, (at + Math.min(end, records.length)) >> 1);
    at = end;
  }
  return lengths;
}

const golden = readFileSync(join(GOLDEN, 'fingerprints.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as GoldenLine);

for (const file of ['with-sni', 'without-sni'] as const) {
  describe(`the handshakes of ${file}.pcap, watched with their key log`, async () => {
    const all = await watch(file);
    const texts = all.map(
      ({ server, clientHello, secrets }) => readPassiveHandshake(server, clientHello, secrets).text,
    );

    it('have the text that the scanner noted as their client, every one of them', () => {
      const seen = new Map(all.map(({ serverAddress, helloName }, at) => [`${serverAddress} ${helloName}`, texts[at]]));
      assert.equal(seen.size, all.length);
      let compared = 0;
      for (const { deployment, ip, server_name: name, hellos } of golden) {
        if ((name !== null) !== (file === 'with-sni')) continue;
        for (const [hello, expected] of Object.entries(hellos)) {
          assert.equal(seen.get(`${ip} ${hello}`) ?? null, expected, `${deployment} ${hello}`);
          compared += 1;
        }
      }
      assert.equal(compared, 520);
    });

    it('have no text where TLS 1.3 went on and its secrets are missing or wrong', () => {
      const withSecrets = all.filter(({ secrets }) => secrets?.handshake !== undefined);
      assert.equal(withSecrets.length, 47);
      const wrong = { handshake: new Uint8Array(32).fill(1), application: new Uint8Array(32).fill(2) };
      for (const { server, clientHello, secrets } of withSecrets) {
        const right = readPassiveHandshake(server, clientHello, secrets);
        for (const other of [null, wrong, { application: wrong.application }]) {
          const { text, certificate } = readPassiveHandshake(server, clientHello, other);
          // A handshake that ended at its ServerHello needs none.
          if (right.certificate === null) assert.ok(text === null || text === right.text);
          else assert.deepEqual({ text, certificate }, { text: null, certificate: null });
        }
      }
    });

    it('have the right text or none where the capture ends or breaks off within them', () => {
      all.forEach(({ server, clientHello, secrets }, at) => {
        for (const length of cuts(server.bytes)) {
          for (const end of ['open', 'gap'] as const) {
            const cut = { ...server, bytes: server.bytes.subarray(0, length), end };
            const { text } = readPassiveHandshake(cut, clientHello, secrets);
            assert.ok(text === null || text === texts[at], `${length} of ${server.bytes.length} bytes: ${text}`);
          }
        }
      });
    });
  });
}
