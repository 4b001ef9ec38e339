// What the database holds against servers: fingerprints, certificates and addresses that were seen on block lists, with
// their scores. export-misp.ts and export-stix.ts say it in the languages of others.

import { fingerprintById, type StoredFingerprint } from './fingerprints.js';
import { keyText } from './fingerprint-key.js';
import { c2Score, countLists, labelEvidence, type LabelEvidence, type ListCounts } from './scores.js';
import type { Store } from './store.js';

export interface Indicator {
  /** `jarm`, `ja3s`, `ja3`, `cert-sha1`, `endpoint`, or the name of a hello set. */
  readonly kind: string;
  readonly digest: Uint8Array;
  /** Of a stack fingerprint, where it is known. */
  readonly text: string | null;
  /** As tables hold it. */
  readonly key: string;
  /** Names of what is behind it, in order; none where only sightings on a block list speak against it. */
  readonly labels: readonly string[];
  readonly sources: readonly string[];
  /** Seconds since 1970. */
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
  readonly lists: ListCounts;
  /** B / (B + T). */
  readonly score: number;
}

/** Everything whose C2 score reaches a threshold above 0, in the order in which it was first met. */
export function* indicators(store: Store, threshold: number): Generator<Indicator> {
  const page = store.prepare<[number], { id: number }>(
    'SELECT id FROM fingerprint WHERE id > ? ORDER BY id LIMIT 1000',
  );
  for (let last = 0; ;) {
    const ids = page.all(last);
    if (ids.length === 0) return;
    for (const { id } of ids) {
      last = id;
      const fingerprint = fingerprintById(store, id);
      const indicator = fingerprint === null ? null : indicatorOf(store, fingerprint, threshold);
      if (indicator !== null) yield indicator;
    }
  }
}

function indicatorOf(store: Store, fingerprint: StoredFingerprint, threshold: number): Indicator | null {
  const { kind, digest, text } = fingerprint;
  const evidence = labelEvidence(store, fingerprint);
  const lists = countLists(evidence);
  const score = c2Score(lists);
  if (score === null || score === 0 || score < threshold) return null;
  const against = evidence.filter((one) => one.sourceClass === 'blocklist' || one.kind === 'c2');
  return {
    kind,
    digest,
    text,
    key: keyText(kind, digest, text),
    labels: distinct(against.map((one) => (one.kind === 'c2' ? one.label : null))),
    sources: distinct(against.map((one) => one.source)),
    ...spanOf(against),
    lists,
    score,
  };
}

function spanOf(evidence: readonly LabelEvidence[]): Pick<Indicator, 'firstSeen' | 'lastSeen'> {
  const first = evidence.map((one) => one.firstSeen).filter((time) => time !== null);
  const last = evidence.map((one) => one.lastSeen).filter((time) => time !== null);
  return {
    firstSeen: first.length === 0 ? null : Math.min(...first),
    lastSeen: last.length === 0 ? null : Math.max(...last),
  };
}

function distinct(names: readonly (string | null)[]): string[] {
  return [...new Set(names.filter((name) => name !== null && name !== ''))].sort() as string[];
}
