import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { importFile } from '../../src/database/import.js';
import type { Store } from '../../src/database/store.js';
import { HellotapError } from '../../src/errors.js';
import { evaluateC2, evaluateCdn, type Evaluation } from '../../src/evaluate/experiments.js';
import { Observations, type KeyChoice } from '../../src/evaluate/observations.js';
import { readObservations, readStoredObservations } from '../../src/evaluate/read-observations.js';
import { parseStackText } from '../../src/fingerprint/stack-parse.js';
import { COLUMNS, csvRow, synthetic, syntheticFingerprint } from '../../samples/synthetic/observations.js';
import { content, file, freshStore } from './scratch.js';

/** Monday, 20 June 2022: week 0. */
const seen = new Date('2022-06-22T12:00:00Z');
const monday = (week: number): string =>
  new Date(Date.parse('2022-06-20') + week * 7 * 86_400_000).toISOString().slice(0, 10);
const header = COLUMNS.join(',');
const CHOICES: readonly KeyChoice[] = (['stack', 'jarm'] as const).flatMap((key) =>
  [false, true].map((withHttp) => ({ key, withHttp })),
);

/** All that the experiments say, without the names of the weeks. */
function results(observations: Observations): (Omit<Evaluation, 'weeks'> & { weeks: unknown })[] {
  const plain = ({ weeks, overall }: Evaluation): { weeks: unknown; overall: Evaluation['overall'] } => ({
    weeks: weeks.map(({ week, ...rest }) => ({ ...rest, week: week - weeks[0]!.week })),
    overall,
  });
  return [evaluateCdn(observations), evaluateC2(observations, 0.5), evaluateC2(observations, 1)].map(plain);
}

async function fromTable(path: string, choice: KeyChoice): Promise<Observations> {
  const observations = new Observations(choice);
  await readObservations(path, (one, count) => {
    observations.add(one, count);
  });
  return observations;
}

function fromStore(store: Store, choice: KeyChoice): Observations {
  const observations = new Observations(choice);
  readStoredObservations(store, 'atsf-2022', (one, count) => {
    observations.add(one, count);
  });
  return observations;
}

describe('a table of observations', () => {
  it('is evaluated in the database as it is from the file, weeks as dates or as numbers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 120 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(1000),
        fc.boolean(),
        async (rows, weeks, fingerprints, seed, dates) => {
          const made = [...synthetic({ rows: rows + 1, weeks, fingerprints, seed })];
          const lines = made.map((row) => csvRow({ ...row, week: dates ? monday(row.week) : row.week }));
          const path = file([header, ...lines, ''].join('\r\n'));
          const store = freshStore();
          const report = await importFile(store, path, dates ? {} : { seen });
          assert.deepEqual([report.rows, report.rejected, report.changed], [made.length, 0, made.length]);
          for (const choice of CHOICES) {
            assert.deepEqual(results(fromStore(store, choice)), results(await fromTable(path, choice)));
          }
          const before = content(store);
          assert.equal((await importFile(store, path, dates ? {} : { seen })).changed, 0);
          assert.deepEqual(content(store), before, 'twice the same changes nothing');
        },
      ),
      { numRuns: 25 },
    );
  });

  it('lies in the weeks that its dates or numbers say', async () => {
    const row = (week: string): string => `${week},192.0.2.1,443,a.test,${syntheticFingerprint(1)},,,toplist:x,`;
    for (const [weeks, options] of [
      [['0', '3'], { seen }],
      [['2022-06-20', '2022-07-13'], {}],
    ] as const) {
      const store = freshStore();
      await importFile(store, file([header, ...weeks.map(row)].join('\n')), options);
      const [times] = store.prepare('SELECT first_seen AS first, last_seen AS last, count FROM server').all();
      assert.deepEqual(times, {
        first: Date.parse('2022-06-20') / 1000,
        last: Date.parse('2022-07-11') / 1000,
        count: 2,
      });
    }
  });

  it('labels families on block lists and networks on top lists', async () => {
    const store = freshStore();
    const row = (host: number, source: string, label: string): string =>
      `2022-06-20,192.0.2.${host},443,,${syntheticFingerprint(host)},,,${source},${label}`;
    await importFile(
      store,
      file([header, row(1, 'blocklist:x', 'RAT'), row(2, 'toplist', 'CDN'), row(3, 'toplist', '')].join('\n')),
    );
    assert.deepEqual(store.prepare('SELECT name, kind FROM label ORDER BY name').all(), [
      { name: 'CDN', kind: 'cdn' },
      { name: 'RAT', kind: 'c2' },
    ]);
  });

  it('lists bad rows with their lines and takes the good ones', async () => {
    const store = freshStore();
    const good = `2022-06-20,192.0.2.1,443,,${syntheticFingerprint(1)},nginx,${'0'.repeat(62)},toplist,CDN`;
    const wrong: readonly [row: string, reason: RegExp][] = [
      [good.replace('2022-06-20', 'soon'), /"soon" is no week/],
      [good.replace('2022-06-20', '7'), /a number where those before were each a date/],
      [good.replace('2022-06-20', '2022-06-31'), /is no week/],
      [good.replace('192.0.2.1', ''), /no IP address/],
      [good.replace(',443,', ',x,'), /no port/],
      [good.replace(/771[^,]*/, 'nothing'), /neither a combined fingerprint/],
      [good.replace(/771[^,]*/, '0'.repeat(32)), /not the combined text/],
      [good.replace(/771[^,]*/, `jarm:${'1'.repeat(62)}`), /not the combined text/],
      [good.replace(/771[^,]*/, '771_1301_____|<40'), /2 parts for 10 Client Hellos/],
      [good.replace('0'.repeat(62), '12'), /no JARM/],
      [good.replace('toplist', 'list'), /neither toplist nor blocklist/],
      [good.replace('CDN', 'x'.repeat(501)), /a label of more than 500/],
      [good.replace('nginx', 'a\tb'), /control characters/],
      [good.replace('nginx', '"a'), /quotes are broken/],
      ['2022-06-20,192.0.2.1', /2 columns where the header has 9/],
    ];
    const report = await importFile(store, file([header, good, ...wrong.map(([row]) => row)].join('\n')));
    assert.equal(report.changed, 1);
    assert.equal(report.rejected, wrong.length);
    for (const [i, [, reason]] of wrong.entries()) {
      assert.equal(report.rejects[i]!.line, i + 3);
      assert.match(report.rejects[i]!.reason, reason);
    }
  });

  it('is refused where nobody says when week 0 was, or with options that mean nothing to it', async () => {
    const store = freshStore();
    const before = content(store);
    const path = file(`${header}\n1,192.0.2.1,443,,,nginx,,toplist,\n`);
    for (const [options, message] of [
      [{}, /say with --seen DATE when week 0 was/],
      [{ seen, label: 'x' }, /--label means nothing/],
      [{ seen, source: 'x' }, /--source means nothing/],
    ] as const) {
      await assert.rejects(
        importFile(store, path, options),
        (error: unknown) => error instanceof HellotapError && error.code === 'ERR_USAGE' && message.test(error.message),
      );
    }
    assert.deepEqual(content(store), before);
  });
});

describe('a synthetic fingerprint', () => {
  it('has the form of a real one, and is no other', () => {
    const made = Array.from({ length: 2000 }, (_, rank) => syntheticFingerprint(rank));
    assert.equal(new Set(made).size, made.length);
    for (const text of made) {
      const parsed = parseStackText(text);
      assert.equal(parsed.kind, 'message', text);
      assert.equal(text.split('|').length, 10);
    }
  });
});
