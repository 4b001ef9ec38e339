import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { fingerprintTable, labelTable } from '../../src/database/export.js';
import { csvPieces } from '../../src/database/export-table.js';
import { ATSF_2022 } from '../../src/database/hello-set.js';
import { importFile, importStream } from '../../src/database/import.js';
import { removeLabel } from '../../src/database/labels.js';
import { parseFingerprintKey } from '../../src/database/fingerprint-key.js';
import { showFingerprints, showServers } from '../../src/database/show.js';
import type { Store } from '../../src/database/store.js';
import { HellotapError } from '../../src/errors.js';
import { content, file, freshPath, freshStore, golden, goldenLine } from './scratch.js';

const header = ['ip', 'port', 'server_name', ...ATSF_2022.hellos, 'fingerprint'].join(',');
const rowOf = (line: (typeof golden)[number], ip = line.ip): string =>
  [
    ip,
    line.port,
    line.server_name ?? '',
    ...ATSF_2022.hellos.map((name) => line.hellos[name] ?? ''),
    line.fingerprint,
  ].join(',');
const complete = golden.filter((line) => line.fingerprint !== null);
const table = [header, ...complete.map((line) => rowOf(line))].join('\n') + '\n';
const seen = new Date('2022-06-27T00:00:00Z');
const whole = (pieces: Iterable<string>): string => [...pieces].join('');
const failure = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof HellotapError && error.code === code && message.test(error.message);

