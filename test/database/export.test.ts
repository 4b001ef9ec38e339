import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import fc from 'fast-check';
import { stringify } from 'csv-stringify/sync';
import { fingerprintTable, labelTable, observationTable, serverTable } from '../../src/database/export.js';
import { mispPieces } from '../../src/database/export-misp.js';
import { parquetPieces } from '../../src/database/export-parquet.js';
import { stixPieces } from '../../src/database/export-stix.js';
import { csvPieces, type Cell, type ExportTable } from '../../src/database/export-table.js';
import { importFile } from '../../src/database/import.js';
import { indicators, type Indicator } from '../../src/database/indicators.js';
import { prune } from '../../src/database/prune.js';
import { recordProbes } from '../../src/database/servers.js';
import type { Store } from '../../src/database/store.js';
import { uuid5 } from '../../src/database/uuid5.js';
import { COLUMNS, csvRow, synthetic, syntheticFingerprint } from '../../samples/synthetic/observations.js';
import { content, file, freshStore, goldenProbes } from './scratch.js';

const whole = (pieces: Iterable<string>): string => [...pieces].join('');

/** The rows of a Parquet file, by a reader of another's making. */
async function parquetRows(table: ExportTable, rowsPerGroup?: number): Promise<Record<string, unknown>[]> {
  const path = file(Buffer.concat([...parquetPieces(table, rowsPerGroup)]), '.parquet');
  return parquetReadObjects({ file: await asyncBufferFromFile(path) });
}

describe('a table as Parquet', () => {
  it('gives any rows back, with their types, in groups of any size', async () => {
    const cell = (type: string): fc.Arbitrary<Cell> =>
      fc.option<string | number>(
        type === 'text'
          ? fc.string({ unit: 'grapheme' })
          : fc.integer({ min: 0, max: type === 'time' ? 4e9 : Number.MAX_SAFE_INTEGER }),
      );
    const columns = [
      { name: 'a', type: 'text' },
      { name: 'b', type: 'integer' },
      { name: 'c', type: 'time' },
    ] as const;
    const rows = fc.array(fc.tuple(cell('text'), cell('integer'), cell('time')), { maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 20 }), async (made, size) => {
        const expected = made.map(([a, b, c]) => ({
          a,
          b: b === null ? null : BigInt(b),
          c: c === null ? null : new Date(Number(c) * 1000),
        }));
        const read = await parquetRows({ columns, rows: made }, size);
        assert.deepEqual(
          read.map((row) => ({ a: row['a'] ?? null, b: row['b'] ?? null, c: row['c'] ?? null })),
          expected,
        );
      }),
      { numRuns: 50 },
    );
  });

  it('is written a row group at a time', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => [`row ${i}`]);
    const pieces = [...parquetPieces({ columns: [{ name: 'a', type: 'text' }], rows }, 300)];
    assert.equal(pieces.length, 4 + 1);
    const path = file(Buffer.concat(pieces), '.parquet');
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
    assert.deepEqual(
      metadata.row_groups.map((group) => Number(group.num_rows)),
      [300, 300, 300, 100],
    );
  });

  it('says of servers what CSV says', async () => {
    const store = freshStore();
    recordProbes(store, goldenProbes(new Date('2022-06-27T10:00:00Z')), {
      source: { name: 'toplist', class: 'toplist' },
    });
    const rows = await parquetRows(serverTable(store));
    assert.equal(rows.length, goldenProbes(new Date()).length);
    const text = (value: unknown): string =>
      value instanceof Date ? value.toISOString().replace('.000', '') : String((value as bigint | null) ?? '');
    const csv = stringify([
      serverTable(store).columns.map(({ name }) => name),
      ...rows.map((row) => Object.values(row).map(text)),
    ]);
    assert.equal(csv, whole(csvPieces(serverTable(store))));
  });
});

