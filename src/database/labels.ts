// Labels: what people and tables say a fingerprint is. Setting and removing them, and a fingerprint's labels with shares.

import { HellotapError } from '../errors.js';
import { ensureFingerprint, findFingerprint } from './fingerprints.js';
import { FIXED_KINDS, type FingerprintKey, type FixedKind } from './fingerprint-key.js';
import type { LabelEvidence } from './scores.js';
import { CONTROL, type SourceRef } from './source.js';
import type { LabelRef } from './staging.js';
import type { Store } from './store.js';

export const LABEL_KINDS = ['software', 'cdn', 'c2', 'own', 'other'] as const;
export type LabelKindName = (typeof LABEL_KINDS)[number];

/** Longer names are no names. */
export const MAX_LABEL = 500;

/** What a label's name is, in words. */
export const LABEL_RULE = `a name of 1 to ${MAX_LABEL} characters, none of them a control character`;

export function isLabelName(text: string): boolean {
  return text.trim() !== '' && text.length <= MAX_LABEL && !CONTROL.test(text);
}

export function isLabelKind(text: string): text is LabelKindName {
  return (LABEL_KINDS as readonly string[]).includes(text);
}

/** A label of a fingerprint, all of its sources together. */
export interface FingerprintLabel {
  readonly name: string;
  readonly kind: LabelKindName;
  /** Observations that carry it, and their part of all labelled ones of the fingerprint, in (0, 1]. */
  readonly count: number;
  readonly share: number;
  /** Seconds since 1970. */
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
  /** The source with most observations first. */
  readonly sources: readonly string[];
}

/** A claim that a fingerprint carries a label: what a row of a labels table says. */
export interface Claim {
  readonly key: FingerprintKey;
  readonly label: LabelRef;
  readonly source: SourceRef;
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
  /** Observations that it stands for. */
  readonly count: number;
}

/** Labels with their shares, the largest first, those of equal share by name. */
export function summarizeLabels(evidence: readonly LabelEvidence[]): FingerprintLabel[] {
  const merged = new Map<string, { first: LabelEvidence; all: LabelEvidence[] }>();
  let total = 0;
  for (const one of evidence) {
    if (one.label === null) continue;
    total += one.count;
    const key = `${one.kind ?? ''} ${one.label}`;
    const group = merged.get(key);
    if (group === undefined) merged.set(key, { first: one, all: [one] });
    else group.all.push(one);
  }
  const labels = [...merged.values()].map(({ first, all }): FingerprintLabel => {
    const count = all.reduce((sum, one) => sum + one.count, 0);
    const bySize = all.toSorted((a, b) => b.count - a.count || compare(a.source, b.source));
    return {
      name: first.label ?? '',
      kind: first.kind as LabelKindName,
      count,
      share: count / total,
      firstSeen: extreme(
        all.map((one) => one.firstSeen),
        Math.min,
      ),
      lastSeen: extreme(
        all.map((one) => one.lastSeen),
        Math.max,
      ),
      sources: bySize.map((one) => one.source).filter((source) => source !== ''),
    };
  });
  return labels.sort((a, b) => b.share - a.share || compare(a.name, b.name));
}

/** Which kinds of fingerprints carry any label, by name: what need not be looked up at all. */
export function labelledKinds(store: Store): ReadonlySet<string> {
  const rows = store
    .prepare<[], { name: string }>(
      `SELECT name FROM fingerprint_kind k WHERE EXISTS
         (SELECT 1 FROM fingerprint f JOIN claim c ON c.fingerprint_id = f.id WHERE f.kind_id = k.id)`,
    )
    .all();
  return new Set(rows.map(({ name }) => name));
}

/** The digests of a kind that have labels, one behind the other; null: more than `most`. All are of the same length. */
export function labelledDigests(store: Store, kind: FixedKind, most: number): Uint8Array | null {
  const rows = store
    .prepare<[number, number], { digest: Buffer }>(
      `SELECT digest FROM fingerprint f WHERE kind_id = ? AND EXISTS (SELECT 1 FROM claim c WHERE c.fingerprint_id = f.id) LIMIT ?`,
    )
    .all(FIXED_KINDS[kind], most + 1);
  return rows.length > most ? null : Buffer.concat(rows.map(({ digest }) => digest));
}