describe("goscanner's table of fingerprints", () => {
  it('goes in and comes out again, status_request and all', async () => {
    const store = freshStore();
    const report = await importFile(store, file(table), { seen });
    assert.equal(report.table, 'fingerprints');
    assert.equal(report.rows, complete.length);
    assert.equal(report.changed, complete.length);
    assert.equal(report.rejected, 0);
    const lines = (text: string): string[] => text.trimEnd().split('\n').sort();
    assert.deepEqual(lines(whole(csvPieces(fingerprintTable(store)))), lines(table));
  });

  it('changes nothing when it comes twice', async () => {
    const store = freshStore();
    const path = file(table);
    const options = { seen, label: 'lab', kind: 'software', source: 'toplist:lab' };
    await importFile(store, path, options);
    const before = content(store);
    const again = await importFile(store, path, options);
    assert.equal(again.changed, 0);
    assert.equal(again.newFingerprints, 0);
    assert.deepEqual(content(store), before);
  });

  it('is read packed with gzip, from a stream, with CRLF and a byte-order mark', async () => {
    const expected = freshStore();
    await importFile(expected, file(table), { seen });
    for (const bytes of [
      gzipSync(table),
      Buffer.from(`\uFEFF${table.replaceAll('\n', '\r\n')}`),
      Buffer.from(table.trimEnd()),
    ]) {
      const store = freshStore();
      const pieces = Array.from({ length: Math.ceil(bytes.length / 777) }, (_, i) =>
        bytes.subarray(i * 777, (i + 1) * 777),
      );
      await importStream(store, 'standard input', Readable.from(pieces), { seen });
      assert.equal(whole(csvPieces(fingerprintTable(store))), whole(csvPieces(fingerprintTable(expected))));
    }
  });

  it('is found by its columns, wherever they stand, and may have the other readings of the published data', async () => {
    const columns = [
      'fingerprint',
      'random9428_sr',
      'server_name',
      'port',
      ...ATSF_2022.hellos.toReversed(),
      'ip',
      'fingerprint_jarm',
    ];
    const rows = complete.map((line) =>
      columns
        .map(
          (column) =>
            ({
              ip: line.ip,
              port: line.port,
              server_name: line.server_name ?? '',
              fingerprint: line.fingerprint ?? '',
              ...line.hellos,
            })[column] ?? '',
        )
        .join(','),
    );
    const store = freshStore();
    const expected = freshStore();
    await importFile(expected, file(table), { seen });
    assert.equal((await importFile(store, file([columns.join(','), ...rows].join('\n')), { seen })).rejected, 0);
    assert.equal(whole(csvPieces(fingerprintTable(store))), whole(csvPieces(fingerprintTable(expected))));
  });

  it('labels the fingerprints of its servers, each with the number of servers seen', async () => {
    const store = freshStore();
    const nginx = goldenLine('nginx-default');
    const rows = [1, 2, 3].map((host) => rowOf(nginx, `192.0.2.${host}`));
    await importFile(store, file([header, ...rows].join('\n')), {
      seen,
      label: 'nginx',
      kind: 'software',
      source: 'lab',
    });
    await importFile(store, file([header, rowOf(nginx, '198.51.100.1')].join('\n')), {
      seen,
      label: 'AppX',
      kind: 'c2',
      source: 'blocklist:x',
    });
    const [card] = showFingerprints(store, nginx.fingerprint!);
    assert.deepEqual(
      card!.labels.map(({ name, kind, count, share, sources }) => ({ name, kind, count, share, sources })),
      [
        { name: 'nginx', kind: 'software', count: 3, share: 0.75, sources: ['lab'] },
        { name: 'AppX', kind: 'c2', count: 1, share: 0.25, sources: ['blocklist:x'] },
      ],
    );
    assert.deepEqual(card!.lists, { blocklist: 1, toplist: 0 });
    assert.equal(card!.servers, 4);
  });

  it('scores a fingerprint by the lists on which its servers stand', async () => {
    const store = freshStore();
    const nginx = goldenLine('nginx-default');
    const rows = (...hosts: number[]): string =>
      file([header, ...hosts.map((host) => rowOf(nginx, `192.0.2.${host}`))].join('\n'));
    await importFile(store, rows(1), { seen, source: 'blocklist' });
    await importFile(store, rows(2, 3, 4), { seen, source: 'toplist:tranco' });
    const [card] = showFingerprints(store, nginx.fingerprint!);
    assert.equal(card!.c2Score, 0.25);
    assert.deepEqual(card!.labels, []);
  });

  it('keeps rows without a complete fingerprint as servers that were tried', async () => {
    const store = freshStore();
    await importFile(store, file(`${header}\n192.0.2.1,443,,${'______<40,'.repeat(9)},\n`), { seen });
    const [server] = showServers(store, '192.0.2.1');
    assert.equal(server!.fingerprintId, null);
    assert.equal(whole(csvPieces(fingerprintTable(store))), `${header}\n`);
  });

  it('lists bad rows with their lines and takes the good ones', async () => {
    const store = freshStore();
    const good = rowOf(complete[0]!);
    const rows = [
      header,
      good.replace('127.0.1.1', '127.0.1.300'),
      good.replace(',8443,', ',0,'),
      good,
      good.replace('"', ''),
      '',
      '1.2.3.4,443',
      good.replace(/[^,]*$/, 'a|b'),
      good.replace('127.0.1.1', '127.0.1.2').replace(/^/, '"'),
      good.replace('127.0.1.1', '\u0000'),
      good.replace(',8443,,', `,8443,${'x'.repeat(256)},`),
    ];
    const bytes = Buffer.concat([
      Buffer.from(rows.join('\n')),
      Buffer.from('\n\xff\xfe\n', 'latin1'),
      Buffer.from(good),
    ]);
    const report = await importFile(store, file(bytes), { seen });
    assert.equal(report.rejected, 8);
    assert.deepEqual(
      report.rejects.map(({ line }) => line).sort((a, b) => a - b),
      [2, 3, 7, 8, 9, 10, 11, 12],
    );
    const reasons = new Map(report.rejects.map(({ line, reason }) => [line, reason]));
    assert.match(reasons.get(2)!, /127\.0\.1\.300.* no IP address/);
    assert.match(reasons.get(3)!, /"0" is no port/);
    assert.match(reasons.get(7)!, /2 columns where the header has 14/);
    assert.match(reasons.get(8)!, /2 parts for 10 Client Hellos/);
    assert.match(reasons.get(9)!, /quotes are broken/);
    assert.match(reasons.get(10)!, /NUL bytes/);
    assert.match(reasons.get(11)!, /server name/);
    assert.match(reasons.get(12)!, /not UTF-8/);
    assert.equal(report.changed, 1);
  });

  it('is read the same whether its rows are known by their bytes or taken apart value by value', async () => {
    const tail = (index: number): string[] => {
      const line = complete[index % complete.length]!;
      return [...ATSF_2022.hellos.map((name) => line.hellos[name] ?? ''), line.fingerprint!];
    };
    const row = fc
      .record({
        ip: fc.oneof(
          fc.constantFrom(
            '192.0.2.1',
            '2001:db8::1',
            '2001:0DB8:0::1',
            '1.2.3',
            '1.2.3.04',
            '1.2.3.4.5',
            '',
            '999.1.1.1',
          ),
          fc.ipV4(),
          fc.ipV6(),
        ),
        port: fc.constantFrom('443', '8443', '0', '65536', '00443', '', '4x3'),
        name: fc.constantFrom(
          '',
          'example.org',
          'WWW.Example.ORG',
          'b\u00fccher.example',
          'a b',
          'x'.repeat(255),
          'x'.repeat(256),
        ),
        tail: fc.nat(2).map(tail),
        extra: fc.constantFrom([], [], [], ['too', 'many']),
      })
      .map(({ ip, port, name, tail: rest, extra }) => [ip, port, name, ...rest, ...extra]);
    const lines = fc.array(fc.oneof({ weight: 8, arbitrary: row }, fc.constantFrom<string[]>([''], ['# a comment'])), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 5000 }),
        async (rows, end, size) => {
          const plain = freshStore();
          const bytes = Buffer.from([header, ...rows.map((values) => values.join(','))].join(end));
          const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size),
          );
          const asBytes = await importStream(plain, 'x', Readable.from(pieces), { seen });
          const quoted = freshStore();
          const quote = (values: string[]): string =>
            values.length < 2 ? values.join() : values.map((v) => `"${v}"`).join();
          const asValues = await importStream(
            quoted,
            'x',
            Readable.from([Buffer.from([header, ...rows.map(quote)].join('\n'))]),
            { seen },
          );
          assert.deepEqual(asBytes, asValues);
          assert.deepEqual(content(plain), content(quoted));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('skips a line without end in bounded memory', async () => {
    const store = freshStore();
    const megabyte = Buffer.alloc(1 << 20, 0x61);
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${header}\n`);
      for (let i = 0; i < 300; i++) {
        yield megabyte;
        await Promise.resolve();
      }
      yield Buffer.from(`\n${rowOf(complete[0]!)}\n`);
    }
    const before = process.memoryUsage.rss();
    const report = await importStream(store, 'endless', source(), { seen });
    assert.deepEqual(report.rejects, [{ line: 2, reason: 'longer than 1048576 bytes' }]);
    assert.equal(report.changed, 1);
    assert.ok(process.memoryUsage.rss() - before < 100 * (1 << 20), 'memory grew with the line');
  });

  it('asks for the name of a hello set that it does not know', async () => {
    const store = freshStore();
    const path = file('ip,port,server_name,a,b,fingerprint\n192.0.2.1,443,,______<40,______<80,______<40|______<80\n');
    await assert.rejects(importFile(store, path, { seen }), failure('ERR_IMPORT', /--hello-set/));
    await importFile(store, path, { seen, helloSet: 'two' });
    assert.equal(whole(csvPieces(fingerprintTable(store, 'two'))), readFileSync(path, 'utf8'));
    assert.throws(() => whole(csvPieces(fingerprintTable(store, 'three'))), failure('ERR_HELLO_SET', /three/));
  });

  it('leaves nothing behind where reading breaks off', async () => {
    const store = freshStore();
    const before = content(store);
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(table);
      await Promise.resolve();
      throw new Error('the pipe broke');
    }
    await assert.rejects(importStream(store, 'pipe', source(), { seen }), /the pipe broke/);
    const cut = gzipSync(table).subarray(0, 400);
    await assert.rejects(
      importStream(store, 'cut', Readable.from([cut]), { seen }),
      failure('ERR_IMPORT', /gzip data is damaged/),
    );
    assert.deepEqual(content(store), before);
  });
});

describe('files that are no table', () => {
  for (const [what, bytes, message] of [
    ['an empty file', '', /is empty/],
    ['only comments', '# nothing\n', /is empty/],
    ['other columns', 'name,age\nx,1\n', /line 1: no table that is known/],
    ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 10, 1, 2, 3]), /line 1: holds NUL bytes/],
    ['a text in another encoding', Buffer.from('gr\xfc\xdfe\n', 'latin1'), /line 1: not UTF-8/],
    ['broken quotes in the header', '"ip,port\n', /line 1: quotes are broken/],
  ] as const) {
    it(`are refused: ${what}`, async () => {
      await assert.rejects(importFile(freshStore(), file(bytes)), failure('ERR_IMPORT', message));
    });
  }

  it('are refused: no such file, a folder', async () => {
    await assert.rejects(importFile(freshStore(), freshPath()), failure('ERR_IMPORT', /cannot be read: no such file/));
    await assert.rejects(
      importFile(freshStore(), '/'),
      failure('ERR_IMPORT', /cannot be read: illegal operation on a directory/),
    );
  });

  it('or options that do not fit are refused', async () => {
    const path = file(table);
    await assert.rejects(
      importFile(freshStore(), path, { kind: 'malware', label: 'x' }),
      failure('ERR_USAGE', /software, cdn/),
    );
    await assert.rejects(importFile(freshStore(), path, { kind: 'c2' }), failure('ERR_USAGE', /--label/));
  });
});

describe('labels tables', () => {
  const jarm = `jarm:07d14d16d21d21d07c42d41d00041d24a458a375eef0c576d23a7bab9a9fb1`;

  it('go in with keys of every kind and come out again', async () => {
    const store = freshStore();
    const rows = [
      'fingerprint,label,kind,source,first_seen,last_seen,count',
      `${complete[0]!.fingerprint!},nginx,software,lab,2022-06-27T00:00:00Z,2022-07-04T10:00:00Z,12`,
      `0123456789abcdef0123456789abcdef,"Cloudflare, Inc.",cdn,,,,3`,
      `${jarm},"say ""Cobalt Strike""",c2,list,,,1`,
      'cert-sha1:0123456789012345678901234567890123456789,Dridex,c2,sslbl,2022-01-01T00:00:00Z,2022-01-01T00:00:00Z,1',
      'endpoint:[2001:db8::1]:443,own web,own,,,,1',
    ];
    const text = rows.join('\n') + '\n';
    const report = await importFile(store, file(text));
    assert.equal(report.table, 'labels');
    assert.deepEqual([report.rows, report.rejected, report.changed], [5, 0, 5]);
    assert.equal(whole(csvPieces(labelTable(store))), text);
    assert.equal((await importFile(store, file(text))).changed, 0);
  });

  it('bring spans and counts together, in whatever order rows come', async () => {
    const claim = fc.record({
      label: fc.constantFrom('a', 'b'),
      kind: fc.constantFrom('software', 'c2'),
      source: fc.constantFrom('', 's', 'toplist'),
      first: fc.integer({ min: 0, max: 1_000_000 }),
      span: fc.integer({ min: 0, max: 1_000_000 }),
      count: fc.integer({ min: 1, max: 1000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(claim, { minLength: 1, maxLength: 12 }), async (claims) => {
        const rows = claims.map(({ label, kind, source, first, span, count }) =>
          [jarm, label, kind, source, iso(first), iso(first + span), count].join(','),
        );
        const columns = 'fingerprint,label,kind,source,first_seen,last_seen,count';
        const one = freshStore();
        await importFile(one, file([columns, ...rows].join('\n')));
        const other = freshStore();
        for (const row of rows.toReversed()) await importFile(other, file([columns, row].join('\n')));
        const sorted = (store: Store): string[] =>
          whole(csvPieces(labelTable(store)))
            .split('\n')
            .sort();
        assert.deepEqual(sorted(other), sorted(one));
        const copy = freshStore();
        await importFile(copy, file(whole(csvPieces(labelTable(one)))));
        assert.deepEqual(sorted(copy), sorted(one));
      }),
      { numRuns: 15 },
    );
  });

  it('need only the first three columns; unknown columns are named', async () => {
    const store = freshStore();
    const report = await importFile(store, file(`kind,note,label,fingerprint\nc2,seen in a talk,Sliver,${jarm}\n`), {
      source: 'talk',
    });
    assert.deepEqual(report.unknownColumns, ['note']);
    const [card] = showFingerprints(store, jarm);
    assert.deepEqual(card!.labels, [
      { name: 'Sliver', kind: 'c2', count: 1, share: 1, firstSeen: null, lastSeen: null, sources: ['talk'] },
    ]);
    assert.equal(card!.c2Score, 1);
  });

  it('list bad rows with their lines and take the good ones', async () => {
    const store = freshStore();
    const rows = [
      'fingerprint,label,kind,source,first_seen,last_seen,count',
      `${jarm},ok,c2,,,,`,
      `jarm:12,x,c2,,,,`,
      `${jarm},,c2,,,,`,
      `${jarm},x,malware,,,,`,
      `${jarm},x,c2,,yesterday,,`,
      `${jarm},x,c2,,2022-02-02,2022-01-01,`,
      `${jarm},x,c2,,,,0`,
      `${jarm},x,c2,,,,-3`,
      `${jarm},x,c2`,
    ];
    const report = await importFile(store, file(rows.join('\n')));
    assert.deepEqual(
      report.rejects.map(({ line }) => line),
      [3, 4, 5, 6, 7, 8, 9, 10],
    );
    assert.equal(report.changed, 1);
  });

  it('do not bring back what was removed by hand', async () => {
    const store = freshStore();
    const path = file(`fingerprint,label,kind\n${jarm},Cobalt Strike,c2\n${jarm},Java,software\n`);
    await importFile(store, path);
    const key = parseFingerprintKey(jarm);
    assert.ok(typeof key !== 'string');
    assert.equal(removeLabel(store, key, 'Cobalt Strike', null), 1);
    assert.equal((await importFile(store, path)).changed, 0);
    const [card] = showFingerprints(store, jarm);
    assert.deepEqual(
      card!.labels.map(({ name, share }) => [name, share]),
      [['Java', 1]],
    );
    assert.equal(card!.c2Score, null);
  });

  function iso(seconds: number): string {
    return new Date(seconds * 1000).toISOString();
  }
});
