import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { fingerprintTable } from '../../src/database/export.js';
import { csvPieces } from '../../src/database/export-table.js';
import { ATSF_2022 } from '../../src/database/hello-set.js';
import { importGoscannerFolder } from '../../src/database/import-goscanner.js';
import { showServers } from '../../src/database/show.js';
import type { Store } from '../../src/database/store.js';
import { HellotapError } from '../../src/errors.js';
import { zstd, zstdSkipReason } from '../zstd.js';
import { content, freshPath, freshStore, golden } from './scratch.js';

const HOSTS =
  'id,ip,port,server_name,synStart,synEnd,scanEnd,protocol,cipher,resultString,error_data,cert_id,cert_hash,' +
  'pub_key_hash,cert_valid,tls_alerts_send,peer_certificates,tls_alerts_received,client_hello';
const VERBOSE =
  'id,server_hello_protocol,server_hello_cipher,handshake_key_share_group_13,server_hello_extensions,' +
  'encrypted_extensions,cert_request_extensions,hello_retry_extensions,certificate_extensions,fingerprint';
/** Monday, 27 June 2022, 10:00 UTC. */
const BEGIN = 1_656_324_000;

interface Server {
  readonly ip: string;
  readonly port: number;
  readonly server_name: string | null;
  readonly hellos: Readonly<Record<string, string | null>>;
}

/** The two tables of a scan: a handshake for each server and Client Hello, in an order that a seed says. */
function scan(servers: readonly Server[], order: (a: number, b: number) => number = () => 0): [string, string] {
  const handshakes = servers.flatMap(({ ip, port, server_name: name, hellos }) =>
    Object.entries(hellos).map(([hello, text]) => ({ ip, port, name, hello, text })),
  );
  const ids = handshakes.map((_, i) => i + 1).sort(order);
  const rows = ids.map((id) => ({ id, ...handshakes[id - 1]! }));
  const hosts = rows.map(
    ({ id, ip, port, name, hello }, i) =>
      `${id},${ip},${port},${name ?? ''},${BEGIN + i},${BEGIN + i},,771,1301,SUCCESS,"[""a \\""b\\"", c""]",,,,1,,,,${hello}.json`,
  );
  // What never connected has no line.
  const verbose = rows.flatMap(({ id, text }) =>
    text === null ? [] : [`${id},771,1301,,"[[65281,""AA""]]",,,,,${text}`],
  );
  return [[HOSTS, ...hosts, ''].join('\n'), [VERBOSE, ...verbose.toReversed(), ''].join('\n')];
}

function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = freshPath('.scan');
  mkdirSync(path);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  return path;
}

const [hosts, verbose] = scan(golden);
const fingerprints = `${[
  ['ip', 'port', 'server_name', ...ATSF_2022.hellos, 'fingerprint'].join(','),
  ...golden
    .filter((line) => line.fingerprint !== null)
    .map((line) =>
      [
        line.ip,
        line.port,
        line.server_name ?? '',
        ...ATSF_2022.hellos.map((name) => line.hellos[name]!),
        line.fingerprint,
      ].join(','),
    ),
].join('\n')}\n`;
const exported = (store: Store): string => [...csvPieces(fingerprintTable(store))].join('');
const failure = (message: RegExp) => (error: unknown) =>
  error instanceof HellotapError && error.code === 'ERR_IMPORT' && message.test(error.message);

