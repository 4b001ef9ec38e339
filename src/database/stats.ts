// How much is in the database, in numbers.

import { statSync } from 'node:fs';
import { SCHEMA_VERSION } from './schema.js';
import type { Store } from './store.js';

/** Times in seconds since 1970, null where the database is empty. */
export interface DatabaseStats {
  readonly path: string;
  readonly schemaVersion: number;
  readonly bytes: number;
  /** Servers (address, port and name). */
  readonly servers: number;
  /** States in which they were seen (what was seen, on which list), and how many of those have no complete fingerprint. */
  readonly states: number;
  readonly incomplete: number;
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
  /** Fingerprints per kind, only kinds that have some. */
  readonly fingerprints: Readonly<Record<string, number>>;
  /** Fingerprints that carry a label of each kind. */
  readonly labelled: Readonly<Record<string, number>>;
  /** Distinct labels. */
  readonly labels: number;
  /** Fingerprints, certificates and addresses that stand on block lists themselves. */
  readonly listed: number;
  /** Server-weeks on lists of either sort. */
  readonly blocklist: number;
  readonly toplist: number;
}

export function databaseStats(store: Store): DatabaseStats {
  return store.read(() => {
    const servers = store
      .prepare<[], { n: number; first: number | null; last: number | null }>(
        'SELECT count(*) AS n, min(first_seen) AS first, max(last_seen) AS last FROM server',
      )
      .get();
    const lists = record(
      store,
      `SELECT s.class AS name, sum(t.servers) AS n FROM source s
       JOIN profile p ON p.source_id = s.id JOIN tally t ON t.profile_id = p.id
       WHERE s.class IS NOT NULL GROUP BY s.class`,
    );
    return {
      path: store.path,
      schemaVersion: SCHEMA_VERSION,
      bytes: fileBytes(store.path),
      servers: count(store, 'SELECT count(*) AS n FROM (SELECT DISTINCT address, port, name FROM server)'),
      states: servers?.n ?? 0,
      incomplete: count(
        store,
        `SELECT count(*) AS n FROM server WHERE profile_id IN
           (SELECT p.id FROM profile p JOIN answers a ON a.id = p.answers_id WHERE a.fingerprint_id IS NULL)`,
      ),
      firstSeen: servers?.first ?? null,
      lastSeen: servers?.last ?? null,
      fingerprints: record(
        store,
        `SELECT k.name, count(*) AS n FROM fingerprint f JOIN fingerprint_kind k ON k.id = f.kind_id
         GROUP BY k.id ORDER BY k.id`,
      ),
      labelled: record(
        store,
        `SELECT l.kind AS name, count(DISTINCT c.fingerprint_id) AS n FROM claim c JOIN label l ON l.id = c.label_id
         WHERE c.removed = 0 GROUP BY l.kind ORDER BY l.kind`,
      ),
      labels: count(
        store,
        'SELECT count(*) AS n FROM label WHERE id IN (SELECT label_id FROM claim WHERE removed = 0)',
      ),
      listed: count(
        store,
        `SELECT count(DISTINCT fingerprint_id) AS n FROM claim
         WHERE count > 0 AND source_id IN (SELECT id FROM source WHERE class = 'blocklist')`,
      ),
      blocklist: lists['blocklist'] ?? 0,
      toplist: lists['toplist'] ?? 0,
    };
  });
}

function count(store: Store, sql: string): number {
  return store.prepare<[], { n: number }>(sql).get()?.n ?? 0;
}

function record(store: Store, sql: string): Record<string, number> {
  const rows = store.prepare<[], { name: string; n: number }>(sql).all();
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

/** With the write-ahead log, which is part of the database until it is folded in. */
function fileBytes(path: string): number {
  return [path, `${path}-wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}
