// Finds damage in a database: what SQLite itself can tell, references that lead nowhere, digests that are not those of
// their text, and counts that contradict each other. Reads only; one consistent state while others write.

import { fingerprintId } from '../fingerprint/stack.js';
import { answersDigest } from './staging.js';
import type { Store } from './store.js';

/** One kind of damage; `count`: how often it was met. */
export interface Damage {
  readonly check: string;
  readonly detail: string;
  readonly count: number;
}

export interface VerifyReport {
  readonly damages: readonly Damage[];
  /** What was looked through. */
  readonly servers: number;
  readonly fingerprints: number;
  readonly answers: number;
  readonly claims: number;
}

/** Damages of one kind that SQLite lists one by one. */
const LISTED = 20;

const DIGEST_LENGTHS = `
  SELECT count(*) AS n FROM fingerprint f JOIN fingerprint_kind k ON k.id = f.kind_id
  WHERE NOT CASE k.family
    WHEN 'stack' THEN length(f.digest) = 16 WHEN 'jarm' THEN length(f.digest) = 31
    WHEN 'cert-sha1' THEN length(f.digest) = 20 WHEN 'endpoint' THEN length(f.digest) IN (6, 18)
    ELSE length(f.digest) = 16 END`;

const COUNTS: readonly { readonly check: string; readonly detail: string; readonly sql: string }[] = [
  {
    check: 'references',
    detail: 'servers whose profile does not exist',
    sql: `SELECT coalesce(sum(n), 0) AS n FROM (SELECT profile_id, count(*) AS n FROM server GROUP BY profile_id)
          WHERE profile_id NOT IN (SELECT id FROM profile)`,
  },
  { check: 'digests', detail: 'fingerprints whose digest has not the length of its kind', sql: DIGEST_LENGTHS },
  {
    check: 'servers',
    detail: 'servers with an address, a time, a count or weeks that cannot be',
    sql: `SELECT count(*) AS n FROM server WHERE length(address) NOT IN (4, 16) OR port NOT BETWEEN 1 AND 65535
          OR first_seen > last_seen OR first_seen < 0 OR count < 1 OR weeks & 1 = 0`,
  },
  {
    // What was pruned is gone from tally, and still in the counts of servers that were seen more than a year later as well.
    check: 'counts',
    detail: 'profiles whose servers were not seen as often as the weekly counts say',
    sql: `SELECT count(*) AS n FROM (
            SELECT profile_id, sum(seen) AS seen, sum(told) AS told FROM (
              SELECT profile_id, sum(count) AS seen, 0 AS told FROM server GROUP BY profile_id
              UNION ALL SELECT profile_id, 0, sum(servers) FROM tally GROUP BY profile_id)
            GROUP BY profile_id)
          WHERE told > seen
            OR (told < seen AND NOT EXISTS (SELECT 1 FROM meta WHERE key = 'pruned_before'))`,
  },
];

/** Looks through the whole database. A file that SQLite cannot read at all throws ERR_DATABASE_FORMAT. */
export function verifyDatabase(store: Store): VerifyReport {
  return store.read(() => {
    const damages: Damage[] = [];
    const add = (check: string, detail: string, count: number): void => {
      if (count > 0) damages.push({ check, detail, count });
    };
    for (const { integrity_check: text } of store
      .prepare<[], { integrity_check: string }>(`PRAGMA integrity_check(${LISTED})`)
      .all()) {
      if (text !== 'ok') add('pages', text, 1);
    }
    // What follows would read damaged pages: SQLite's own findings say enough.
    if (damages.length > 0) return { damages, servers: 0, fingerprints: 0, answers: 0, claims: 0 };
    const lost = new Map<string, number>();
    for (const { table, parent } of store
      .prepare<[], { table: string; parent: string }>('PRAGMA foreign_key_check')
      .iterate()) {
      const detail = `rows of ${table} that refer to no row of ${parent}`;
      lost.set(detail, (lost.get(detail) ?? 0) + 1);
    }
    for (const [detail, count] of lost) add('references', detail, count);
    for (const { check, detail, sql } of COUNTS) add(check, detail, count(store, sql));
    add('digests', 'stack fingerprints whose id is not that of their text', wrongFingerprints(store));
    add('digests', 'answers whose digest is not that of their text', wrongAnswers(store));
    const rows = (table: string): number => count(store, `SELECT count(*) AS n FROM ${table}`);
    return {
      damages,
      servers: rows('server'),
      fingerprints: rows('fingerprint'),
      answers: rows('answers'),
      claims: rows('claim'),
    };
  });
}

function wrongFingerprints(store: Store): number {
  let wrong = 0;
  const rows = store.prepare<[], { digest: Buffer; text: string }>(
    `SELECT f.digest, f.text FROM fingerprint f JOIN fingerprint_kind k ON k.id = f.kind_id
     WHERE k.family = 'stack' AND f.text IS NOT NULL`,
  );
  for (const { digest, text } of rows.iterate()) if (digest.toString('hex') !== fingerprintId(text)) wrong += 1;
  return wrong;
}

function wrongAnswers(store: Store): number {
  let wrong = 0;
  const rows = store.prepare<[], { digest: Buffer; text: string | null; fingerprint: string | null }>(
    `SELECT a.digest, a.text, f.text AS fingerprint FROM answers a LEFT JOIN fingerprint f ON f.id = a.fingerprint_id
     WHERE a.fingerprint_id IS NULL OR f.text IS NOT NULL`,
  );
  for (const { digest, text, fingerprint } of rows.iterate()) {
    if (!answersDigest(text ?? fingerprint ?? '', fingerprint).equals(digest)) wrong += 1;
  }
  return wrong;
}

function count(store: Store, sql: string): number {
  return store.prepare<[], { n: number }>(sql).get()?.n ?? 0;
}