describe("goscanner's output folder", () => {
  it('gives from hosts.csv and tls_verbose.csv the fingerprints that generate-fingerprints gives', async () => {
    const [joined, combined] = [freshStore(), freshStore()];
    const reports = await importGoscannerFolder(joined, folder({ 'hosts.csv': hosts, 'tls_verbose.csv': verbose }));
    assert.deepEqual(
      reports.map(({ table, rows, rejected }) => [table, rows, rejected]),
      [
        ['handshakes', golden.length * 10, 0],
        ['handshake fingerprints', verbose.trimEnd().split('\n').length - 1, 0],
      ],
    );
    const [report] = await importGoscannerFolder(
      combined,
      folder({ 'hosts.csv': hosts, 'fingerprints.csv': fingerprints }),
    );
    assert.equal(report!.changed, golden.filter((line) => line.fingerprint !== null).length);
    assert.equal(exported(joined), exported(combined));
    for (const store of [joined, combined]) {
      assert.equal(showServers(store, golden[0]!.ip)[0]!.lastSeen, BEGIN, 'seen when the scan began');
    }
  });

  it('remembers a server that answered some of the Client Hellos', async () => {
    const store = freshStore();
    const silent = { ip: '192.0.2.1', port: 443, server_name: null, hellos: { ...golden[0]!.hellos } };
    const some = { ...silent, ip: '192.0.2.2', hellos: { ...silent.hellos, random458: null } };
    for (const name of ATSF_2022.hellos) silent.hellos[name] = null;
    const [h, v] = scan([silent, some]);
    await importGoscannerFolder(store, folder({ 'hosts.csv': h, 'tls_verbose.csv': v }));
    assert.deepEqual(showServers(store, '192.0.2.1'), []);
    assert.equal(showServers(store, '192.0.2.2')[0]!.fingerprintId, null);
  });

  it('changes nothing when it comes twice, in another order, or packed', { skip: zstdSkipReason() }, async () => {
    const store = freshStore();
    const options = { label: 'lab', kind: 'software', source: 'toplist:lab' };
    await importGoscannerFolder(store, folder({ 'hosts.csv': hosts, 'tls_verbose.csv': verbose }), options);
    const before = content(store);
    const [h, v] = scan(golden, (a, b) => ((a * 7919) % 1009) - ((b * 7919) % 1009));
    for (const files of [
      { 'hosts.csv': hosts, 'tls_verbose.csv': verbose },
      { 'hosts.csv': h, 'tls_verbose.csv': v },
      { 'hosts.csv.gz': gzipSync(hosts), 'tls_verbose.csv.zst': zstd(verbose) },
    ]) {
      const reports = await importGoscannerFolder(store, folder(files), options);
      assert.deepEqual(
        reports.map(({ changed, rejected }) => [changed, rejected]),
        [
          [0, 0],
          [0, 0],
        ],
      );
      assert.deepEqual(content(store), before);
    }
  });

  it('combines any answers as the rules say', async () => {
    const text = fc.constantFrom<string | null>(
      null,
      '',
      '771_1301_43.AwQ-51.29____',
      '771_c02f_5.-11.AQ____',
      '769_2f_-____<40',
      '771_c02f_11.AQ-5.____',
    );
    const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1');
    const servers = fc.uniqueArray(
      fc.record({
        ip: address,
        port: fc.constantFrom(443, 8443),
        server_name: fc.constantFrom(null, 'a.test'),
        texts: fc.array(text, { minLength: 10, maxLength: 10 }),
      }),
      { selector: ({ ip, port, server_name: name }) => `${ip} ${port} ${name ?? ''}`, maxLength: 8, minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(servers, async (made) => {
        const all = made.map(({ texts, ...server }) => ({
          ...server,
          hellos: Object.fromEntries(ATSF_2022.hellos.map((name, i) => [name, texts[i] ?? null])),
        }));
        const [h, v] = scan(all);
        const store = freshStore();
        await importGoscannerFolder(store, folder({ 'hosts.csv': h, 'tls_verbose.csv': v }));
        const expected = all
          .filter(({ hellos }) => Object.values(hellos).every((one) => one !== null && one !== ''))
          .map(({ ip, port, server_name: name, hellos }) => {
            const texts = ATSF_2022.hellos.map((hello) => hellos[hello]!);
            const parts = texts.map((one) => one.replace(/-5\./g, '').replace(/_5\.-?/g, '_'));
            return [ip, port, name ?? '', ...texts, parts.join('|')].join(',');
          });
        const rows = made.every(({ texts }) => texts.every((one) => !one))
          ? []
          : exported(store).trimEnd().split('\n').slice(1);
        assert.deepEqual(rows.sort(), expected.sort());
      }),
      { numRuns: 30 },
    );
  });

  it('takes the last text in order where a Client Hello was sent twice', async () => {
    const store = freshStore();
    const one = golden.find((line) => line.fingerprint !== null)!;
    const other = { ...one, hellos: { random458: '<40' } };
    const [h, v] = scan([one, other]);
    await importGoscannerFolder(store, folder({ 'hosts.csv': h, 'tls_verbose.csv': v }));
    assert.match(exported(store), new RegExp(`^${one.ip.replaceAll('.', '\\.')},.*`, 'm'));
    const last = [one.hellos['random458']!, '<40'].sort()[1]!;
    assert.equal(exported(store).trimEnd().split('\n')[1]!.split(',')[4], last);
  });

  it('names damaged rows of both tables with their lines, and takes the others', async () => {
    const store = freshStore();
    const bad = hosts.split('\n');
    bad.splice(1, 0, 'x,192.0.2.1,443,,1,1,,0,0,SUCCESS,,,,,,,,,random458.json');
    bad.splice(2, 0, bad[2]!.replace('127.0.', '127.300.'));
    bad.splice(4, 0, bad[3]!);
    const badVerbose = verbose.split('\n');
    badVerbose.splice(1, 0, '4294967295,771,1301,,,,,,,771_1301_____', '1,771,1301,,,,,,,a b', '1,771', '"1');
    const [first, second] = await importGoscannerFolder(
      store,
      folder({ 'hosts.csv': bad.join('\n'), 'tls_verbose.csv': badVerbose.join('\n') }),
    );
    assert.deepEqual(
      first!.rejects.map(({ line, reason }) => `${line} ${reason}`),
      ['2 "x" is no id of a handshake', `3 "${bad[2]!.split(',')[1]!}" is no IP address`, '5 the id 1 was met before'],
    );
    assert.deepEqual(
      second!.rejects.map(({ line, reason }) => `${line} ${reason}`),
      [
        '2 no handshake has the id 4294967295',
        '3 the fingerprint holds characters that none has',
        '4 2 columns where the header has 10',
        '5 quotes are broken',
      ],
    );
    assert.equal(second!.changed, golden.filter(({ hellos }) => Object.values(hellos).some((text) => text)).length);
  });

  it('leaves nothing behind where a table is damaged, and says which', async () => {
    const store = freshStore();
    const before = content(store);
    const packed = gzipSync(verbose);
    for (const [files, message] of [
      [{}, /no output of goscanner/],
      [{ 'hosts.csv': hosts }, /no output of goscanner/],
      [{ 'tls_verbose.csv': verbose }, /no output of goscanner/],
      [{ 'hosts.csv': '', 'tls_verbose.csv': verbose }, /hosts\.csv: is empty/],
      [
        { 'hosts.csv': 'id,ip\n1,2\n', 'tls_verbose.csv': verbose },
        /hosts\.csv, line 1: .*port, server_name, client_hello missing/,
      ],
      [
        { 'hosts.csv': hosts, 'tls_verbose.csv.gz': packed.subarray(0, packed.length / 2) },
        /tls_verbose\.csv\.gz: the gzip data is damaged/,
      ],
      [
        { 'hosts.csv': hosts, 'tls_verbose.csv': Buffer.from([0x89, 0, 1, 2, 0x0a]) },
        /tls_verbose\.csv, line 1: holds NUL/,
      ],
      [
        { 'hosts.csv': hosts.replaceAll('random458.json', 'other.json'), 'tls_verbose.csv': verbose },
        /say which hello set they are with --hello-set/,
      ],
    ] as const) {
      await assert.rejects(importGoscannerFolder(store, folder(files)), failure(message));
    }
    const gone = folder({});
    rmSync(gone, { recursive: true });
    await assert.rejects(importGoscannerFolder(store, gone), failure(/cannot be read/));
    assert.deepEqual(content(store), before);
  });

  it("takes the paper's ten out of a scan with more Client Hellos, or all of them under a name", async () => {
    const more = golden.map((line) => ({ ...line, hellos: { ...line.hellos, extra: '771_1301_____' } }));
    const [h, v] = scan(more);
    const path = folder({ 'hosts.csv': h, 'tls_verbose.csv': v });
    const [ten, eleven] = [freshStore(), freshStore()];
    await importGoscannerFolder(ten, path);
    await importGoscannerFolder(eleven, path, { helloSet: 'mine' });
    assert.deepEqual(exported(ten).trimEnd().split('\n').sort(), fingerprints.trimEnd().split('\n').sort());
    assert.match([...csvPieces(fingerprintTable(eleven, 'mine'))].join(''), /^ip,port,server_name,extra,random4520/);
  });
});
