// Brings staged sightings into the database in one transaction, in the order of its keys. Doing it twice changes nothing:
// a server that was seen with a profile in a week counts once for that week, in whatever order tables come.

import { ensureHelloSet } from './fingerprints.js';
import type { Staging } from './staging.js';
import type { Store } from './store.js';
import { SERVER_INDEX, WEEK_WINDOW } from './schema.js';
import { mondayOf, weekSql } from './week.js';

/** What a merge changed. */
export interface MergeReport {
  /** Sightings that came in, and those of them that were new: a server seen with a profile in a week. */
  readonly sightings: number;
  readonly added: number;
  readonly newFingerprints: number;
  /** Whether any label came with the sightings, so that verdicts of other servers may change. */
  readonly labelled: boolean;
}

const MASK = 2 ** WEEK_WINDOW - 1;
const STORED_WEEK = weekSql('s.last_seen');

/** SQL condition on a stored row `s` (or none) and a week: this week is not counted in the row yet. */
const IS_NEW = `(
  s.weeks IS NULL OR @week > ${STORED_WEEK}
  OR (@week > ${STORED_WEEK} - ${WEEK_WINDOW} AND (s.weeks >> (${STORED_WEEK} - @week)) & 1 = 0)
  OR (@week <= ${STORED_WEEK} - ${WEEK_WINDOW} AND @week < ${weekSql('s.first_seen')}))`;

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
  `CREATE TABLE IF NOT EXISTS temp.profile_map (staged INTEGER PRIMARY KEY, id INTEGER NOT NULL)`,
  `DELETE FROM temp.profile_map`,
  `INSERT INTO temp.profile_map
     SELECT c.staged, p.id FROM temp.profile_content c JOIN profile p ON
       ifnull(p.answers_id, 0) = ifnull(c.answers_id, 0) AND ifnull(p.jarm_id, 0) = ifnull(c.jarm_id, 0)
       AND ifnull(p.http_server_id, 0) = ifnull(c.http_server_id, 0) AND p.source_id = c.source_id
       AND ifnull(p.label_id, 0) = ifnull(c.label_id, 0) AND ifnull(p.outcome, '') = ifnull(c.outcome, '')`,
  `CREATE TABLE IF NOT EXISTS temp.sorted (address BLOB, port INTEGER, name TEXT, profile_id INTEGER, first INTEGER, last INTEGER)`,
  `CREATE TABLE IF NOT EXISTS temp.fresh (profile_id INTEGER PRIMARY KEY, n INTEGER NOT NULL)`,
];

/** SQL condition on a staged row `t`. */
const IN_WEEK = 't.seen BETWEEN @monday AND @sunday';

const SORT = `
  INSERT INTO temp.sorted
  SELECT t.address, t.port, t.name, m.id, min(t.seen), max(t.seen)
  FROM temp.staged_server t JOIN temp.profile_map m ON m.staged = t.profile
  WHERE ${IN_WEEK}
  GROUP BY t.place, t.address, t.port, t.name, m.id`;

const COUNT_NEW = `
  INSERT INTO temp.fresh
  SELECT t.profile_id, count(*)
  FROM temp.sorted t LEFT JOIN server s
    ON s.address = t.address AND s.port = t.port AND s.name = t.name AND s.profile_id = t.profile_id
  WHERE ${IS_NEW}
  GROUP BY t.profile_id`;

const TALLY = `
  INSERT INTO tally (profile_id, week, servers) SELECT profile_id, @week, n FROM temp.fresh WHERE true
  ON CONFLICT (profile_id, week) DO UPDATE SET servers = servers + excluded.servers`;

const UPSERT = `
  INSERT INTO server AS s (address, port, name, profile_id, first_seen, last_seen, count, weeks)
  SELECT address, port, name, profile_id, first, last, 1, 1 FROM temp.sorted WHERE true
  ON CONFLICT DO UPDATE SET
    count = s.count + ${IS_NEW},
    weeks = CASE
      WHEN @week > ${STORED_WEEK} THEN ((s.weeks << (@week - ${STORED_WEEK})) | 1) & ${MASK}
      WHEN @week > ${STORED_WEEK} - ${WEEK_WINDOW} THEN s.weeks | (1 << (${STORED_WEEK} - @week))
      ELSE s.weeks END,
    first_seen = min(s.first_seen, excluded.first_seen),
    last_seen = max(s.last_seen, excluded.last_seen)
  WHERE excluded.first_seen < s.first_seen OR excluded.last_seen > s.last_seen OR ${IS_NEW}`;

