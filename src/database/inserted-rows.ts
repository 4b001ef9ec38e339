// Rows into a table by the million: a statement for many rows costs little more than one for a single row.

export const ROWS_PER_STATEMENT = 64;

/** Gathers rows, and hands their values on in the order in which they were added, the last of them when `flush` is called. */
export class InsertedRows<Statements> {
  readonly #one: Statements;
  readonly #many: Statements;
  readonly #values: number;
  readonly #waiting: unknown[] = [];
  #filled = 0;

  /**
   * @param row how one row is written, with a `?` for each value
   * @param prepare makes of the rows of a VALUES clause the statements for so many
   * @param run runs them with the rows' values; `rows` is how many they are
   */
  constructor(
    row: string,
    prepare: (rows: string) => Statements,
    readonly run: (statements: Statements, values: readonly unknown[], rows: number) => void,
  ) {
    this.#one = prepare(row);
    this.#many = prepare(`${row}${`, ${row}`.repeat(ROWS_PER_STATEMENT - 1)}`);
    this.#values = row.split('?').length - 1;
  }

  add(...values: readonly unknown[]): void {
    for (const value of values) this.#waiting[this.#filled++] = value;
    if (this.#filled < this.#values * ROWS_PER_STATEMENT) return;
    this.run(this.#many, this.#waiting, ROWS_PER_STATEMENT);
    this.#filled = 0;
  }

  flush(): void {
    for (let i = 0; i < this.#filled; i += this.#values) {
      this.run(this.#one, this.#waiting.slice(i, i + this.#values), 1);
    }
    this.#filled = 0;
  }
}
