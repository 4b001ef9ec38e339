// From what the database says of one fingerprint to what a verdict says of it: labels and score, ready to go out.

import type { StoredFingerprint } from '../database/fingerprints.js';
import { summarizeLabels } from '../database/labels.js';
import { c2Score, countLists, labelEvidence } from '../database/scores.js';
import type { Store } from '../database/store.js';
import { timeText } from '../database/time-text.js';
import type { C2Evidence, LabelledKey, VerdictLabel } from './verdict.js';

/** Labels and score of one key, or of several together. */
export interface Findings {
  readonly labels: readonly VerdictLabel[];
  readonly score: number | null;
  /** Null where the score is. */
  readonly c2: C2Evidence | null;
}

/** The surer of two equal shares comes first: what only this server has before what many share. */
const SPECIFICITY: Readonly<Record<LabelledKey, number>> = {
  'cert-sha1': 0,
  endpoint: 1,
  stack: 2,
  jarm: 3,
  ja3s: 4,
  ja3: 5,
};

/**
 * Keys that many servers share: a score on a few of them may be chance. A certificate, or an address and port, stands on a
 * list itself, and one entry is all there can be.
 */
const SHARED: ReadonlySet<LabelledKey> = new Set(['stack', 'jarm', 'ja3s', 'ja3']);

/**
 * Reads what is said of a stored fingerprint.
 * @param minObservations of a key that servers share, on lists in all, for it to have a score
 */
export function readFindings(
  store: Store,
  fingerprint: StoredFingerprint,
  key: LabelledKey,
  minObservations: number,
): Findings {
  const evidence = labelEvidence(store, fingerprint);
  const labels = summarizeLabels(evidence).map(
    ({ name, kind, share, count, firstSeen, lastSeen, sources }): VerdictLabel => ({
      name,
      kind,
      share,
      count,
      key,
      first_seen: firstSeen === null ? null : timeText(firstSeen),
      last_seen: lastSeen === null ? null : timeText(lastSeen),
      source: sources.length === 0 ? null : sources.join(', '),
    }),
  );
  const lists = countLists(evidence);
  const enough = !SHARED.has(key) || lists.blocklist + lists.toplist >= minObservations;
  const score = enough ? c2Score(lists) : null;
  return { labels, score, c2: score === null ? null : { key, ...lists } };
}

/** All labels, the largest share first, and the highest score. */
export function joinFindings(findings: readonly Findings[]): Findings {
  const [only] = findings;
  if (only !== undefined && findings.length === 1) return only;
  const labels = findings
    .flatMap((one) => one.labels)
    .sort((a, b) => b.share - a.share || SPECIFICITY[a.key] - SPECIFICITY[b.key]);
  const highest = findings.reduce<Findings | null>(
    (best, one) => (one.score !== null && one.score > (best?.score ?? -1) ? one : best),
    null,
  );
  return { labels, score: highest?.score ?? null, c2: highest?.c2 ?? null };
}
