// Forgetting what was last seen long ago, and giving the room back to the file system.

import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { HellotapError } from '../errors.js';
import { WEEK_WINDOW } from './schema.js';
import type { Store } from './store.js';
import { mondayOf, weekOf, weekSql } from './week.js';

export interface PruneReport {
  /** Seconds since 1970: the Monday of the week that the date lies in; what was last seen before it is gone. */
  readonly before: number;
  readonly servers: number;
  readonly claims: number;
  readonly fingerprints: number;
}

/** Of the weeks that a row tells apart, how many stay. */
const KEPT = `(${weekSql('last_seen')} - @week + 1)`;
const KEPT_WEEKS = `(weeks & ((1 << ${KEPT}) - 1))`;

/** So that a server that was seen since counts again when a table of an earlier week is imported again. */
const FORGET_WEEKS = `
  UPDATE server SET
    weeks = ${KEPT_WEEKS},
    count = ${Array.from({ length: WEEK_WINDOW }, (_, bit) => `(${KEPT_WEEKS} >> ${bit} & 1)`).join(' + ')}
  WHERE first_seen < @before AND ${KEPT} < ${WEEK_WINDOW}`;

/**
 * Forgets servers and labels last seen before the week of a time, and that what stays was seen in earlier weeks, so that
 * scores speak of what is left; since when it is known stays. Labels without a date and those taken away by hand stay.
 * Raises the generation where anything changed.
 */
export function prune(store: Store, seconds: number): PruneReport {
  const week = weekOf(seconds);
  const before = mondayOf(week);
  return store.write(() => {
    const run = (sql: string, ...values: number[]): number => store.prepare<number[]>(sql).run(...values).changes;
    const servers = run('DELETE FROM server WHERE last_seen < ?', before);
    const weeks = run('DELETE FROM tally WHERE week < ?', week);
    store.prepare(FORGET_WEEKS).run({ week, before });
    const claims = run('DELETE FROM claim WHERE last_seen < ? AND removed = 0', before);
    run(`DELETE FROM profile WHERE id NOT IN (SELECT profile_id FROM server UNION SELECT profile_id FROM tally)`);
    run(`DELETE FROM answers WHERE NOT EXISTS (SELECT 1 FROM profile p WHERE p.answers_id = answers.id)`);
    const fingerprints = run(
      `DELETE FROM fingerprint WHERE NOT EXISTS (SELECT 1 FROM answers a WHERE a.fingerprint_id = fingerprint.id)
         AND NOT EXISTS (SELECT 1 FROM profile p WHERE p.jarm_id = fingerprint.id)
         AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.fingerprint_id = fingerprint.id)`,
    );
    if (servers + weeks + claims > 0) {
      run(
        `INSERT INTO meta VALUES ('pruned_before', ?)
         ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)`,
        before,
      );
      store.raiseGeneration();
    }
    return { before, servers, claims, fingerprints };
  });
}

/** Bytes of the file before and after. */
export interface CompactReport {
  readonly before: number;
  readonly after: number;
}

/**
 * Rewrites the file without its gaps. All or nothing: until the last step the old content stays as it is. Needs room for
 * two more copies. Throws ERR_DATABASE_WRITE where that is missing, ERR_DATABASE_FORMAT where the file is damaged.
 */
export function compact(store: Store): CompactReport {
  const before = bytesOf(store.path);
  const { bavail, bsize } = statfsSync(dirname(store.path));
  const free = bavail * bsize;
  if (free < 2 * before) {
    throw new HellotapError(
      'ERR_DATABASE_WRITE',
      `${store.path}: compacting needs ${megabytes(2 * before)} beside the database, and ${megabytes(free)} are free; nothing was changed`,
    );
  }
  const found = store.prepare<[], { quick_check: string }>('PRAGMA quick_check(1)').get()?.quick_check;
  if (found !== 'ok') {
    throw new HellotapError(
      'ERR_DATABASE_FORMAT',
      `${store.path}: is damaged (${found ?? 'no answer'}) and was left as it is; "hellotap db verify" says more`,
    );
  }
  store.exec('VACUUM');
  // Into the file, so that the room is given back now and not by whoever writes next.
  store.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
  return { before, after: bytesOf(store.path) };
}

function bytesOf(path: string): number {
  return [path, `${path}-wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