/** Sets a label by hand; also one that had been removed. Raises the generation. */
export function addLabel(store: Store, claim: Claim): void {
  const { name, kind } = claim.label;
  if (!isLabelName(name)) throw new HellotapError('ERR_USAGE', `the label: ${LABEL_RULE}`);
  if (!isLabelKind(kind)) {
    throw new HellotapError('ERR_USAGE', `"${kind}" is none of the kinds ${LABEL_KINDS.join(', ')}`);
  }
  store.write(() => {
    mergeClaim(store, claim, true);
    store.raiseGeneration();
  });
}

/**
 * Takes a label away from a fingerprint, whatever says so; later imports do not bring it back, only `addLabel` does.
 * Returns how many sources had said so.
 * @param kind only the label of this kind; null: of any
 */
export function removeLabel(store: Store, key: FingerprintKey, name: string, kind: string | null): number {
  const fingerprint = findFingerprint(store, key);
  if (fingerprint === null) return 0;
  return store.write(() => {
    const { changes } = store
      .prepare<[number, string, string | null]>(
        `UPDATE claim SET removed = 1, count = 0
         WHERE fingerprint_id = ? AND removed = 0
           AND label_id IN (SELECT id FROM label WHERE name = ? AND kind = ifnull(?, kind))`,
      )
      .run(fingerprint.id, name, kind);
    if (changes > 0) store.raiseGeneration();
    return changes;
  });
}

/**
 * Brings a claim in, inside of `write`: spans grow, the larger count stays, so that the same row again changes nothing.
 * Returns whether anything changed.
 */
export function mergeClaim(store: Store, claim: Claim, revive = false): boolean {
  const fingerprint = ensureFingerprint(store, claim.key);
  const { changes } = store
    .prepare(
      `INSERT INTO claim AS c (fingerprint_id, label_id, source_id, first_seen, last_seen, count)
       VALUES (@fingerprint, @label, @source, @first, @last, @count)
       ON CONFLICT DO UPDATE SET
         first_seen = min(ifnull(c.first_seen, excluded.first_seen), ifnull(excluded.first_seen, c.first_seen)),
         last_seen = max(ifnull(c.last_seen, excluded.last_seen), ifnull(excluded.last_seen, c.last_seen)),
         count = max(c.count, excluded.count),
         removed = 0
       WHERE (c.removed = 0 OR @revive = 1) AND (
         c.removed = 1 OR excluded.count > c.count
         OR ifnull(excluded.first_seen < ifnull(c.first_seen, 9e15), 0)
         OR ifnull(excluded.last_seen > ifnull(c.last_seen, -1), 0))`,
    )
    .run({
      fingerprint,
      label: ensureLabel(store, claim.label),
      source: ensureSource(store, claim.source),
      first: claim.firstSeen,
      last: claim.lastSeen,
      count: claim.count,
      revive: revive ? 1 : 0,
    });
  return changes > 0;
}

function ensureLabel(store: Store, label: LabelRef): number {
  const known = store
    .prepare<[string, string], { id: number }>('SELECT id FROM label WHERE name = ? AND kind = ?')
    .get(label.name, label.kind);
  if (known !== undefined) return known.id;
  return Number(
    store.prepare('INSERT INTO label (name, kind) VALUES (?, ?)').run(label.name, label.kind).lastInsertRowid,
  );
}

/** The id of a source, made where missing; inside of `write`. A class once known stays. */
export function ensureSource(store: Store, source: SourceRef): number {
  const known = store
    .prepare<[string], { id: number; class: string | null }>('SELECT id, class FROM source WHERE name = ?')
    .get(source.name);
  if (known === undefined) {
    return Number(
      store.prepare('INSERT INTO source (name, class) VALUES (?, ?)').run(source.name, source.class).lastInsertRowid,
    );
  }
  if (known.class === null && source.class !== null) {
    store.prepare('UPDATE source SET class = ? WHERE id = ?').run(source.class, known.id);
  }
  return known.id;
}

function extreme(times: readonly (number | null)[], pick: (...values: number[]) => number): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : pick(...known);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
