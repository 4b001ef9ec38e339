// Rows into a table by the million: a statement for many rows costs little more than one for a single row.

import type Database from 'better-sqlite3';
import type { Store } from './store.js';

const ROWS_PER_INSERT = 64;

/** Inserts rows in the order in which they are added, the last of them when `flush` is called. */
export class InsertedRows {
  readonly #one: Database.Statement;
  readonly #many: Database.Statement;
  readonly #values: number;
  readonly #waiting: unknown[] = [];
  #filled = 0;
  /** Rows that were inserted or changed. */
  changes = 0;

  /** @param row how one row is written, with its parameters; `before` and `after` stand around all of them */
  constructor(store: Store, before: string, row: string, after = '') {
    this.#one = store.prepare(`${before} ${row}${after}`);
    this.#many = store.prepare(`${before} ${row}${`, ${row}`.repeat(ROWS_PER_INSERT - 1)}${after}`);
    this.#values = row.split('?').length - 1;
  }

  add(...values: readonly unknown[]): void {
    for (const value of values) this.#waiting[this.#filled++] = value;
    if (this.#filled < this.#values * ROWS_PER_INSERT) return;
    this.changes += this.#many.run(...this.#waiting).changes;
    this.#filled = 0;
  }

  flush(): void {
    for (let i = 0; i < this.#filled; i += this.#values) {
      this.changes += this.#one.run(...this.#waiting.slice(i, i + this.#values)).changes;
    }
    this.#filled = 0;
  }
}
