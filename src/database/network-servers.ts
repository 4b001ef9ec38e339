// Which servers lie in which ranges of addresses, and the claims that follow: both are walked once, in the order of addresses,
// so that neither has to fit into memory.

import type { Network } from './networks.js';
import type { LabelRef } from './staging.js';
import type { Store } from './store.js';

const TABLES = `
CREATE TABLE IF NOT EXISTS temp.staged_network (first BLOB NOT NULL, last BLOB NOT NULL, label TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS temp.network_hit (
  profile_id INTEGER NOT NULL, label TEXT NOT NULL, kind TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  count INTEGER NOT NULL, PRIMARY KEY (profile_id, label, kind)
) WITHOUT ROWID;
DELETE FROM temp.staged_network;
DELETE FROM temp.network_hit;
`;

const SORT = `
DROP TABLE IF EXISTS temp.sorted_network;
CREATE TABLE temp.sorted_network AS
  SELECT first, last, label, kind FROM temp.staged_network ORDER BY length(first), first, last DESC;
`;

const HIT = `
  INSERT INTO temp.network_hit VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),
    count = count + excluded.count`;

const CLAIM = `
  INSERT INTO claim AS c (fingerprint_id, label_id, source_id, first_seen, last_seen, count)
  SELECT f.id, l.id, ?, min(h.first_seen), max(h.last_seen), sum(h.count)
  FROM temp.network_hit h
  JOIN profile p ON p.id = h.profile_id
  LEFT JOIN answers a ON a.id = p.answers_id
  JOIN fingerprint f ON f.id IN (a.fingerprint_id, p.jarm_id)
  JOIN label l ON l.name = h.label AND l.kind = h.kind
  WHERE true GROUP BY f.id, l.id
  ON CONFLICT DO UPDATE SET
    first_seen = min(ifnull(c.first_seen, excluded.first_seen), excluded.first_seen),
    last_seen = max(ifnull(c.last_seen, excluded.last_seen), excluded.last_seen),
    count = max(c.count, excluded.count)
  WHERE c.removed = 0 AND (excluded.count > c.count OR ifnull(excluded.first_seen < c.first_seen, 1)
    OR ifnull(excluded.last_seen > c.last_seen, 1))`;

interface NetworkRow extends Network {
  row: number;
  label: string;
  kind: string;
}

interface ServerRow {
  address: Uint8Array;
  port: number;
  name: string;
  profile: number;
  firstSeen: number;
  lastSeen: number;
  count: number;
}

/** The ranges of one load; a connection has one at a time: beginning a new one empties the tables. */
export class NetworkServers {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    store.exec(TABLES);
  }

  add({ first, last }: Network, { name, kind }: LabelRef): void {
    this.#store.prepare('INSERT INTO temp.staged_network VALUES (?, ?, ?, ?)').run(first, last, name, kind);
  }

  /** Claims the ranges' labels for what their servers answered, inside of `write`. Returns how many claims changed. */
  claim(source: number): number {
    this.#store.exec(SORT);
    for (const length of [4, 16]) this.#walk(length);
    this.#store.exec(
      'INSERT INTO label (name, kind) SELECT DISTINCT label, kind FROM temp.network_hit WHERE true ON CONFLICT DO NOTHING',
    );
    return this.#store.prepare<[number]>(CLAIM).run(source).changes;
  }

  #walk(length: number): void {
    const networks = this.#networks(length);
    let next = networks.next();
    let around: NetworkRow[] = [];
    let after: ServerRow | null = null;
    for (;;) {
      // Where no range is open, the servers before the next one are passed over.
      if (around.length === 0 && next.done === true) return;
      const from = around.length === 0 && next.done !== true ? next.value.first : null;
      const page = this.#servers(after, from);
      if (page.length === 0) return;
      for (const server of page) {
        after = server;
        if (server.address.length !== length) continue;
        while (next.done !== true && Buffer.compare(next.value.first, server.address) <= 0) {
          around.push(next.value);
          next = networks.next();
        }
        around = around.filter(({ last }) => Buffer.compare(last, server.address) >= 0);
        const narrowest = around.at(-1);
        if (narrowest !== undefined) this.#hit(server, narrowest);
        else if (next.done === true) return;
      }
    }
  }

  #hit({ profile, firstSeen, lastSeen, count }: ServerRow, { label, kind }: NetworkRow): void {
    this.#store.prepare(HIT).run(profile, label, kind, firstSeen, lastSeen, count);
  }

  *#networks(length: number): Generator<NetworkRow, undefined> {
    // In pages: a statement that is being read keeps this connection from writing.
    const page = this.#store.prepare<[number, number], NetworkRow>(
      `SELECT rowid AS row, first, last, label, kind FROM temp.sorted_network
       WHERE rowid > ? AND length(first) = ? ORDER BY rowid LIMIT 1000`,
    );
    for (let last = 0; ;) {
      const rows = page.all(last, length);
      if (rows.length === 0) return;
      for (const row of rows) {
        last = row.row;
        yield row;
      }
    }
  }

  /** The servers behind one, and from an address on. */
  #servers(after: ServerRow | null, from: Uint8Array | null): ServerRow[] {
    const select = `SELECT address, port, name, profile_id AS profile, first_seen AS firstSeen, last_seen AS lastSeen, count FROM server`;
    const order = 'ORDER BY address, port, name, profile_id LIMIT 1000';
    if (after === null || (from !== null && Buffer.compare(from, after.address) > 0)) {
      return this.#store
        .prepare<[Uint8Array], ServerRow>(`${select} WHERE address >= ? ${order}`)
        .all(from ?? new Uint8Array());
    }
    return this.#store
      .prepare<[Uint8Array, number, string, number], ServerRow>(
        `${select} WHERE (address, port, name, profile_id) > (?, ?, ?, ?) ${order}`,
      )
      .all(after.address, after.port, after.name, after.profile);
  }
}
