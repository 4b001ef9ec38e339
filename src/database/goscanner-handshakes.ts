// The handshakes of a goscanner scan on their way to servers: hosts.csv says where each was and with which Client Hello,
// tls_verbose.csv what it saw. Joined in temporary tables, so that a scan larger than memory can be read in any order.

import type { Store } from './store.js';

const TABLES = `
CREATE TABLE IF NOT EXISTS temp.scan_handshake (
  id INTEGER PRIMARY KEY, address BLOB NOT NULL, port INTEGER NOT NULL, name TEXT NOT NULL, hello INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS temp.scan_text (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS temp.scan_answer (
  address BLOB NOT NULL, port INTEGER NOT NULL, name TEXT NOT NULL, hello INTEGER NOT NULL, text INTEGER NOT NULL
);
DELETE FROM temp.scan_handshake;
DELETE FROM temp.scan_text;
DELETE FROM temp.scan_answer;
`;

const SORT = `
DROP TABLE IF EXISTS temp.scan_sorted;
CREATE TABLE temp.scan_sorted AS
  SELECT a.address, a.port, a.name, a.hello, a.text FROM temp.scan_answer a JOIN temp.scan_text t ON t.id = a.text
  ORDER BY a.address, a.port, a.name, a.hello, t.text;
`;

const PAGE = `
  SELECT s.rowid AS row, s.address, s.port, s.name, s.hello, t.text
  FROM temp.scan_sorted s JOIN temp.scan_text t ON t.id = s.text
  WHERE s.rowid > ? ORDER BY s.rowid LIMIT 10000`;

interface AnswerRow {
  row: number;
  address: Uint8Array;
  port: number;
  name: string;
  hello: number;
  text: string;
}

/** A server with what it answered, by name of the Client Hello. */
export interface ScannedServer {
  readonly address: Uint8Array;
  readonly port: number;
  readonly name: string;
  readonly texts: ReadonlyMap<string, string>;
}

/** The handshakes of one scan; a connection has one at a time: beginning a new one empties the tables. */
export class GoscannerHandshakes {
  readonly #store: Store;
  readonly #hellos: string[] = [];

  constructor(store: Store) {
    this.#store = store;
    store.exec(TABLES);
  }

  /** Names of the Client Hellos that were sent. */
  get hellos(): readonly string[] {
    return this.#hellos;
  }

  /** Where a handshake was; false where one with this id is known already. */
  add(id: number, address: Uint8Array, port: number, name: string, hello: string): boolean {
    let number = this.#hellos.indexOf(hello);
    if (number < 0) number = this.#hellos.push(hello) - 1;
    return (
      this.#store
        .prepare('INSERT OR IGNORE INTO temp.scan_handshake VALUES (?, ?, ?, ?, ?)')
        .run(id, address, port, name, number).changes > 0
    );
  }

  /** What a handshake saw; false where no handshake has this id. */
  answer(id: number, text: string): boolean {
    const { changes } = this.#store
      .prepare<[number, number]>(
        `INSERT INTO temp.scan_answer SELECT address, port, name, hello, ? FROM temp.scan_handshake WHERE id = ?`,
      )
      .run(this.#textId(text), id);
    return changes > 0;
  }

  /**
   * Servers that answered, in the order of their addresses. Of several handshakes with one Client Hello the text that
   * comes last in order counts, as generate-fingerprints has it.
   */
  *servers(): Generator<ScannedServer> {
    this.#store.exec(SORT);
    const page = this.#store.prepare<[number], AnswerRow>(PAGE);
    let server: (AnswerRow & { texts: Map<string, string> }) | null = null;
    for (let last = 0; ;) {
      // In pages: a statement that is being read keeps this connection from writing.
      const rows = page.all(last);
      for (const row of rows) {
        last = row.row;
        if (server === null || !isSameServer(server, row)) {
          if (server !== null) yield server;
          server = { ...row, texts: new Map() };
        }
        server.texts.set(this.#hellos[row.hello] ?? '', row.text);
      }
      if (rows.length > 0) continue;
      if (server !== null) yield server;
      return;
    }
  }

  #textId(text: string): number {
    const known = this.#store
      .prepare<[string], { id: number }>('SELECT id FROM temp.scan_text WHERE text = ?')
      .get(text);
    if (known !== undefined) return known.id;
    return Number(this.#store.prepare('INSERT INTO temp.scan_text (text) VALUES (?)').run(text).lastInsertRowid);
  }
}

function isSameServer(a: AnswerRow, b: AnswerRow): boolean {
  return a.port === b.port && a.name === b.name && Buffer.compare(a.address, b.address) === 0;
}
