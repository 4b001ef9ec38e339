// Brings staged sightings into the database in one transaction, in the order of its keys. Doing it twice changes nothing:
// a server that was seen with a profile in a week counts once for that week, in whatever order tables come.

import { ensureHelloSet } from './fingerprints.js';
import { InsertedRows } from './inserted-rows.js';
import type { Staging } from './staging.js';
import type { Store } from './store.js';
import { SERVER_INDEX, WEEK_WINDOW } from './schema.js';
import { weekSql } from './week.js';

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
  `CREATE TABLE IF NOT EXISTS temp.batch (
     address BLOB, port INTEGER, name TEXT, profile_id INTEGER, first INTEGER, last INTEGER,
     PRIMARY KEY (address, port, name, profile_id)) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS temp.fresh (profile_id INTEGER PRIMARY KEY, n INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS temp.profile_seen (profile_id INTEGER PRIMARY KEY, first INTEGER, last INTEGER)`,
];

/** The id of each staged profile. */
const PROFILE_IDS = `
  SELECT c.staged, p.id FROM temp.profile_content c JOIN profile p ON
    ifnull(p.answers_id, 0) = ifnull(c.answers_id, 0) AND ifnull(p.jarm_id, 0) = ifnull(c.jarm_id, 0)
    AND ifnull(p.http_server_id, 0) = ifnull(c.http_server_id, 0) AND p.source_id = c.source_id
    AND ifnull(p.label_id, 0) = ifnull(c.label_id, 0) AND ifnull(p.outcome, '') = ifnull(c.outcome, '')`;

/** Sightings of one week that are compared with the stored ones at a time: what they need stays in memory. */
const BATCH_ROWS = 50_000;

const INTO_BATCH = 'INSERT INTO temp.batch VALUES';
const SAME_SERVER = `
  ON CONFLICT (address, port, name, profile_id) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)`;

const COUNT_NEW = `
  INSERT INTO temp.fresh
  SELECT t.profile_id, count(*)
  FROM temp.batch t LEFT JOIN server s
    ON s.address = t.address AND s.port = t.port AND s.name = t.name AND s.profile_id = t.profile_id
  WHERE ${IS_NEW}
  GROUP BY t.profile_id
  ON CONFLICT DO UPDATE SET n = n + excluded.n`;

const TALLY = `
  INSERT INTO tally (profile_id, week, servers) SELECT profile_id, @week, n FROM temp.fresh WHERE true
  ON CONFLICT (profile_id, week) DO UPDATE SET servers = servers + excluded.servers`;

const UPSERT = `
  INSERT INTO server AS s (address, port, name, profile_id, first_seen, last_seen, count, weeks)
  SELECT address, port, name, profile_id, first, last, 1, 1 FROM temp.batch WHERE true
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
const FIRST_LOAD = 'INSERT OR IGNORE INTO server VALUES';
const FIRST_TALLY = 'INSERT INTO tally SELECT profile_id, @week, count(*) FROM server GROUP BY profile_id';

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
  const isFirst = staging.onlyTime !== null && store.prepare('SELECT 1 FROM server LIMIT 1').get() === undefined;
  const added = isFirst ? yield* loadFirst(staging, profiles) : yield* mergeWeeks(staging, profiles);
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

function* loadFirst(staging: Staging, profiles: readonly number[]): Generator<number, number> {
  const { store, onlyTime } = staging;
  store.exec('DROP INDEX server_by_profile');
  const rows = new InsertedRows(store, FIRST_LOAD, `(?, ?, ?, ?, ${onlyTime}, ${onlyTime}, 1, 1)`);
  const sightings = staging.sorted();
  let week = 0;
  for (let seen = sightings.next(), n = 1; seen !== null; seen = sightings.next(), n++) {
    week = seen.week;
    rows.add(seen.address, seen.port, seen.name, profiles[seen.profile]);
    if (n % BATCH_ROWS === 0) yield n;
  }
  rows.flush();
  store.exec(SERVER_INDEX);
  store.prepare(FIRST_TALLY).run({ week });
  return rows.changes;
}

function* mergeWeeks(staging: Staging, profiles: readonly number[]): Generator<number, number> {
  const { store } = staging;
  const rows = new InsertedRows(store, INTO_BATCH, '(?, ?, ?, ?, ?, ?)', SAME_SERVER);
  const sightings = staging.sorted();
  let week = -1;
  let waiting = 0;
  let added = 0;
  const mergeBatch = (): void => {
    rows.flush();
    store.prepare(COUNT_NEW).run({ week });
    store.prepare(UPSERT).run({ week });
    store.exec('DELETE FROM temp.batch');
    waiting = 0;
  };
  const endWeek = (): void => {
    if (waiting > 0) mergeBatch();
    store.prepare(TALLY).run({ week });
    added += store.prepare<[], { n: number | null }>('SELECT sum(n) AS n FROM temp.fresh').get()?.n ?? 0;
    store.exec('DELETE FROM temp.fresh');
  };
  store.exec('DELETE FROM temp.batch; DELETE FROM temp.fresh');
  for (let seen = sightings.next(), n = 1; seen !== null; seen = sightings.next(), n++) {
    if (seen.week !== week && week >= 0) endWeek();
    week = seen.week;
    const time = seen.seen;
    rows.add(seen.address, seen.port, seen.name, profiles[seen.profile], time, time);
    waiting += 1;
    if (waiting === BATCH_ROWS) {
      mergeBatch();
      yield n;
    }
  }
  if (week >= 0) endWeek();
  return added;
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
