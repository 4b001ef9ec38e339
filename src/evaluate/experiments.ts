// The experiments of the paper "Active TLS Stack Fingerprinting" (TMA 2022, sections 5 and 6): does what was seen in
// earlier weeks tell which content network, or whether a command-and-control server, is behind a server of this week?
// Pure: counts in, counts out.

import {
  addLabels,
  addLists,
  byCodePoint,
  emptyCounts,
  NO_KEY,
  type KeyCounts,
  type Observations,
} from './observations.js';

/** How well one class was told; precision and recall are null where nothing was assigned, or nothing was there. */
export interface ClassResult {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
  readonly precision: number | null;
  readonly recall: number | null;
}

export interface Result {
  readonly classes: Readonly<Record<string, ClassResult>>;
  /** Rows that no assignment could be made for, and rows whose assignment was a draw. */
  readonly unknown: number;
  readonly ambiguous: number;
}

export interface Evaluation {
  readonly weeks: readonly (Result & { readonly week: number })[];
  readonly overall: Result;
}

/** What a key's past says of it: null, nothing. */
interface Assignment {
  readonly label: string | null;
  readonly tie: boolean;
}

/** What to assign by a key's past, and what of its rows belongs to that past. */
interface Rule {
  readonly assign: (past: KeyCounts) => Assignment | null;
  readonly learn: (past: KeyCounts, rows: KeyCounts) => void;
}

/** Truth of the rows of a key: how many belong to which class; '' for none. */
type Truth = (counts: KeyCounts) => ReadonlyMap<string, number>;

/** Which label a server's key was observed under most often before; of a draw the first in code-point order. */
export function evaluateCdn(observations: Observations): Evaluation {
  const rule = { assign: mostFrequentLabel, learn: addLabels };
  return evaluate(observations, observations.labels, rule, ({ labels }) => labels);
}

/** Whether a server's key was observed on block lists often enough before: B / (B + T) at or over the threshold. */
export function evaluateC2(observations: Observations, threshold: number): Evaluation {
  const rule: Rule = {
    assign({ blocklist, toplist }) {
      const all = blocklist + toplist;
      if (all === 0) return null;
      return { label: blocklist / all >= threshold ? C2 : null, tie: false };
    },
    learn: addLists,
  };
  return evaluate(
    observations,
    [C2],
    rule,
    ({ blocklist, toplist }) =>
      new Map([
        [C2, blocklist],
        ['', toplist],
      ]),
  );
}

const C2 = 'c2';

function mostFrequentLabel({ labels }: KeyCounts): Assignment | null {
  let most = 0;
  let best: string[] = [];
  for (const [label, count] of labels) {
    if (label === '' || count < most) continue;
    if (count > most) best = [];
    most = count;
    best.push(label);
  }
  const [first] = best.sort(byCodePoint);
  return first === undefined ? null : { label: first, tie: best.length > 1 };
}

function evaluate(observations: Observations, classes: readonly string[], rule: Rule, truth: Truth): Evaluation {
  const past = new Map<number, KeyCounts>();
  const overall = new Score(classes);
  const weeks = observations.weeks.map((week) => {
    const score = new Score(classes);
    const keys = observations.of(week);
    for (const [key, counts] of keys) {
      const known = key === NO_KEY ? undefined : past.get(key);
      const assignment = known === undefined ? null : rule.assign(known);
      for (const [label, rows] of truth(counts)) score.add(label, assignment, rows);
    }
    for (const [key, counts] of keys) {
      if (key === NO_KEY) continue;
      const known = past.get(key) ?? emptyCounts();
      rule.learn(known, counts);
      past.set(key, known);
    }
    overall.join(score);
    return { week, ...score.result() };
  });
  return { weeks, overall: overall.result() };
}

/** Rows counted by what they are and what they were taken for. */
class Score {
  readonly #classes: Map<string, { tp: number; fp: number; fn: number }>;
  #rows = 0;
  #unknown = 0;
  #ambiguous = 0;

  constructor(classes: readonly string[]) {
    this.#classes = new Map(classes.map((name) => [name, { tp: 0, fp: 0, fn: 0 }]));
  }

  add(truth: string, assignment: Assignment | null, rows: number): void {
    this.#rows += rows;
    if (assignment === null) this.#unknown += rows;
    else if (assignment.tie) this.#ambiguous += rows;
    const assigned = assignment?.label ?? '';
    const own = this.#classes.get(truth);
    if (own !== undefined) {
      if (assigned === truth) own.tp += rows;
      else own.fn += rows;
    }
    const taken = this.#classes.get(assigned);
    if (taken !== undefined && assigned !== truth) taken.fp += rows;
  }

  join(other: Score): void {
    this.#rows += other.#rows;
    this.#unknown += other.#unknown;
    this.#ambiguous += other.#ambiguous;
    for (const [name, { tp, fp, fn }] of other.#classes) {
      const own = this.#classes.get(name);
      if (own === undefined) continue;
      own.tp += tp;
      own.fp += fp;
      own.fn += fn;
    }
  }

  result(): Result {
    const classes = [...this.#classes].map(([name, { tp, fp, fn }]): [string, ClassResult] => [
      name,
      { tp, fp, fn, tn: this.#rows - tp - fp - fn, precision: ratio(tp, tp + fp), recall: ratio(tp, tp + fn) },
    ]);
    return { classes: Object.fromEntries(classes), unknown: this.#unknown, ambiguous: this.#ambiguous };
  }
}

/** Null where the whole is 0. */
export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
