// The labelled fingerprint most like one that has no label: how an operator recognises the next release of a known
// server. Which Client Hellos are answered otherwise, and in what, is said as `explain` says it.

import { fingerprintById, findKind, type StoredFingerprint } from '../database/fingerprints.js';
import { ATSF_2022, sortHellos } from '../database/hello-set.js';
import { summarizeLabels, type FingerprintLabel } from '../database/labels.js';
import { labelEvidence } from '../database/scores.js';
import type { Store } from '../database/store.js';
import { compareFingerprints, type HandshakeDifference } from '../fingerprint/explain.js';
import { NearestIndexBuilder, type NearestIndex } from './nearest-index.js';
import type { NearestLabel } from './verdict.js';

/** A neighbour, with what tells it from the fingerprint that was asked for. */
export interface Neighbour {
  readonly fingerprint: StoredFingerprint & { readonly text: string };
  readonly labels: readonly FingerprintLabel[];
  /** Client Hellos answered the same, and in all. */
  readonly same: number;
  readonly compared: number;
  readonly different: readonly HandshakeDifference[];
}

/** Those that are compared field by field after the index has found them. */
const COMPARED = 8;
/** Below half of what can be scored, two stacks have little in common. */
const LEAST_LIKENESS = 0.5;
/** Labelled fingerprints that are indexed; more would keep a running watch waiting. */
const MOST_INDEXED = 50_000;

const LABELLED = `
  SELECT id, text FROM fingerprint WHERE kind_id = ? AND text IS NOT NULL
    AND EXISTS (SELECT 1 FROM claim c WHERE c.fingerprint_id = fingerprint.id AND c.removed = 0)
  ORDER BY id DESC LIMIT ?`;
const ALL = 'SELECT id, text FROM fingerprint WHERE kind_id = ? AND text IS NOT NULL ORDER BY id DESC LIMIT ?';

/** The fingerprints of one hello set, as they were when it was made. */
export class Neighbourhood {
  readonly #store: Store;
  readonly #index: NearestIndex;
  readonly #ids: readonly number[];
  readonly #hellos: readonly string[];

  private constructor(store: Store, index: NearestIndex, ids: readonly number[], hellos: readonly string[]) {
    this.#store = store;
    this.#index = index;
    this.#ids = ids;
    this.#hellos = hellos;
  }

  /** Null where there is nothing to compare with. @param labelled only fingerprints that carry a label */
  static of(store: Store, helloSet: string, labelled = true, most = MOST_INDEXED): Neighbourhood | null {
    const kind = findKind(store, helloSet);
    if (kind === null) return null;
    const rows = store
      .prepare<[number, number], { id: number; text: string }>(labelled ? LABELLED : ALL)
      .iterate(kind, most);
    let builder: NearestIndexBuilder | null = null;
    const ids: number[] = [];
    for (const { id, text } of rows) {
      builder ??= new NearestIndexBuilder(text.split('|').length);
      if (builder.add(text)) ids.push(id);
    }
    return builder === null ? null : new Neighbourhood(store, builder.finish(), ids, hellosOf(store, helloSet));
  }

  get size(): number {
    return this.#ids.length;
  }

  /**
   * Those most like a combined text, the best first: most Client Hellos answered the same, then fewest fields that
   * differ. The text itself is none of its neighbours.
   */
  nearest(text: string, limit: number, least = LEAST_LIKENESS): Neighbour[] {
    const parts = text.split('|').length;
    const found: Neighbour[] = [];
    for (const { index, score } of this.#index.nearest(text, COMPARED + limit)) {
      if (score < least * 2 * parts) break;
      const fingerprint = fingerprintById(this.#store, this.#ids[index] ?? -1);
      const own = fingerprint?.text ?? null;
      if (fingerprint === null || own === null || own === text) continue;
      const compared = compareFingerprints(text, own, this.#hellos);
      if (compared.kind === 'malformed') continue;
      const { different } = compared.value;
      found.push({
        fingerprint: { ...fingerprint, text: own },
        labels: summarizeLabels(labelEvidence(this.#store, fingerprint)),
        same: parts - different.length,
        compared: parts,
        different,
      });
    }
    const fields = ({ different }: Neighbour): number =>
      different.reduce((sum, { differences }) => sum + differences.length, 0);
    return found
      .sort((a, b) => b.same - a.same || fields(a) - fields(b) || a.fingerprint.id - b.fingerprint.id)
      .slice(0, limit);
  }
}

/** What a verdict says of a neighbour; null where it carries no label after all. */
export function nearestLabel({ fingerprint, labels, different }: Neighbour): NearestLabel | null {
  const [label] = labels;
  if (label === undefined) return null;
  return {
    label: label.name,
    kind: label.kind,
    fingerprint_id: Buffer.from(fingerprint.digest).toString('hex'),
    differing: different.map(({ hello, differences }) => `${hello}: ${differences.map(({ name }) => name).join(', ')}`),
  };
}

function hellosOf(store: Store, helloSet: string): readonly string[] {
  const row = store
    .prepare<[string], { hellos: string | null }>('SELECT hellos FROM fingerprint_kind WHERE name = ?')
    .get(helloSet);
  const hellos = row?.hellos ?? null;
  return hellos === null ? ATSF_2022.hellos : sortHellos(JSON.parse(hellos) as string[]);
}
