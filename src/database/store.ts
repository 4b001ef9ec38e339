// The database file itself: opening, checking whose it is, bringing its schema up to date, transactions, and the
// generation counter that tells caches when labels or servers changed in bulk. What is in the tables is others' business.

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { HellotapError } from '../errors.js';
import { databaseError } from './database-error.js';
import { SpillFile } from './spill-file.js';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './schema.js';
import { sqlite } from './sqlite.js';

export interface StoreOptions {
  /** Whether a missing file is made (default true). */
  readonly create?: boolean;
  /** Whether a missing folder is made as well (default false); for the default path. */
  readonly createFolder?: boolean;
  /** How long to wait for another process's write, in milliseconds (default 10,000). */
  readonly busyTimeoutMs?: number;
  /** Page cache in KiB (default 65,536); an import sorts and merges within it. */
  readonly cacheKiB?: number;
}

const DEFAULT_BUSY_TIMEOUT_MS = 10_000;
const DEFAULT_CACHE_KIB = 65_536;
const RETRY_PAUSE_MS = 50;

/** An open database. Calls are synchronous; every one throws `HellotapError` with an `ERR_DATABASE_…` code. */
export class Store {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  readonly #temporary: SpillFile[] = [];
  #dataVersion: number;
  #generation: number;
  /** Whether a transaction is open for `hold`. */
  #isHeld = false;

  private constructor(
    readonly path: string,
    db: Database.Database,
  ) {
    this.#db = db;
    this.#dataVersion = db.pragma('data_version', { simple: true }) as number;
    this.#generation = this.#readGeneration();
  }

  /**
   * Opens a database, making it where it does not exist, and migrates an older one forward.
   * Throws ERR_DATABASE_OPEN, ERR_DATABASE_FORMAT, ERR_DATABASE_VERSION or ERR_DATABASE_BUSY.
   */
  static open(path: string, options: StoreOptions = {}): Store {
    checkPlace(path, options);
    let db: Database.Database | undefined;
    try {
      db = new (sqlite())(path, {
        fileMustExist: options.create === false,
        timeout: options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS,
      });
      checkOwner(db, path);
      configure(db, options);
      migrate(db, path);
      return new Store(path, db);
    } catch (error) {
      db?.close();
      throw databaseError(error, path);
    }
  }

  /** Another connection to the same file, for work that must not mix with this one's; the caller closes it. */
  fork(options: StoreOptions = {}): Store {
    return Store.open(this.path, { ...options, create: false });
  }

  /** From now on, how long to wait for another process's write, in milliseconds. Calls are synchronous: nothing else runs. */
  setPatience(ms: number): void {
    this.#db.pragma(`busy_timeout = ${Math.trunc(ms)}`);
  }

  /** Size of the file, as far as this connection has written it. */
  get bytes(): number {
    const [pages, size] = ['page_count', 'page_size'].map((name) => this.#db.pragma(name, { simple: true }) as number);
    return (pages ?? 0) * (size ?? 0);
  }

  /** Runs `body` with a page cache of another size, in KiB. */
  withCache(kib: number, body: () => void): void {
    const before = this.#db.pragma('cache_size', { simple: true }) as number;
    this.#db.pragma(`cache_size = -${kib}`);
    try {
      body();
    } finally {
      this.#db.pragma(`cache_size = ${before}`);
    }
  }

  /** A file beside the database for what does not fit into memory; gone when this connection is closed. */
  temporaryFile(): SpillFile {
    const file = new SpillFile(dirname(this.path));
    this.#temporary.push(file);
    return file;
  }

  close(): void {
    this.#isHeld = false;
    for (const file of this.#temporary.splice(0)) file.close();
    try {
      this.#db.close();
    } catch (error) {
      throw databaseError(error, this.path);
    }
  }

  /** Whether another store is a connection to the same file, whatever it was called. */
  isSameFile(other: Store): boolean {
    const [a, b] = [statSync(this.path), statSync(other.path)];
    return a.dev === b.dev && a.ino === b.ino;
  }

  get open(): boolean {
    return this.#db.open;
  }

  /** A prepared statement, kept for the next call with the same text. */
  prepare<Parameters extends unknown[], Row = unknown>(sql: string): Database.Statement<Parameters, Row> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      try {
        statement = this.#db.prepare(sql);
      } catch (error) {
        throw databaseError(error, this.path);
      }
      this.#statements.set(sql, statement);
    }
    return statement as Database.Statement<Parameters, Row>;
  }

  /** Runs statements without parameters and without results. */
  exec(sql: string): void {
    try {
      this.#letGo();
      this.#db.exec(sql);
    } catch (error) {
      throw databaseError(error, this.path);
    }
  }

  /** Writes all or nothing. Takes the write lock at once, so that it cannot fail half-way for want of it. */
  write<T>(body: () => T): T {
    try {
      this.#letGo();
      return this.#db.transaction(body).immediate();
    } catch (error) {
      this.#generation = this.#db.open ? this.#readGeneration() : this.#generation;
      throw databaseError(error, this.path);
    }
  }

