// The results of an experiment as an object for programs, and as rows for tables and CSV.

import type { Diversity } from './diversity.js';
import { ratio, type ClassResult, type Evaluation, type Result } from './experiments.js';

/** What `evaluate cdn` says; weeks as the input wrote them. */
export interface EvaluationReport {
  readonly weeks: readonly (Result & { readonly week: number | string })[];
  readonly overall: Result;
}

/** What `evaluate c2` says. */
export interface ThresholdReport {
  readonly thresholds: readonly (EvaluationReport & { readonly threshold: number })[];
}

/** What `evaluate compare` says of one way of fingerprinting. */
export interface KeyReport {
  readonly diversity: Diversity;
  readonly cdn: EvaluationReport;
  readonly c2: ThresholdReport;
}

/** What `evaluate compare` says; rows without either key are left out of both. */
export interface ComparisonReport {
  readonly rows: number;
  readonly left_out: number;
  readonly keys: Readonly<Record<string, KeyReport>>;
}

/** A row of a table: `prefix` are the values of what is swept over. */
type Cell = string | number | null;

export function evaluationReport(
  evaluation: Evaluation,
  weekText: (week: number) => number | string,
): EvaluationReport {
  return {
    weeks: evaluation.weeks.map(({ week, classes, unknown, ambiguous }) => ({
      week: weekText(week),
      classes,
      unknown,
      ambiguous,
    })),
    overall: evaluation.overall,
  };
}

export const RESULT_COLUMNS = [
  'week',
  'class',
  'tp',
  'fp',
  'fn',
  'tn',
  'precision',
  'recall',
  'unknown',
  'ambiguous',
] as const;

/** One row per week and class, and `overall` at the end. */
export function resultRows({ weeks, overall }: EvaluationReport, prefix: readonly Cell[] = []): Cell[][] {
  const rows = (week: number | string, { classes, unknown, ambiguous }: Result): Cell[][] =>
    Object.entries(classes).map(([name, { tp, fp, fn, tn, precision, recall }]) => [
      ...prefix,
      week,
      name,
      tp,
      fp,
      fn,
      tn,
      precision,
      recall,
      unknown,
      ambiguous,
    ]);
  return [...weeks.flatMap((result) => rows(result.week, result)), ...rows('overall', overall)];
}

/** One row per key (and threshold): what a comparison comes to. */
export const COMPARISON_COLUMNS = [
  'key',
  'rows',
  'distinct',
  'entropy',
  'unique_share',
  'experiment',
  'threshold',
  'tp',
  'fp',
  'fn',
  'precision',
  'recall',
] as const;

export function comparisonRows({ keys }: ComparisonReport): Cell[][] {
  return Object.entries(keys).flatMap(([key, { diversity, cdn, c2 }]) => {
    const { rows, distinct, entropy, unique_share: unique } = diversity;
    const row = (experiment: string, threshold: number | null, result: Result): Cell[] => {
      const { tp, fp, fn, precision, recall } = together(result);
      return [key, rows, distinct, entropy, unique, experiment, threshold, tp, fp, fn, precision, recall];
    };
    return [
      row('cdn', null, cdn.overall),
      ...c2.thresholds.map(({ threshold, overall }) => row('c2', threshold, overall)),
    ];
  });
}

/** All classes together: each row counts once where it belongs, and once where it was wrongly put. */
export function together({ classes }: Result): Pick<ClassResult, 'tp' | 'fp' | 'fn' | 'precision' | 'recall'> {
  const total = { tp: 0, fp: 0, fn: 0 };
  for (const { tp, fp, fn } of Object.values(classes)) {
    total.tp += tp;
    total.fp += fp;
    total.fn += fn;
  }
  const { tp, fp, fn } = total;
  return { ...total, precision: ratio(tp, tp + fp), recall: ratio(tp, tp + fn) };
}
