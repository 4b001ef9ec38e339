// Where sightings are gathered before they enter the database: temporary tables of this connection. Filling them takes no
// lock on the database file, spills to disk rather than into memory, and keeps a half-read table out of the real ones.
// merge.ts brings them in.

import { createHash } from 'node:crypto';
import { stackKey } from './fingerprint-key.js';
import { sortHellos, type HelloSet } from './hello-set.js';
import type { SourceClass, SourceRef } from './source.js';
import type { Store } from './store.js';
import { weekOf } from './week.js';

export interface LabelRef {
  readonly name: string;
  readonly kind: string;
}

/** Everything that was seen of a server but where and when. */
export interface SeenProfile {
  /** Text per Client Hello, null where it had no answer; null: not probed with a hello set. */
  readonly answers: {
    readonly helloSet: HelloSet;
    /** In the order of the hello set's sorted names; null: only the combined text is known. */
    readonly texts: readonly (string | null)[] | null;
    readonly fingerprint: string | null;
  } | null;
  readonly jarm: Uint8Array | null;
  readonly httpServer: string | null;
  readonly source: SourceRef;
  readonly label: LabelRef | null;
  readonly outcome: string | null;
}

/** What answers are told apart by: their texts joined by `|`, and the combined fingerprint. */
export function answersDigest(text: string, fingerprint: string | null): Buffer {
  return createHash('sha256')
    .update(`${text}\0${fingerprint ?? ''}`)
    .digest()
    .subarray(0, 16);
}

const TABLES = `
CREATE TABLE IF NOT EXISTS temp.staged_answers (
  id INTEGER PRIMARY KEY, hello_set TEXT NOT NULL, digest BLOB NOT NULL, text TEXT, fp_digest BLOB, fp_text TEXT,
  UNIQUE (hello_set, digest)
);
CREATE TABLE IF NOT EXISTS temp.staged_profile (
  id INTEGER PRIMARY KEY, answers INTEGER, jarm BLOB, http_server TEXT, source TEXT NOT NULL, class TEXT,
  label TEXT, label_kind TEXT, outcome TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS temp.staged_profile_content ON staged_profile (
  ifnull(answers, 0), ifnull(jarm, x''), ifnull(http_server, ''), source, ifnull(class, ''), ifnull(label, ''),
  ifnull(label_kind, ''), ifnull(outcome, '')
);
-- place: the first six bytes of the address as a number. Numbers are sorted four times as fast as blobs.
CREATE TABLE IF NOT EXISTS temp.staged_server (
  place INTEGER NOT NULL, address BLOB NOT NULL, port INTEGER NOT NULL, name TEXT NOT NULL, profile INTEGER NOT NULL,
  seen INTEGER NOT NULL
);
DELETE FROM temp.staged_answers;
DELETE FROM temp.staged_profile;
DELETE FROM temp.staged_server;
`;

function placeOf(address: Uint8Array): number {
  const byte = (i: number): number => address[i] ?? 0;
  return (((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0) * 0x10000 + ((byte(4) << 8) | byte(5));
}

type ProfileRow = [
  answers: number | null,
  jarm: Uint8Array | null,
  httpServer: string | null,
  source: string,
  sourceClass: SourceClass,
  label: string | null,
  labelKind: string | null,
  outcome: string | null,
];

/** A call for many rows costs little more than a call for one. */
const ROWS_PER_INSERT = 64;
const ROW_VALUES = 6;
const ROW = '(?, ?, ?, ?, ?, ?)';
const INSERT_ONE = `INSERT INTO temp.staged_server (place, address, port, name, profile, seen) VALUES ${ROW}`;
const INSERT_MANY = `${INSERT_ONE}${`, ${ROW}`.repeat(ROWS_PER_INSERT - 1)}`;

/** One load of sightings. A connection has one at a time (`Store.fork` gives another): beginning a new one empties the tables. */
export class Staging {
  readonly helloSets = new Map<string, HelloSet>();
  #waiting: unknown[] = [];
  #rows = 0;

  constructor(readonly store: Store) {
    store.exec(TABLES);
  }

  /** Weeks with sightings, and the one time that all of a week's have; null: they differ. */
  readonly weeks = new Map<number, number | null>();

  /** Sightings added so far. */
  get rows(): number {
    return this.#rows;
  }

  /** A number for a profile, the same for an equal one; to be kept by callers that meet few profiles often. */
  profile(seen: SeenProfile): number {
    const row: ProfileRow = [
      this.#answersId(seen.answers),
      seen.jarm,
      seen.httpServer,
      seen.source.name,
      seen.source.class,
      seen.label?.name ?? null,
      seen.label?.kind ?? null,
      seen.outcome,
    ];
    const known = this.store
      .prepare<ProfileRow, { id: number }>(
        `SELECT id FROM temp.staged_profile
         WHERE ifnull(answers, 0) = ifnull(?, 0) AND ifnull(jarm, x'') = ifnull(?, x'')
           AND ifnull(http_server, '') = ifnull(?, '') AND source = ? AND ifnull(class, '') = ifnull(?, '')
           AND ifnull(label, '') = ifnull(?, '') AND ifnull(label_kind, '') = ifnull(?, '')
           AND ifnull(outcome, '') = ifnull(?, '')`,
      )
      .get(...row);
    if (known !== undefined) return known.id;
    const made = this.store
      .prepare<ProfileRow>(
        `INSERT INTO temp.staged_profile (answers, jarm, http_server, source, class, label, label_kind, outcome)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(...row);
    return Number(made.lastInsertRowid);
  }

  /** One sighting: `seen` in seconds since 1970. It may wait here for others until `flush`. */
  add(address: Uint8Array, port: number, name: string, profile: number, seen: number): void {
    const week = weekOf(seen);
    const same = this.weeks.get(week);
    if (same === undefined) this.weeks.set(week, seen);
    else if (same !== null && same !== seen) this.weeks.set(week, null);
    this.#waiting.push(placeOf(address), address, port, name, profile, seen);
    this.#rows += 1;
    if (this.#waiting.length === ROW_VALUES * ROWS_PER_INSERT) {
      this.store.prepare(INSERT_MANY).run(...this.#waiting);
      this.#waiting = [];
    }
  }

  /** Writes what waits. */
  flush(): void {
    const insert = this.store.prepare(INSERT_ONE);
    for (let i = 0; i < this.#waiting.length; i += ROW_VALUES) insert.run(...this.#waiting.slice(i, i + ROW_VALUES));
    this.#waiting = [];
  }

  #answersId(answers: SeenProfile['answers']): number | null {
    if (answers === null) return null;
    const { helloSet, fingerprint } = answers;
    this.helloSets.set(helloSet.name, { ...helloSet, hellos: sortHellos(helloSet.hellos) });
    const text = answers.texts === null ? (fingerprint ?? '') : answers.texts.map((part) => part ?? '').join('|');
    const digest = answersDigest(text, fingerprint);
    const known = this.store
      .prepare<[string, Uint8Array], { id: number }>(
        'SELECT id FROM temp.staged_answers WHERE hello_set = ? AND digest = ?',
      )
      .get(helloSet.name, digest);
    if (known !== undefined) return known.id;
    const made = this.store
      .prepare('INSERT INTO temp.staged_answers (hello_set, digest, text, fp_digest, fp_text) VALUES (?, ?, ?, ?, ?)')
      .run(
        helloSet.name,
        digest,
        text === fingerprint ? null : text,
        fingerprint === null ? null : stackKey(fingerprint, helloSet.name).digest,
        fingerprint,
      );
    return Number(made.lastInsertRowid);
  }
}
