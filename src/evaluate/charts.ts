// What a chart of an experiment shows: precision on the left and recall on the right, over weeks and over thresholds. Pure;
// how it is drawn stands in chart-svg.ts.

import type { Result } from './experiments.js';
import { together, type ComparisonReport, type EvaluationReport, type ThresholdReport } from './report.js';

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  /** Pairs: precision, recall. */
  readonly panels: readonly Panel[];
}

export interface Panel {
  readonly title: string;
  /** What stands along it, and how: weeks as numbers, weeks by the dates of their Mondays, C2 scores from 0 to 1. */
  readonly x: { readonly title: string; readonly kind: 'number' | 'date' | 'score' };
  readonly y: string;
  readonly series: readonly Series[];
}

export interface Series {
  readonly name: string;
  /** `y` from 0 to 1; null: nothing was assigned, or nothing was there. */
  readonly points: readonly { readonly x: number | string; readonly y: number | null }[];
}

/** As many lines as can be told apart on paper. */
const MOST_SERIES = 7;

type Measure = 'precision' | 'recall';
const MEASURES: readonly Measure[] = ['precision', 'recall'];

function chartOf(title: string, subtitle: string, panels: readonly Panel[]): Chart {
  const gaps = panels.some(({ series }) => series.some(({ points }) => points.some(({ y }) => y === null)));
  return {
    title,
    subtitle: gaps ? `${subtitle}; no point: nothing was assigned, or nothing was there` : subtitle,
    panels,
  };
}

/** Every class over the weeks: the most frequent ones, and all together. */
export function cdnChart(report: EvaluationReport, subtitle: string): Chart {
  const classes = Object.entries(report.overall.classes)
    .sort(([, a], [, b]) => b.tp + b.fn - (a.tp + a.fn))
    .map(([name]) => name);
  const shown = classes.slice(0, MOST_SERIES - 1);
  const left = classes.length - shown.length;
  return chartOf(
    'Content networks: precision and recall by week',
    left === 0 ? subtitle : `${subtitle}; the ${shown.length} most frequent of ${classes.length} classes`,
    MEASURES.map((measure) =>
      byWeek(measure, [
        ...shown.map((name): Series => weekly(name, report, ({ classes: of }) => of[name]?.[measure] ?? null)),
        ...(classes.length > 1 ? [weekly('all classes', report, (result) => together(result)[measure])] : []),
      ]),
    ),
  );
}

/** The class c2 over the thresholds, and over the weeks for some of them. */
export function c2Chart({ thresholds }: ThresholdReport, subtitle: string): Chart {
  const shown = spread(thresholds, MOST_SERIES - 2);
  return chartOf('Command-and-control servers: precision and recall', subtitle, [
    ...(thresholds.length > 1
      ? MEASURES.map((measure) => byThreshold(measure, [overThresholds('all weeks', { thresholds }, measure)]))
      : []),
    ...MEASURES.map((measure) =>
      byWeek(
        measure,
        shown.map((one) => weekly(`score ≥ ${one.threshold}`, one, (result) => together(result)[measure])),
      ),
    ),
  ]);
}

/** Each way of fingerprinting: content networks over the weeks, and C2 servers over the thresholds. */
export function comparisonChart({ keys }: ComparisonReport, subtitle: string): Chart {
  const all = Object.entries(keys);
  return chartOf('Stack fingerprint and JARM: precision and recall', subtitle, [
    ...MEASURES.map((measure) =>
      byWeek(
        measure,
        all.map(([name, { cdn }]) => weekly(name, cdn, (result) => together(result)[measure])),
        'Content networks: ',
      ),
    ),
    ...MEASURES.map((measure) =>
      byThreshold(
        measure,
        all.map(([name, { c2 }]) => overThresholds(name, c2, measure)),
        'C2 servers: ',
      ),
    ),
  ]);
}

function byWeek(measure: Measure, series: readonly Series[], of = ''): Panel {
  const kind = series.some(({ points }) => points.some(({ x }) => typeof x === 'string')) ? 'date' : 'number';
  const x = { title: kind === 'date' ? 'week (date of its Monday)' : 'week', kind } as const;
  return { title: capital(`${of}${measure} by week`), x, y: measure, series };
}

function byThreshold(measure: Measure, series: readonly Series[], of = ''): Panel {
  const x = { title: 'threshold of the C2 score', kind: 'score' } as const;
  return { title: capital(`${of}${measure} by threshold`), x, y: measure, series };
}

function weekly(name: string, { weeks }: EvaluationReport, y: (result: Result) => number | null): Series {
  return { name, points: weeks.map((result) => ({ x: result.week, y: y(result) })) };
}

function overThresholds(name: string, { thresholds }: ThresholdReport, measure: Measure): Series {
  const points = thresholds.map(({ threshold, overall }) => ({ x: threshold, y: together(overall)[measure] }));
  return { name, points: points.sort((a, b) => a.x - b.x) };
}

/** At most so many of a list, the first and the last among them. */
export function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))]).filter(
    (one) => one !== undefined,
  );
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
