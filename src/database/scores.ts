// How often a fingerprint stands on block lists and on top lists, and the score that follows:
// B / (B + T), as the paper's rule for command-and-control servers is read here. An observation is one server in one week.

import { splitEndpoint } from './fingerprint-key.js';
import type { StoredFingerprint } from './fingerprints.js';
import type { SourceClass } from './source.js';
import type { Store } from './store.js';

/** Observations of a fingerprint on block lists (B) and top lists (T). */
export interface ListCounts {
  readonly blocklist: number;
  readonly toplist: number;
}

/** B / (B + T); null where the fingerprint was never seen on either: unknown is not harmless. */
export function c2Score({ blocklist, toplist }: ListCounts): number | null {
  const all = blocklist + toplist;
  return all === 0 ? null : blocklist / all;
}

/** A label of a fingerprint according to one source, with what the source said and what sightings say. */
export interface LabelEvidence {
  readonly label: string | null;
  readonly kind: string | null;
  readonly source: string;
  readonly sourceClass: SourceClass;
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
  /** The larger of what was claimed and what was seen: they may be the same observations. */
  readonly count: number;
}

interface ClaimRow {
  labelId: number;
  sourceId: number;
  label: string;
  kind: string;
  source: string;
  sourceClass: SourceClass;
  firstSeen: number | null;
  lastSeen: number | null;
  count: number;
  removed: number;
}

interface SeenRow {
  labelId: number | null;
  sourceId: number;
  source: string;
  sourceClass: SourceClass;
  count: number;
}

const CLAIMS = `
  SELECT c.label_id AS labelId, c.source_id AS sourceId, l.name AS label, l.kind, s.name AS source, s.class AS sourceClass,
    c.first_seen AS firstSeen, c.last_seen AS lastSeen, c.count, c.removed
  FROM claim c JOIN label l ON l.id = c.label_id JOIN source s ON s.id = c.source_id
  WHERE c.fingerprint_id = ?`;

const seenSql = (profiles: string): string => `
  SELECT p.label_id AS labelId, p.source_id AS sourceId, s.name AS source, s.class AS sourceClass, sum(t.servers) AS count
  FROM ${profiles} JOIN source s ON s.id = p.source_id JOIN tally t ON t.profile_id = p.id
  WHERE p.label_id IS NOT NULL OR s.class IS NOT NULL
  GROUP BY p.label_id, p.source_id`;

const SEEN_STACK = seenSql(
  '(SELECT id FROM answers WHERE fingerprint_id = ?) a CROSS JOIN profile p ON p.answers_id = a.id',
);
const SEEN_JARM = seenSql('(SELECT * FROM profile WHERE jarm_id = ?) p');

/**
 * List entries of the servers at an address and port: a content network's address that is on a block list stands on top
 * lists as well. So many names at one address tell enough; more would cost time.
 */
const MOST_NAMES = 10_000;
const SEEN_ENDPOINT = `
  SELECT NULL AS labelId, o.id AS sourceId, o.name AS source, o.class AS sourceClass, sum(s.count) AS count
  FROM (
    SELECT profile_id, count FROM server WHERE address = ? AND port = ? LIMIT ${MOST_NAMES}) s
  JOIN profile p ON p.id = s.profile_id JOIN source o ON o.id = p.source_id
  WHERE o.class IS NOT NULL GROUP BY o.id`;

/** Everything that speaks about a fingerprint: labels by source, and (label null) list entries without a label. */
export function labelEvidence(
  store: Store,
  fingerprint: Pick<StoredFingerprint, 'id' | 'kind' | 'digest'>,
): LabelEvidence[] {
  const claims = store.prepare<[number], ClaimRow>(CLAIMS).all(fingerprint.id);
  const seen = seenOf(store, fingerprint);
  const rest = new Map(seen.map((row) => [`${row.labelId ?? ''} ${row.sourceId}`, row]));
  const evidence: LabelEvidence[] = [];
  for (const claim of claims) {
    const key = `${claim.labelId} ${claim.sourceId}`;
    const count = Math.max(claim.count, rest.get(key)?.count ?? 0);
    rest.delete(key);
    if (claim.removed === 0 && count > 0) evidence.push({ ...pick(claim), count });
  }
  // What is left has no label: a labelled sighting always leaves a claim as well (merge.ts).
  for (const row of rest.values()) {
    if (row.labelId !== null) continue;
    const { source, sourceClass, count } = row;
    evidence.push({ label: null, kind: null, source, sourceClass, firstSeen: null, lastSeen: null, count });
  }
  return evidence;
}

/** A label of kind c2 whose source is on no list counts as a block list's: that is what it says. */
export function countLists(evidence: readonly LabelEvidence[]): ListCounts {
  let blocklist = 0;
  let toplist = 0;
  for (const one of evidence) {
    if (one.sourceClass === 'toplist') toplist += one.count;
    else if (one.sourceClass === 'blocklist' || one.kind === 'c2') blocklist += one.count;
  }
  return { blocklist, toplist };
}

function seenOf(store: Store, { id, kind, digest }: Pick<StoredFingerprint, 'id' | 'kind' | 'digest'>): SeenRow[] {
  switch (kind) {
    case 'jarm':
      return store.prepare<[number], SeenRow>(SEEN_JARM).all(id);
    case 'endpoint': {
      const { address, port } = splitEndpoint(digest);
      return store.prepare<[Uint8Array, number], SeenRow>(SEEN_ENDPOINT).all(address, port);
    }
    case 'ja3':
    case 'ja3s':
    case 'cert-sha1':
      return [];
    default:
      return store.prepare<[number], SeenRow>(SEEN_STACK).all(id);
  }
}

function pick(claim: ClaimRow): Omit<LabelEvidence, 'count'> {
  const { label, kind, source, sourceClass, firstSeen, lastSeen } = claim;
  return { label, kind, source, sourceClass, firstSeen, lastSeen };
}