  /**
   * As `write`, in steps, between which `between` is waited for: other work of this process goes on. For a connection of
   * one's own, because everything else on this one would belong to the transaction. Where `between` throws, nothing is written.
   */
  async writeInSteps<Step, T>(steps: Generator<Step, T>, between: (step: Step) => Promise<void>): Promise<T> {
    try {
      this.#letGo();
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        let step = steps.next();
        for (; step.done !== true; step = steps.next()) await between(step.value);
        this.#db.exec('COMMIT');
        return step.value;
      } finally {
        if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      }
    } catch (error) {
      this.#generation = this.#db.open ? this.#readGeneration() : this.#generation;
      throw databaseError(error, this.path);
    }
  }

  /** Reads one consistent state, however many statements it takes. */
  read<T>(body: () => T): T {
    try {
      this.#letGo();
      return this.#db.transaction(body).deferred();
    } catch (error) {
      throw databaseError(error, this.path);
    }
  }

  /**
   * From now until this turn of the event loop is over, all that is read is one state of the file. For look-ups by the
   * thousand: to lock and unlock the file for each takes longer than most of them. Whatever writes lets go of it first.
   */
  hold(): void {
    if (this.#isHeld || this.#db.inTransaction) return;
    this.prepare('BEGIN').run();
    this.#isHeld = true;
    setImmediate(() => {
      this.#letGo();
    });
  }

  #letGo(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    // Committed, though nothing was written: temporary tables are part of it.
    this.prepare('COMMIT').run();
  }

  /** Rises with each change that may alter many verdicts: an import, a label. One server's new probe does not raise it. */
  get generation(): number {
    return this.#generation;
  }

  /** Raises the generation, inside of `write`; other processes see it when that commits. */
  raiseGeneration(): void {
    this.prepare(`UPDATE meta SET value = value + 1 WHERE key = 'generation'`).run();
    this.#generation = this.#readGeneration();
  }

  /** Learns of commits by other connections (one cheap pragma); true when one of them raised the generation. */
  refresh(): boolean {
    try {
      this.#letGo();
      const version = this.#db.pragma('data_version', { simple: true }) as number;
      if (version === this.#dataVersion) return false;
      this.#dataVersion = version;
      const before = this.#generation;
      this.#generation = this.#readGeneration();
      return this.#generation !== before;
    } catch (error) {
      throw databaseError(error, this.path);
    }
  }

  #readGeneration(): number {
    const row = this.prepare<[], { value: number }>(`SELECT value FROM meta WHERE key = 'generation'`).get();
    return row?.value ?? 0;
  }
}

function checkPlace(path: string, options: StoreOptions): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined && options.create === false) {
    throw new HellotapError('ERR_DATABASE_OPEN', `${path}: no such database; "hellotap db import FILE" makes one`);
  }
  const folder = dirname(path);
  if (options.createFolder === true && options.create !== false) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new HellotapError('ERR_DATABASE_OPEN', `${path}: the folder ${folder} cannot be made`, { cause });
    }
  }
  if (!existsSync(folder)) {
    throw new HellotapError('ERR_DATABASE_OPEN', `${path}: the folder ${folder} does not exist; make it first`);
  }
  if (found?.isDirectory() === true) {
    throw new HellotapError('ERR_DATABASE_OPEN', `${path}: is a folder; name a file in it`);
  }
}

/** Refuses a file that is not ours before anything in it is changed, be it only the journal mode. */
function checkOwner(db: Database.Database, path: string): void {
  const applicationId = db.pragma('application_id', { simple: true }) as number;
  const version = db.pragma('user_version', { simple: true }) as number;
  if (applicationId === APPLICATION_ID) {
    if (version > SCHEMA_VERSION) {
      throw new HellotapError(
        'ERR_DATABASE_VERSION',
        `${path}: written by a newer hellotap (schema ${version}; this one knows up to ${SCHEMA_VERSION}); ` +
          'update hellotap, or name another file with --database',
      );
    }
    return;
  }
  const tables = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM sqlite_schema').get();
  if (applicationId !== 0 || version !== 0 || (tables?.n ?? 0) > 0) {
    throw new HellotapError(
      'ERR_DATABASE_FORMAT',
      `${path}: an SQLite database of another application; name another file with --database`,
    );
  }
}

function configure(db: Database.Database, options: StoreOptions): void {
  useWriteAheadLog(db, options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS);
  // FULL: a commit that returned has reached the disk, also through a loss of power. NORMAL would do for a killed process.
  // The price is one fsync per commit, and commits are batches here.
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma(`cache_size = -${options.cacheKiB ?? DEFAULT_CACHE_KIB}`);
  // What an import's rows have in common is gathered in temporary tables, by digest, which is in no order: every batch changes
  // pages everywhere. What they were before is of use to a transaction that fails, and to nobody after a crash.
  db.pragma('temp.journal_mode = MEMORY');
  db.pragma(`temp.cache_size = -${options.cacheKiB ?? DEFAULT_CACHE_KIB}`);
  // Without it the log of a large import stays on disk at its largest size.
  db.pragma('journal_size_limit = 67108864');
}

/** Two processes that make the same file at once collide here, and SQLite does not wait on its own for this lock. */
function useWriteAheadLog(db: Database.Database, patienceMs: number): void {
  if (db.pragma('journal_mode', { simple: true }) === 'wal') return;
  for (let waited = 0; ; waited += RETRY_PAUSE_MS) {
    try {
      db.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      const busy = error instanceof sqlite().SqliteError && error.code.startsWith('SQLITE_BUSY');
      if (!busy || waited >= patienceMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_PAUSE_MS);
    }
  }
}

function migrate(db: Database.Database, path: string): void {
  if (db.pragma('user_version', { simple: true }) === SCHEMA_VERSION) return;
  db.transaction(() => {
    // Asked again with the lock held: another process may have been quicker.
    checkOwner(db, path);
    const from = db.pragma('user_version', { simple: true }) as number;
    for (const step of MIGRATIONS.slice(from)) db.exec(step);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}