describe('tables that go out and in again', () => {
  it('leave everything as it was: observations, of any seed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), fc.integer({ min: 1, max: 80 }), async (seed, rows) => {
        const monday = (week: number): string =>
          new Date(Date.parse('2022-06-20') + week * 7 * 86_400_000).toISOString().slice(0, 10);
        const lines = [...synthetic({ rows, weeks: 50, fingerprints: 8, seed })].map((row, i) =>
          // A few servers, seen in many weeks.
          csvRow({ ...row, week: monday(row.week), ip: `192.0.2.${i % 5}`, server_name: '' }),
        );
        const [one, two] = [freshStore(), freshStore()];
        await importFile(one, file([COLUMNS.join(','), ...lines].join('\n')));
        const out = whole(csvPieces(observationTable(one)));
        assert.equal((await importFile(two, file(out))).rejected, 0);
        for (const table of [observationTable, serverTable, labelTable]) {
          const sorted = (store: Store): string[] =>
            whole(csvPieces(table(store)))
              .split('\n')
              .sort();
          assert.deepEqual(sorted(two), sorted(one));
        }
        const before = content(one);
        assert.equal((await importFile(one, file(out))).changed, 0);
        assert.deepEqual(content(one), before);
      }),
      { numRuns: 20 },
    );
  });

  it('leave out weeks whose counts were pruned, of servers seen since as well', async () => {
    const rows = [...synthetic({ rows: 60, weeks: 12, fingerprints: 3, seed: 3 })].map((row) => ({
      ...row,
      ip: '192.0.2.1',
      port: 443,
      serverName: '',
    }));
    const table = (some: typeof rows): string => [COLUMNS.join(','), ...some.map(csvRow), ''].join('\n');
    const store = freshStore();
    await importFile(store, file(table(rows)), { seen: new Date('2022-01-03') });
    const weeks = (): Set<string> =>
      new Set(
        whole(csvPieces(observationTable(store)))
          .split('\n')
          .slice(1, -1)
          .map((line) => line.slice(0, 10)),
      );
    const before = weeks();
    prune(store, Date.parse('2022-02-14') / 1000);
    assert.deepEqual(weeks(), new Set([...before].filter((week) => week >= '2022-02-14')));
    assert.ok(before.size > weeks().size);
  });

  it('name the list that a source is, where its name does not', async () => {
    const store = freshStore();
    const table = whole(csvPieces(fingerprintTable(await goldenStore())));
    await importFile(store, file(table), { blocklist: true, source: 'mine', seen: new Date('2022-06-27') });
    assert.match(whole(csvPieces(observationTable(store))), /^2022-06-27,127\.0\.1\.1,8443,.*,blocklist:mine,\n/m);
  });
});

async function goldenStore(): Promise<Store> {
  const store = freshStore();
  recordProbes(store, goldenProbes(new Date('2022-06-27T10:00:00Z')));
  return Promise.resolve(store);
}

const sha1 = 'ab'.repeat(20);
const jarm = '2'.repeat(62);
const ja3 = 'c'.repeat(32);
const ja3s = 'd'.repeat(32);
const stack = syntheticFingerprint(7);

/** One of each kind on a block list, a JARM that content networks share, and a label that accuses nobody. */
async function accused(): Promise<Store> {
  const store = freshStore();
  const rows = [
    `cert-sha1:${sha1},synthetic RAT,c2,blocklist:x,2022-01-01,2022-02-01,3`,
    `ja3:${ja3},synthetic RAT,c2,blocklist:x,2022-01-01,2022-02-01,1`,
    `ja3s:${ja3s},"it's \\ ""odd""",c2,,,,1`,
    `jarm:${jarm},synthetic RAT,c2,blocklist:x,2022-01-01,,1`,
    `jarm:${jarm},synthetic CDN,cdn,toplist,2022-01-01,,99`,
    `endpoint:192.0.2.7:443,synthetic loader,c2,blocklist:y,2022-01-01,,1`,
    `endpoint:[2001:db8::7]:8443,synthetic loader,c2,blocklist:y,,,1`,
    `${stack},synthetic RAT,c2,blocklist:x,2022-03-01,2022-03-08,9`,
    `${stack},synthetic loader,c2,blocklist:y,2022-02-01,,1`,
    `${syntheticFingerprint(8)},nginx,software,,,,5`,
  ];
  await importFile(store, file(`fingerprint,label,kind,source,first_seen,last_seen,count\n${rows.join('\n')}\n`));
  return store;
}

describe('indicators', () => {
  it('are what reaches the score, with its labels, sources and times', async () => {
    const store = await accused();
    const all = [...indicators(store, 0.9)];
    assert.deepEqual(
      all.map(({ kind, labels, score }) => [kind, labels.join(), score]),
      [
        ['cert-sha1', 'synthetic RAT', 1],
        ['ja3', 'synthetic RAT', 1],
        ['ja3s', `it's \\ "odd"`, 1],
        ['endpoint', 'synthetic loader', 1],
        ['endpoint', 'synthetic loader', 1],
        ['atsf-2022', 'synthetic RAT,synthetic loader', 1],
      ],
    );
    assert.deepEqual(all[5]!.sources, ['blocklist:x', 'blocklist:y']);
    assert.deepEqual(
      [all[5]!.firstSeen, all[5]!.lastSeen],
      [Date.parse('2022-02-01') / 1000, Date.parse('2022-03-08') / 1000],
    );
    assert.equal(
      [...indicators(store, 0)].length,
      7,
      'the shared JARM has a score of 0.01, the label of software none',
    );
  });
});

/** RFC 9562 section 4: version 5, variant 10. */
const UUID5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const now = Date.parse('2026-11-25T00:00:00Z') / 1000;

it("names by UUID as RFC 9562's appendix A.4 does", () => {
  assert.equal(
    uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'),
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  );
});

