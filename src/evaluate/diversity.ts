// How much a way of fingerprinting tells apart, before asking whether it tells the right things.

import { NO_KEY, type Observations } from './observations.js';

export interface Diversity {
  /** Rows with a key. */
  readonly rows: number;
  readonly distinct: number;
  /** Shannon entropy of the key of a row, in bits. */
  readonly entropy: number;
  /** Rows with a label, and those of them whose key was seen with this label alone: their part. Null: none has a label. */
  readonly labelled: number;
  readonly unique_share: number | null;
}

export function diversity(observations: Observations): Diversity {
  const keys = new Map<number, { rows: number; labels: Map<string, number> }>();
  let rows = 0;
  for (const week of observations.weeks) {
    for (const [key, { labels }] of observations.of(week)) {
      if (key === NO_KEY) continue;
      const own = keys.get(key) ?? { rows: 0, labels: new Map<string, number>() };
      keys.set(key, own);
      for (const [label, count] of labels) {
        rows += count;
        own.rows += count;
        if (label !== '') own.labels.set(label, (own.labels.get(label) ?? 0) + count);
      }
    }
  }
  let entropy = 0;
  let labelled = 0;
  let unique = 0;
  // From the rarest on: sums of fractions depend on their order, and the same rows come in many.
  for (const { rows: own, labels } of [...keys.values()].sort((a, b) => a.rows - b.rows)) {
    entropy -= (own / rows) * Math.log2(own / rows);
    const all = [...labels.values()].reduce((sum, count) => sum + count, 0);
    labelled += all;
    if (labels.size === 1) unique += all;
  }
  return { rows, distinct: keys.size, entropy, labelled, unique_share: labelled === 0 ? null : unique / labelled };
}
