// The rules of the experiments in the plainest words, row against row and without any counting ahead: slow, and what the
// real ones are compared with. Written from the rules alone.

import type { SyntheticRow } from '../../samples/synthetic/observations.js';

type Key = (row: SyntheticRow) => string | null;
type Assign = (
  row: SyntheticRow,
  earlier: readonly SyntheticRow[],
) => { label: string | null; unknown: boolean; tie: boolean };

interface PlainClass {
  tp: number;
  fp: number;
  fn: number;
  tn: number;
  precision: number | null;
  recall: number | null;
}

export interface PlainResult {
  classes: Record<string, PlainClass>;
  unknown: number;
  ambiguous: number;
}

/** Characters by their code points, one by one. */
function codePointOrder(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function plainCdn(
  rows: readonly SyntheticRow[],
  key: Key,
): { weeks: (PlainResult & { week: number })[]; overall: PlainResult } {
  const classes = [...new Set(rows.map((row) => row.label).filter((label) => label !== ''))];
  return run(
    rows,
    classes,
    (row) => row.label,
    (row, earlier) => {
      const own = key(row);
      const labels = earlier
        .filter((one) => own !== null && key(one) === own && one.label !== '')
        .map((one) => one.label);
      if (labels.length === 0) return { label: null, unknown: true, tie: false };
      const often = (label: string): number => labels.filter((one) => one === label).length;
      const most = Math.max(...labels.map(often));
      const first = [...new Set(labels)].filter((label) => often(label) === most).sort(codePointOrder);
      return { label: first[0]!, unknown: false, tie: first.length > 1 };
    },
  );
}

export function plainC2(
  rows: readonly SyntheticRow[],
  key: Key,
  threshold: number,
): { weeks: (PlainResult & { week: number })[]; overall: PlainResult } {
  return run(
    rows,
    ['c2'],
    (row) => (row.source === 'blocklist' ? 'c2' : ''),
    (row, earlier) => {
      const own = key(row);
      const same = earlier.filter((one) => own !== null && key(one) === own);
      if (same.length === 0) return { label: null, unknown: true, tie: false };
      const score = same.filter((one) => one.source === 'blocklist').length / same.length;
      return { label: score >= threshold ? 'c2' : null, unknown: false, tie: false };
    },
  );
}

function run(
  rows: readonly SyntheticRow[],
  classes: readonly string[],
  truth: (row: SyntheticRow) => string,
  assign: Assign,
): { weeks: (PlainResult & { week: number })[]; overall: PlainResult } {
  const judged = rows.map((row) => ({
    week: row.week,
    truth: truth(row),
    ...assign(
      row,
      rows.filter((one) => one.week < row.week),
    ),
  }));
  const sum = (part: typeof judged): PlainResult => ({
    classes: Object.fromEntries(
      classes.map((name) => {
        const tp = part.filter((one) => one.truth === name && one.label === name).length;
        const fp = part.filter((one) => one.truth !== name && one.label === name).length;
        const fn = part.filter((one) => one.truth === name && one.label !== name).length;
        const tn = part.filter((one) => one.truth !== name && one.label !== name).length;
        return [
          name,
          {
            tp,
            fp,
            fn,
            tn,
            precision: tp + fp === 0 ? null : tp / (tp + fp),
            recall: tp + fn === 0 ? null : tp / (tp + fn),
          },
        ];
      }),
    ),
    unknown: part.filter((one) => one.unknown).length,
    ambiguous: part.filter((one) => one.tie).length,
  });
  const weeks = [...new Set(rows.map((row) => row.week))].sort((a, b) => a - b);
  return {
    weeks: weeks.map((week) => ({ week, ...sum(judged.filter((one) => one.week === week)) })),
    overall: sum(judged),
  };
}