/** The first load of an empty table: nothing to compare with, and the index is made faster afterwards at one go. */
const FIRST_LOAD = `
  INSERT OR IGNORE INTO server
  SELECT t.address, t.port, t.name, m.id, t.seen, t.seen, 1, 1
  FROM temp.staged_server t JOIN temp.profile_map m ON m.staged = t.profile
  WHERE ${IN_WEEK}
  ORDER BY t.place, t.address, t.port, t.name, m.id`;
const FIRST_TALLY = 'INSERT INTO tally SELECT profile_id, @week, count(*) FROM server GROUP BY profile_id';

/** A labelled sighting is a claim that its fingerprints carry the label; how often is counted in tally. */
const CLAIM = `
  INSERT INTO claim (fingerprint_id, label_id, source_id, first_seen, last_seen, count)
  SELECT f.id, p.label_id, p.source_id, min(t.first), max(t.last), 0
  FROM (SELECT profile, min(seen) AS first, max(seen) AS last FROM temp.staged_server GROUP BY profile) t
  JOIN temp.profile_map m ON m.staged = t.profile
  JOIN profile p ON p.id = m.id
  LEFT JOIN answers a ON a.id = p.answers_id
  JOIN fingerprint f ON f.id IN (a.fingerprint_id, p.jarm_id)
  WHERE p.label_id IS NOT NULL
  GROUP BY f.id, p.label_id, p.source_id
  ON CONFLICT DO UPDATE SET
    first_seen = min(ifnull(first_seen, excluded.first_seen), excluded.first_seen),
    last_seen = max(ifnull(last_seen, excluded.last_seen), excluded.last_seen)`;

/** Merges what was staged; inside of `write`. Does not raise the generation: the caller knows whom it has to tell. */
export function mergeStaged(staging: Staging): MergeReport {
  const { store } = staging;
  staging.flush();
  for (const set of staging.helloSets.values()) ensureHelloSet(store, set);
  const fingerprintsBefore = lastFingerprint(store);
  for (const sql of RESOLVE) store.exec(sql);
  const weeks = [...staging.weeks].sort(([a], [b]) => a - b);
  // Many weeks in one table: without an index each would read all of the rows again.
  if (weeks.length > 3) store.exec('CREATE INDEX temp.staged_server_by_time ON staged_server (seen)');
  let added = 0;
  for (const [week, sameTime] of weeks) {
    const first = sameTime !== null && store.prepare('SELECT 1 FROM server LIMIT 1').get() === undefined;
    added += first ? loadFirst(store, week) : mergeWeek(store, week);
  }
  store.exec('DROP INDEX IF EXISTS temp.staged_server_by_time');
  const has = (what: string): boolean =>
    store.prepare(`SELECT 1 FROM temp.staged_profile WHERE ${what} LIMIT 1`).get() !== undefined;
  const labelled = has('label IS NOT NULL');
  if (labelled) store.prepare(CLAIM).run();
  return {
    sightings: staging.rows,
    added,
    newFingerprints: lastFingerprint(store) - fingerprintsBefore,
    labelled: labelled || has('class IS NOT NULL'),
  };
}

function loadFirst(store: Store, week: number): number {
  store.exec('DROP INDEX server_by_profile');
  const { changes } = store.prepare(FIRST_LOAD).run(spanOf(week));
  store.exec(SERVER_INDEX);
  store.prepare(FIRST_TALLY).run({ week });
  return changes;
}

function mergeWeek(store: Store, week: number): number {
  store.exec('DELETE FROM temp.sorted; DELETE FROM temp.fresh');
  store.prepare(SORT).run(spanOf(week));
  store.prepare(COUNT_NEW).run({ week });
  store.prepare(TALLY).run({ week });
  store.prepare(UPSERT).run({ week });
  return store.prepare<[], { n: number | null }>('SELECT sum(n) AS n FROM temp.fresh').get()?.n ?? 0;
}

function spanOf(week: number): { monday: number; sunday: number } {
  return { monday: mondayOf(week), sunday: mondayOf(week + 1) - 1 };
}

/** Ids are given out one by one, so that the last one counts what was added without reading the table. */
function lastFingerprint(store: Store): number {
  return store.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM fingerprint').get()?.id ?? 0;
}
