import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diversity } from '../../src/evaluate/diversity.js';
import { evaluateC2, evaluateCdn } from '../../src/evaluate/experiments.js';
import { Observations, type KeyChoice, type Observation } from '../../src/evaluate/observations.js';
import { plainC2, plainCdn } from './reference.js';
import { synthetic, type SyntheticOptions, type SyntheticRow } from '../../samples/synthetic/observations.js';

const CHOICES: readonly (KeyChoice & { readonly of: (row: SyntheticRow) => string | null })[] = [
  { key: 'stack', withHttp: false, of: (row) => row.fingerprint || null },
  {
    key: 'stack',
    withHttp: true,
    of: (row) => (row.fingerprint ? JSON.stringify([row.fingerprint, row.http_server]) : null),
  },
  { key: 'jarm', withHttp: false, of: (row) => (/[^0]/.test(row.jarm) ? row.jarm : null) },
  {
    key: 'jarm',
    withHttp: true,
    of: (row) => (/[^0]/.test(row.jarm) ? JSON.stringify([row.jarm, row.http_server]) : null),
  },
];

const observation = (row: SyntheticRow): Observation => ({ ...row, httpServer: row.http_server });

function counted(rows: readonly SyntheticRow[], choice: KeyChoice): Observations {
  const observations = new Observations(choice);
  for (const row of rows) observations.add(observation(row));
  return observations;
}

/** Runs that differ in what is hard: few rows (ties, unseen), gaps between weeks, one fingerprint, one week. */
const RUNS: readonly Omit<SyntheticOptions, 'seed'>[] = [
  { rows: 0, weeks: 3, fingerprints: 5 },
  { rows: 1, weeks: 1, fingerprints: 1 },
  { rows: 30, weeks: 4, fingerprints: 3 },
  { rows: 120, weeks: 8, fingerprints: 6, emptyWeeks: [2, 3, 6] },
  { rows: 200, weeks: 2, fingerprints: 100 },
  { rows: 250, weeks: 12, fingerprints: 1 },
  { rows: 300, weeks: 5, fingerprints: 40 },
];
const SEEDS = 12;

describe('the experiments, against the rules in plain words', () => {
  for (const choice of CHOICES) {
    const name = `${choice.key}${choice.withHttp ? ' with the header' : ''}`;
    it(`agree on ${RUNS.length * SEEDS} runs of synthetic observations, by ${name}`, () => {
      let ties = 0;
      let unknown = 0;
      for (const run of RUNS) {
        for (let seed = 1; seed <= SEEDS; seed++) {
          const rows = [...synthetic({ ...run, seed })];
          const observations = counted(rows, choice);
          const cdn = evaluateCdn(observations);
          assert.deepEqual(sorted(cdn), sorted(plainCdn(rows, choice.of)));
          for (const threshold of [0, 0.3, 0.5, 0.9, 1]) {
            assert.deepEqual(evaluateC2(observations, threshold), plainC2(rows, choice.of, threshold));
          }
          ties += cdn.overall.ambiguous;
          unknown += cdn.overall.unknown;
        }
      }
      assert.ok(ties > 50 && unknown > 50, `${ties} ties, ${unknown} unknown: the runs would prove little`);
    });
  }

  it('agree where a class is on one side only: all on block lists, none, and labels that are never assigned', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const all = [...synthetic({ rows: 150, weeks: 5, fingerprints: 10, seed })];
      for (const rows of [
        all.map((row) => ({ ...row, source: 'blocklist' as const })),
        all.map((row) => ({ ...row, source: 'toplist' as const })),
        all.map((row) => ({ ...row, label: '' })),
        all.map((row) => ({ ...row, label: row.week === 5 ? 'late' : row.label })),
        all.map((row, n) => ({ ...row, fingerprint: `only-${n}` })),
      ]) {
        const observations = counted(rows, CHOICES[0]!);
        assert.deepEqual(sorted(evaluateCdn(observations)), sorted(plainCdn(rows, CHOICES[0]!.of)));
        assert.deepEqual(evaluateC2(observations, 0.5), plainC2(rows, CHOICES[0]!.of, 0.5));
      }
    }
  });

  it('do not depend on the order of rows', () => {
    const rows = [...synthetic({ rows: 300, weeks: 6, fingerprints: 20, seed: 5 })];
    const choice = CHOICES[1]!;
    assert.deepEqual(evaluateCdn(counted(rows.toReversed(), choice)), evaluateCdn(counted(rows, choice)));
    for (let seed = 1; seed <= 10; seed++) {
      const some = [...synthetic({ rows: 300, weeks: 6, fingerprints: 20, seed })];
      // To the last bit, so that the database and a table of the same rows print the same.
      assert.deepEqual(diversity(counted(some.toReversed(), choice)), diversity(counted(some, choice)));
    }
  });
});

