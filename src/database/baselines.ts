// The recorded states of one's own servers: saving, finding and forgetting them. What the traits mean is others' business.

import { addressBytes, addressText } from './address.js';
import type { ServerKey } from './server-key.js';
import type { Store } from './store.js';

/** A server whose state is recorded. `startTls` is empty where TLS begins at once. */
export interface BaselineKey extends ServerKey {
  readonly startTls: string;
}

/** One trait and one value that it had. */
export interface StoredTrait {
  readonly hello: string;
  readonly aspect: string;
  readonly value: string;
}

/** The recorded state of a server. */
export interface Baseline {
  readonly server: BaselineKey;
  readonly helloSet: string;
  readonly helloSetDigest: string;
  /** Seconds since 1970. */
  readonly recorded: number;
  /** How often the server was probed for it. */
  readonly probes: number;
  readonly traits: readonly StoredTrait[];
}

interface Row {
  readonly id: number;
  readonly address: Uint8Array;
  readonly port: number;
  readonly name: string;
  readonly starttls: string;
  readonly helloSet: string;
  readonly helloSetDigest: string;
  readonly recorded: number;
  readonly probes: number;
}

const SELECT = `
  SELECT id, address, port, name, starttls, hello_set AS helloSet, hello_set_digest AS helloSetDigest, recorded, probes
  FROM baseline`;

/** Records a server's state in the place of an earlier one. The address has to be one. */
export function saveBaseline(store: Store, baseline: Baseline): void {
  const { server } = baseline;
  store.write(() => {
    forgetBaseline(store, server);
    const { lastInsertRowid: id } = store
      .prepare(
        `INSERT INTO baseline (address, port, name, starttls, hello_set, hello_set_digest, recorded, probes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(...keyOf(server), baseline.helloSet, baseline.helloSetDigest, baseline.recorded, baseline.probes);
    const insert = store.prepare('INSERT INTO baseline_trait (baseline_id, hello, aspect, value) VALUES (?, ?, ?, ?)');
    for (const { hello, aspect, value } of baseline.traits) insert.run(id, hello, aspect, value);
  });
}

/** Forgets a server's recorded state; false where there was none. */
export function forgetBaseline(store: Store, server: BaselineKey): boolean {
  return (
    store
      .prepare('DELETE FROM baseline WHERE address = ? AND port = ? AND name = ? AND starttls = ?')
      .run(...keyOf(server)).changes > 0
  );
}

/** The recorded state of a server; null: there is none. */
export function findBaseline(store: Store, server: BaselineKey): Baseline | null {
  const row = store
    .prepare<[Uint8Array, number, string, string], Row>(
      `${SELECT} WHERE address = ? AND port = ? AND name = ? AND starttls = ?`,
    )
    .get(...keyOf(server));
  return row === undefined ? null : baselineOf(store, row);
}

/** All recorded states, by address. */
export function listBaselines(store: Store): Baseline[] {
  const rows = store.prepare<[], Row>(`${SELECT} ORDER BY length(address), address, port, name, starttls`).all();
  return rows.map((row) => baselineOf(store, row));
}

function baselineOf(store: Store, row: Row): Baseline {
  const { id, address, port, name, starttls, ...rest } = row;
  const traits = store
    .prepare<[number], StoredTrait>('SELECT hello, aspect, value FROM baseline_trait WHERE baseline_id = ?')
    .all(id);
  return {
    server: { address: addressText(address), port, serverName: name === '' ? null : name, startTls: starttls },
    helloSet: rest.helloSet,
    helloSetDigest: rest.helloSetDigest,
    recorded: rest.recorded,
    probes: rest.probes,
    traits,
  };
}

function keyOf({ address, port, serverName, startTls }: BaselineKey): [Uint8Array, number, string, string] {
  const bytes = addressBytes(address);
  if (bytes === null) throw new TypeError(`${address}: not an address`);
  return [bytes, port, (serverName ?? '').toLowerCase(), startTls];
}
