// Claims from a table on their way in: they wait in a temporary table of this connection until the whole file has been
// read, then come in together. What the rows of a table mean is decided by its importer.

import { mergeClaim, type Claim } from './labels.js';
import type { SourceClass } from './source.js';
import type { Store } from './store.js';

const TABLE = `
CREATE TABLE IF NOT EXISTS temp.staged_claim (
  kind TEXT NOT NULL, digest BLOB NOT NULL, text TEXT, label TEXT NOT NULL, label_kind TEXT NOT NULL, source TEXT NOT NULL,
  class TEXT, first_seen INTEGER, last_seen INTEGER, count INTEGER NOT NULL
);
DELETE FROM temp.staged_claim;
`;

interface StagedRow {
  rowid: number;
  kind: string;
  digest: Uint8Array;
  text: string | null;
  label: string;
  labelKind: string;
  source: string;
  class: SourceClass;
  firstSeen: number | null;
  lastSeen: number | null;
  count: number;
}

/** One load of claims; a connection has one at a time: beginning a new one empties the table. */
export class StagedClaims {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    store.exec(TABLE);
  }

  add({ key, label, source, firstSeen, lastSeen, count }: Claim): void {
    this.#store
      .prepare('INSERT INTO temp.staged_claim VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        key.kind,
        key.digest,
        key.text,
        label.name,
        label.kind,
        source.name,
        source.class,
        firstSeen,
        lastSeen,
        count,
      );
  }

  /** Brings the rows in, inside of `write`; returns how many of them changed anything. */
  merge(): number {
    let changed = 0;
    // In pieces: a statement that is being read keeps this connection from writing.
    const step = this.#store.prepare<[number], StagedRow>(
      `SELECT rowid, kind, digest, text, label, label_kind AS labelKind, source, class, first_seen AS firstSeen,
         last_seen AS lastSeen, count FROM temp.staged_claim WHERE rowid > ? ORDER BY rowid LIMIT 1000`,
    );
    for (let last = 0; ;) {
      const batch = step.all(last);
      for (const row of batch) {
        last = row.rowid;
        const { kind, digest, text, firstSeen, lastSeen, count } = row;
        const claim = {
          key: { kind, digest, text },
          label: { name: row.label, kind: row.labelKind },
          source: { name: row.source, class: row.class },
          firstSeen,
          lastSeen,
          count,
        };
        if (mergeClaim(this.#store, claim)) changed += 1;
      }
      if (batch.length === 0) return changed;
    }
  }
}
