// Brings staged sightings into the database in one transaction: what they have in common, then the servers themselves
// (server-rows.ts), then the labels that came with them. Doing it twice changes nothing.

import { ensureHelloSet } from './fingerprints.js';
import { loadServers, mergeServers } from './server-rows.js';
import type { Staging } from './staging.js';
import type { Store } from './store.js';

/** What a merge changed. */
export interface MergeReport {
  /** Sightings that came in, and those of them that were new: a server seen with a profile in a week. */
  readonly sightings: number;
  readonly added: number;
  readonly newFingerprints: number;
  /** Whether any label came with the sightings, so that verdicts of other servers may change. */
  readonly labelled: boolean;
}

const RESOLVE = [
  `INSERT INTO fingerprint (kind_id, digest, text)
     SELECT k.id, a.fp_digest, min(a.fp_text)
     FROM temp.staged_answers a JOIN fingerprint_kind k ON k.name = a.hello_set
     WHERE a.fp_digest IS NOT NULL GROUP BY k.id, a.fp_digest
     ON CONFLICT (kind_id, digest) DO UPDATE SET text = excluded.text WHERE text IS NULL`,
  `INSERT INTO fingerprint (kind_id, digest) SELECT DISTINCT 1, jarm FROM temp.staged_profile WHERE jarm IS NOT NULL
     ON CONFLICT DO NOTHING`,
  `INSERT INTO answers (kind_id, digest, text, fingerprint_id)
     SELECT k.id, a.digest, a.text, f.id
     FROM temp.staged_answers a JOIN fingerprint_kind k ON k.name = a.hello_set
     LEFT JOIN fingerprint f ON f.kind_id = k.id AND f.digest = a.fp_digest
     WHERE true ON CONFLICT DO NOTHING`,
  `INSERT INTO http_server (text) SELECT DISTINCT http_server FROM temp.staged_profile WHERE http_server IS NOT NULL
     ON CONFLICT DO NOTHING`,
  `INSERT INTO source (name, class) SELECT source, max(class) FROM temp.staged_profile WHERE true GROUP BY source
     ON CONFLICT (name) DO UPDATE SET class = excluded.class WHERE class IS NULL AND excluded.class IS NOT NULL`,
  `INSERT INTO label (name, kind) SELECT DISTINCT label, label_kind FROM temp.staged_profile WHERE label IS NOT NULL
     ON CONFLICT DO NOTHING`,
  `CREATE TABLE IF NOT EXISTS temp.profile_content
     (staged INTEGER PRIMARY KEY, answers_id, jarm_id, http_server_id, source_id, label_id, outcome)`,
  `DELETE FROM temp.profile_content`,
  `INSERT INTO temp.profile_content
     SELECT p.id, a.id, j.id, h.id, s.id, l.id, p.outcome
     FROM temp.staged_profile p
     JOIN source s ON s.name = p.source
     LEFT JOIN temp.staged_answers sa ON sa.id = p.answers
     LEFT JOIN fingerprint_kind k ON k.name = sa.hello_set
     LEFT JOIN answers a ON a.kind_id = k.id AND a.digest = sa.digest
     LEFT JOIN fingerprint j ON j.kind_id = 1 AND j.digest = p.jarm
     LEFT JOIN http_server h ON h.text = p.http_server
     LEFT JOIN label l ON l.name = p.label AND l.kind = p.label_kind`,
  `INSERT INTO profile (answers_id, jarm_id, http_server_id, source_id, label_id, outcome)
     SELECT answers_id, jarm_id, http_server_id, source_id, label_id, outcome FROM temp.profile_content
     WHERE true ON CONFLICT DO NOTHING`,
  `CREATE TABLE IF NOT EXISTS temp.profile_seen (profile_id INTEGER PRIMARY KEY, first INTEGER, last INTEGER)`,
];

/** The id of each staged profile. */
const PROFILE_IDS = `
  SELECT c.staged, p.id FROM temp.profile_content c JOIN profile p ON
    ifnull(p.answers_id, 0) = ifnull(c.answers_id, 0) AND ifnull(p.jarm_id, 0) = ifnull(c.jarm_id, 0)
    AND ifnull(p.http_server_id, 0) = ifnull(c.http_server_id, 0) AND p.source_id = c.source_id
    AND ifnull(p.label_id, 0) = ifnull(c.label_id, 0) AND ifnull(p.outcome, '') = ifnull(c.outcome, '')`;

/** A labelled sighting is a claim that its fingerprints carry the label; how often is counted in tally. */
const CLAIM = `
  INSERT INTO claim (fingerprint_id, label_id, source_id, first_seen, last_seen, count)
  SELECT f.id, p.label_id, p.source_id, min(t.first), max(t.last), 0
  FROM temp.profile_seen t
  JOIN profile p ON p.id = t.profile_id
  LEFT JOIN answers a ON a.id = p.answers_id
  JOIN fingerprint f ON f.id IN (a.fingerprint_id, p.jarm_id)
  WHERE p.label_id IS NOT NULL
  GROUP BY f.id, p.label_id, p.source_id
  ON CONFLICT DO UPDATE SET
    first_seen = min(ifnull(first_seen, excluded.first_seen), excluded.first_seen),
    last_seen = max(ifnull(last_seen, excluded.last_seen), excluded.last_seen)`;

/** Merges what was staged; inside of `write`. Does not raise the generation: the caller knows whom it has to tell. */
export function mergeStaged(staging: Staging): MergeReport {
  const steps = mergeSteps(staging);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps, each of which gives how many sightings have been merged so far: millions take a while. */
export function* mergeSteps(staging: Staging): Generator<number, MergeReport> {
  const { store } = staging;
  for (const set of staging.helloSets.values()) ensureHelloSet(store, set);
  const fingerprintsBefore = lastFingerprint(store);
  for (const sql of RESOLVE) store.exec(sql);
  const profiles: number[] = [];
  for (const [staged, id] of store.prepare<[], [number, number]>(PROFILE_IDS).raw().iterate()) profiles[staged] = id;
  const { onlyTime } = staging;
  const isFirst = store.prepare('SELECT 1 FROM server LIMIT 1').get() === undefined;
  const added =
    onlyTime !== null && isFirst
      ? yield* loadServers(store, staging.sorted(), profiles, onlyTime)
      : yield* mergeServers(store, staging.sorted(), profiles, staging.rows);
  const has = (what: string): boolean =>
    store.prepare(`SELECT 1 FROM temp.staged_profile WHERE ${what} LIMIT 1`).get() !== undefined;
  const labelled = has('label IS NOT NULL');
  if (labelled) mergeClaims(staging, profiles);
  return {
    sightings: staging.rows,
    added,
    newFingerprints: lastFingerprint(store) - fingerprintsBefore,
    labelled: labelled || has('class IS NOT NULL'),
  };
}

function mergeClaims({ store, firstSeen, lastSeen }: Staging, profiles: readonly number[]): void {
  store.exec('DELETE FROM temp.profile_seen');
  const seen = store.prepare('INSERT INTO temp.profile_seen VALUES (?, ?, ?)');
  for (const [staged, id] of profiles.entries()) {
    // A profile that no sighting came with.
    if (firstSeen[staged] !== undefined) seen.run(id, firstSeen[staged], lastSeen[staged]);
  }
  store.prepare(CLAIM).run();
}

/** Ids are given out one by one, so that the last one counts what was added without reading the table. */
function lastFingerprint(store: Store): number {
  return store.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM fingerprint').get()?.id ?? 0;
}
