// The table of `probe`: one row per server, with its fingerprint and what the database says of it.
import type { EventSink, FingerprintEvent, HellotapEvent } from './event.js';
import { fitColumns } from './fit-columns.js';
import type { LineWriter } from './line-writer.js';
import { printable } from './printable.js';
import { describeVerdict, endpoint, type TableOptions } from './table-sink.js';

/** Rows that are kept; servers beyond are counted. A scan that large wants --format jsonl. */
const MAX_ROWS = 100_000;

/** SNI, fingerprint (its beginning does for `explain` and `db show`), answers, label: what may be cut to fit a terminal. */
const FLEXIBLE = [1, 2, 3, 4];

export class ProbeTableSink implements EventSink {
  readonly #writer: LineWriter;
  readonly #options: TableOptions;
  readonly #rows: string[][] = [];
  #beyond = 0;

  constructor(writer: LineWriter, options: TableOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  write(event: HellotapEvent): void {
    if (event.event_type !== 'fingerprint') return;
    if (this.#rows.length < MAX_ROWS) this.#rows.push(this.#cells(event));
    else this.#beyond++;
  }

  ready(): Promise<void> | null {
    return this.#writer.ready();
  }

  async close(): Promise<void> {
    if (this.#rows.length > 0) {
      const { paint, columns } = this.#options;
      const { default: Table } = await import('cli-table3');
      const head = ['server', 'SNI', 'fingerprint', 'answers', 'label', 'how sure', 'C2 score'].map((title) =>
        paint.bold(title),
      );
      const table = new Table({
        head,
        colWidths: fitColumns([head, ...this.#rows], FLEXIBLE, columns),
        style: { head: [], border: [], compact: true },
        colAligns: ['left', 'left', 'left', 'left', 'left', 'right', 'right'],
      });
      table.push(...this.#rows);
      for (const line of table.toString().split('\n')) this.#writer.line(line);
      if (this.#beyond > 0) this.#writer.line(`(${this.#beyond} more servers; --format jsonl writes them all)`);
    }
    await this.#writer.close();
  }

  #cells({ hellotap }: FingerprintEvent): string[] {
    const { paint, c2Threshold } = this.#options;
    const { label, sure } = describeVerdict(hellotap.verdict ?? null);
    const score = hellotap.verdict?.status === 'known' ? hellotap.verdict.c2_score : null;
    const scoreText = score === null ? '-' : score.toFixed(2);
    return [
      endpoint(hellotap.ip, hellotap.port),
      hellotap.sni === null ? '-' : printable(hellotap.sni),
      hellotap.fingerprint_id ?? paint.dim('none'),
      describeOutcomes(Object.values(hellotap.outcome)),
      label,
      sure,
      score !== null && score >= c2Threshold ? paint.red(scoreText) : scoreText,
    ];
  }
}

/** `6 ok, 4 alert`, the most frequent first. */
function describeOutcomes(outcomes: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
}
