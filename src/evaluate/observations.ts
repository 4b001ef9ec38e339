// Observations of servers, counted by week and key: all that the experiments need, however many rows there were.
// A key is what tells stacks apart: the fingerprint, the fingerprint with the HTTP header, or the JARM.

import type { SourceClass } from '../database/source.js';

/** What is taken for a server's key. */
export interface KeyChoice {
  readonly key: 'stack' | 'jarm';
  /** Together with the HTTP Server header. */
  readonly withHttp: boolean;
}

/** One row: a server in a week. Empty texts: not known. */
export interface Observation {
  readonly week: number;
  readonly fingerprint: string;
  readonly httpServer: string;
  readonly jarm: string;
  /** Null: on no list. */
  readonly source: SourceClass;
  readonly label: string;
}

/** Rows of one key in a week (or in all weeks up to one). */
export interface KeyCounts {
  /** By label; '' for rows without. */
  readonly labels: Map<string, number>;
  blocklist: number;
  toplist: number;
}

/** Key of rows that have none: it teaches nothing and is never recognised. */
export const NO_KEY = -1;

/** Says only that nothing answered. */
const UNRESOLVED_JARM = '0'.repeat(62);

/** The key of a row; null where it has none. A missing header is a header like any other: the empty one. */
export function keyOf({ fingerprint, httpServer, jarm }: Observation, { key, withHttp }: KeyChoice): string | null {
  const main = key === 'jarm' ? jarm : fingerprint;
  if (main === '' || (key === 'jarm' && main === UNRESOLVED_JARM)) return null;
  return withHttp ? `${main}\n${httpServer}` : main;
}

/** Counts of all rows under one choice of key. */
export class Observations {
  readonly #ids = new Map<string, number>();
  readonly #weeks = new Map<number, Map<number, KeyCounts>>();
  readonly #labels = new Set<string>();

  constructor(readonly choice: KeyChoice) {}

  /** @param count rows that are equal in all of this */
  add(observation: Observation, count = 1): void {
    const { week, source, label } = observation;
    const key = keyOf(observation, this.choice);
    let keys = this.#weeks.get(week);
    if (keys === undefined) {
      keys = new Map();
      this.#weeks.set(week, keys);
    }
    const id = key === null ? NO_KEY : this.#id(key);
    let counts = keys.get(id);
    if (counts === undefined) {
      counts = emptyCounts();
      keys.set(id, counts);
    }
    if (label !== '') this.#labels.add(label);
    counts.labels.set(label, (counts.labels.get(label) ?? 0) + count);
    if (source === 'blocklist') counts.blocklist += count;
    else if (source === 'toplist') counts.toplist += count;
  }

  /** Weeks that have rows, in order. */
  get weeks(): number[] {
    return [...this.#weeks.keys()].sort((a, b) => a - b);
  }

  /** Every label of any row, in code-point order. */
  get labels(): string[] {
    return [...this.#labels].sort(byCodePoint);
  }

  /** Counts of a week by key. */
  of(week: number): ReadonlyMap<number, KeyCounts> {
    return this.#weeks.get(week) ?? new Map<number, KeyCounts>();
  }

  #id(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    // A copy: a piece of a line would keep the whole chunk that it was read in.
    const id = this.#ids.size;
    this.#ids.set(Buffer.from(key).toString(), id);
    return id;
  }
}

export function emptyCounts(): KeyCounts {
  return { labels: new Map(), blocklist: 0, toplist: 0 };
}

export function addLabels(to: KeyCounts, from: KeyCounts): void {
  for (const [label, count] of from.labels) to.labels.set(label, (to.labels.get(label) ?? 0) + count);
}

export function addLists(to: KeyCounts, from: KeyCounts): void {
  to.blocklist += from.blocklist;
  to.toplist += from.toplist;
}

/** By code points: as `<` compares, but for characters beyond the basic plane. */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
