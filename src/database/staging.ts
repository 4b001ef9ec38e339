// Where sightings are gathered before they enter the database: sorted runs of records, in a temporary file as soon as there
// are several, and temporary tables of this connection for what they have in common. Filling them takes no lock on the database
// file, and keeps a half-read table out of the real ones. merge.ts brings them in.

import { hash } from 'node:crypto';
import { stackKey } from './fingerprint-key.js';
import { sortHellos, type HelloSet } from './hello-set.js';
import { MergedRuns, RunReader } from './merged-runs.js';
import { SightingRun } from './sighting-run.js';
import type { SpilledPiece, SpillFile } from './spill-file.js';
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
  return hash('sha256', `${text}\0${fingerprint ?? ''}`, 'buffer').subarray(0, 16);
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
DELETE FROM temp.staged_answers;
DELETE FROM temp.staged_profile;
`;

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

/** One load of sightings. A connection has one at a time (`Store.fork` gives another): beginning a new one empties the tables. */
export class Staging {
  readonly helloSets = new Map<string, HelloSet>();
  /** Sightings added so far. */
  rows = 0;
  #lastHelloSet: HelloSet | null = null;
  readonly #run: SightingRun;
  /** Full runs, each in pieces. */
  readonly #fullRuns: SpilledPiece[][] = [];
  #spilled: SpillFile | null = null;
  #seen = -1;
  #week = 0;

  /** The times that a profile was seen at first and at last, at its number. */
  readonly firstSeen: number[] = [];
  readonly lastSeen: number[] = [];
  /** The one time that all sightings have, null where they differ. */
  onlyTime: number | null = null;

  /** @param runBytes how much is sorted in memory at a time */
  constructor(
    readonly store: Store,
    runBytes?: number,
  ) {
    this.#run = new SightingRun(runBytes);
    store.exec(TABLES);
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
    const made = this.store
      .prepare<ProfileRow>(
        `INSERT INTO temp.staged_profile (answers, jarm, http_server, source, class, label, label_kind, outcome)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      )
      .run(...row);
    if (made.changes > 0) return Number(made.lastInsertRowid);
    return this.#idOf(
      `SELECT id FROM temp.staged_profile
       WHERE ifnull(answers, 0) = ifnull(?, 0) AND ifnull(jarm, x'') = ifnull(?, x'')
         AND ifnull(http_server, '') = ifnull(?, '') AND source = ? AND ifnull(class, '') = ifnull(?, '')
         AND ifnull(label, '') = ifnull(?, '') AND ifnull(label_kind, '') = ifnull(?, '')
         AND ifnull(outcome, '') = ifnull(?, '')`,
      row,
    );
  }

  /** One sighting: `seen` in seconds since 1970. */
  add(address: Uint8Array, port: number, name: string, profile: number, seen: number): void {
    this.#note(profile, seen);
    this.#run.add(address, port, name, profile, seen, this.#week);
    if (this.#run.full) this.#storeRun();
  }

  /** Sightings at one time, as records (sighting-record.ts). @param profiles of each of them; negative: it is none */
  addRecords(records: Uint8Array, profiles: Int32Array, seen: number): void {
    for (const profile of profiles) if (profile >= 0) this.#note(profile, seen);
    this.#run.addRecords(records, profiles, seen, weekOf(seen));
    if (this.#run.full) this.#storeRun();
  }

  #note(profile: number, seen: number): void {
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#week = weekOf(seen);
      this.onlyTime = this.rows === 0 ? seen : null;
    }
    this.rows += 1;
    this.firstSeen[profile] = Math.min(this.firstSeen[profile] ?? seen, seen);
    this.lastSeen[profile] = Math.max(this.lastSeen[profile] ?? seen, seen);
  }

  /** All sightings, week by week in the order of addresses; nothing may be added meanwhile. */
  sorted(): MergedRuns {
    const last = this.#run.sorted();
    return new MergedRuns([
      ...this.#fullRuns.map((pieces) => new RunReader(this.#readPieces(pieces))),
      new RunReader(last),
    ]);
  }

  #storeRun(): void {
    const file = (this.#spilled ??= this.store.temporaryFile());
    this.#fullRuns.push([...this.#run.sorted()].map((piece) => file.write(piece)));
  }

  /** Each piece is good until the next one. */
  *#readPieces(pieces: readonly SpilledPiece[]): Generator<Buffer> {
    let memory = Buffer.alloc(0);
    for (const piece of pieces) {
      if (piece.length > memory.length) memory = Buffer.allocUnsafeSlow(piece.length);
      this.#spilled?.read(piece, memory);
      yield memory.subarray(0, piece.length);
    }
  }

  #answersId(answers: SeenProfile['answers']): number | null {
    if (answers === null) return null;
    const { helloSet, fingerprint } = answers;
    if (helloSet !== this.#lastHelloSet) {
      this.#lastHelloSet = helloSet;
      this.helloSets.set(helloSet.name, { ...helloSet, hellos: sortHellos(helloSet.hellos) });
    }
    const text = answers.texts === null ? (fingerprint ?? '') : answers.texts.map((part) => part ?? '').join('|');
    const digest = answersDigest(text, fingerprint);
    const made = this.store
      .prepare(
        `INSERT INTO temp.staged_answers (hello_set, digest, text, fp_digest, fp_text) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
      )
      .run(
        helloSet.name,
        digest,
        text === fingerprint ? null : text,
        fingerprint === null ? null : stackKey(fingerprint, helloSet.name).digest,
        fingerprint,
      );
    if (made.changes > 0) return Number(made.lastInsertRowid);
    return this.#idOf('SELECT id FROM temp.staged_answers WHERE hello_set = ? AND digest = ?', [helloSet.name, digest]);
  }

  /** The id of a row that is there. */
  #idOf(sql: string, parameters: unknown[]): number {
    return this.store.prepare<unknown[], { id: number }>(sql).get(...parameters)?.id ?? 0;
  }
}