/** Labels are listed in code-point order by one, in order of appearance by the other. */
function sorted(result: {
  readonly weeks: readonly { readonly classes: object }[];
  readonly overall: { readonly classes: object };
}): unknown {
  const sort = (classes: object): [string, unknown][] => Object.entries(classes).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    weeks: result.weeks.map((week) => ({ ...week, classes: sort(week.classes) })),
    overall: { ...result.overall, classes: sort(result.overall.classes) },
  };
}

describe('a worked example', () => {
  const row = (
    week: number,
    fingerprint: string,
    label: string,
    source: 'toplist' | 'blocklist' = 'toplist',
  ): Observation => ({
    week,
    fingerprint,
    label,
    source,
    httpServer: '',
    jarm: '',
  });
  const of = (...rows: readonly Observation[]): Observations => {
    const observations = new Observations({ key: 'stack', withHttp: false });
    for (const one of rows) observations.add(one);
    return observations;
  };

  it('of a draw: the first label in code-point order wins, and the row counts as ambiguous', () => {
    const result = evaluateCdn(of(row(1, 'f', 'Zeta'), row(1, 'f', 'alpha'), row(2, 'f', 'alpha'), row(2, 'g', '')));
    assert.deepEqual(result.weeks[1], {
      week: 2,
      classes: {
        Zeta: { tp: 0, fp: 1, fn: 0, tn: 1, precision: 0, recall: null },
        alpha: { tp: 0, fp: 0, fn: 1, tn: 1, precision: null, recall: 0 },
      },
      unknown: 1,
      ambiguous: 1,
    });
  });

  it('of a score at the threshold', () => {
    const observations = of(
      row(1, 'f', '', 'blocklist'),
      row(1, 'f', ''),
      row(2, 'f', 'Dridex', 'blocklist'),
      row(2, 'f', ''),
    );
    assert.deepEqual(evaluateC2(observations, 0.5).weeks[1]?.classes['c2'], {
      tp: 1,
      fp: 1,
      fn: 0,
      tn: 0,
      precision: 0.5,
      recall: 1,
    });
    assert.deepEqual(evaluateC2(observations, 0.51).weeks[1]?.classes['c2'], {
      tp: 0,
      fp: 0,
      fn: 1,
      tn: 1,
      precision: null,
      recall: 0,
    });
  });

  it('of diversity: two bits of four equal keys, and what one label has alone', () => {
    const result = diversity(
      of(row(1, 'a', 'x'), row(1, 'b', 'x'), row(2, 'c', 'x'), row(2, 'd', 'y'), row(2, '', 'y')),
    );
    assert.deepEqual(result, { rows: 4, distinct: 4, entropy: 2, labelled: 4, unique_share: 1 });
    assert.equal(
      diversity(of(row(1, 'a', 'x'), row(2, 'a', 'y'), row(2, 'b', 'y'), row(2, 'a', ''))).unique_share,
      1 / 3,
    );
  });
});