describe('indicators as a STIX 2.1 bundle', () => {
  interface StixObject {
    readonly type: string;
    readonly id: string;
    readonly [property: string]: unknown;
  }
  const bundle = (all: Iterable<Indicator>): { type: string; id: string; objects: StixObject[] } =>
    JSON.parse(whole(stixPieces(all, now))) as { type: string; id: string; objects: StixObject[] };
  /** What sections 4 (objects), 5 (relationships) and 7.3 (extensions) of the standard require, besides what all have. */
  const REQUIRED: Readonly<Record<string, readonly string[]>> = {
    identity: ['name'],
    'extension-definition': ['created_by_ref', 'name', 'schema', 'version', 'extension_types'],
    indicator: ['pattern', 'pattern_type', 'valid_from'],
    malware: ['is_family'],
    relationship: ['relationship_type', 'source_ref', 'target_ref'],
  };

  it('have what the standard requires, and refer to objects that are there', async () => {
    const { type, id, objects } = bundle(indicators(await accused(), 0));
    assert.equal(type, 'bundle');
    assert.match(id.replace('bundle--', ''), UUID5);
    const ids = new Set(objects.map((one) => one.id));
    assert.equal(ids.size, objects.length);
    for (const one of objects) {
      for (const property of [...REQUIRED[one.type]!, 'spec_version', 'created', 'modified']) {
        assert.ok(one[property] !== undefined, `${one.type} has no ${property}`);
      }
      assert.equal(one['spec_version'], '2.1');
      assert.ok(one.id.startsWith(`${one.type}--`));
      assert.match(one.id.slice(one.type.length + 2), UUID5);
      for (const [property, value] of Object.entries(one)) {
        if (property.endsWith('_ref')) assert.ok(ids.has(value as string), `${property} ${String(value)}`);
        if (['created', 'modified', 'valid_from'].includes(property)) {
          assert.equal(new Date(value as string).toISOString(), value);
        }
      }
      assert.ok(String(one['created']) <= String(one['modified']));
    }
    assert.equal(objects.filter((one) => one.type === 'indicator').length, 7);
    assert.equal(objects.filter((one) => one.type === 'malware').length, 3);
    assert.equal(objects.filter((one) => one.type === 'relationship').length, 8);
  });

  it('have patterns in the words of STIX, and of the extension where it has none', async () => {
    const { objects } = bundle(indicators(await accused(), 0.9));
    const extension = objects.find((one) => one.type === 'extension-definition')!.id;
    assert.deepEqual(
      objects.filter((one) => one.type === 'indicator').map((one) => one['pattern']),
      [
        `[x509-certificate:hashes.'SHA-1' = '${sha1}']`,
        `[network-traffic:extensions.'${extension}'.ja3 = '${ja3}']`,
        `[network-traffic:extensions.'${extension}'.ja3s = '${ja3s}']`,
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.7' AND network-traffic:dst_port = 443]",
        "[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '2001:db8::7' AND network-traffic:dst_port = 8443]",
        objects.filter((one) => one.type === 'indicator')[5]!['pattern'],
      ],
    );
    assert.match(
      String(objects.filter((one) => one.type === 'indicator')[5]!['pattern']),
      /^\[network-traffic:extensions\.'extension-definition--[0-9a-f-]+'\.stack_fingerprint = '[0-9a-f]{32}' AND .*\.hello_set = 'atsf-2022'\]$/,
    );
  });

  it('are the same again for the same database', async () => {
    const store = await accused();
    assert.deepEqual(bundle(indicators(store, 0)), bundle(indicators(store, 0)));
    assert.deepEqual(
      bundle(indicators(await accused(), 0))
        .objects.map(({ id }) => id)
        .sort(),
      bundle(indicators(store, 0))
        .objects.map(({ id }) => id)
        .sort(),
    );
  });

  it('are a bundle also where there are none', () => {
    assert.deepEqual(
      bundle([]).objects.map(({ type }) => type),
      ['identity', 'extension-definition'],
    );
  });
});

describe('indicators as a MISP event', () => {
  interface MispEvent {
    readonly Event: Readonly<Record<string, unknown>> & { readonly Attribute: readonly Record<string, unknown>[] };
  }
  const event = (all: Iterable<Indicator>): MispEvent['Event'] =>
    (JSON.parse(whole(mispPieces(all, { title: 'synthetic', now }))) as MispEvent).Event;

  it('have the types that MISP knows, and a text where it knows none', async () => {
    const { Attribute: attributes, ...rest } = event(indicators(await accused(), 0.9));
    assert.deepEqual(
      attributes.map(({ type, value, to_ids: toIds }) => [type, value, toIds]),
      [
        ['x509-fingerprint-sha1', sha1, true],
        ['ja3-fingerprint-md5', ja3, true],
        ['text', `ja3s:${ja3s}`, false],
        ['ip-dst|port', '192.0.2.7|443', true],
        ['ip-dst|port', '2001:db8::7|8443', true],
        ['text', attributes[5]!['value'], false],
      ],
    );
    for (const attribute of attributes) {
      assert.match(String(attribute['uuid']), UUID5);
      assert.equal(attribute['category'], 'Network activity');
      assert.match(String(attribute['comment']), /C2 score 1\.000 \(\d+ observations on block lists, 0 on top lists\)/);
    }
    assert.equal(attributes[0]!['first_seen'], '2022-01-01T00:00:00.000000+00:00');
    assert.equal(attributes[4]!['first_seen'], undefined);
    assert.equal(rest['info'], 'synthetic');
    assert.equal(rest['date'], '2026-11-25');
    assert.match(String(rest['uuid']), UUID5);
  });

  it('are an event also where there are none', () => {
    assert.deepEqual(event([]).Attribute, []);
  });
});
