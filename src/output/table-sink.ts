// The table for people: one row per server, with how often it was seen and what it most probably is.
import type { Verdict } from '../match/verdict.js';
import type { EventSink, HellotapEvent, TlsEvent, TagEvent, FingerprintEvent, QuicEvent } from './event.js';
import { fitColumns } from './fit-columns.js';
import type { LineWriter } from './line-writer.js';
import { printable } from './printable.js';

/** Rows that are kept; servers beyond are counted and named in the last line. */
const MAX_ROWS = 100_000;

/** SNI and label: the columns that may be cut to fit a terminal. */
const FLEXIBLE = [1, 3];

interface Row {
  readonly server: string;
  readonly sni: string;
  version: string;
  verdict: Verdict | null;
  flows: number;
}

/** Paints text, or leaves it as it is where colours are off. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
}

export interface TableOptions {
  readonly paint: Paint;
  /** C2 score from which a row is painted as an alarm. */
  readonly c2Threshold: number;
  /** Characters in a line of the terminal; null where it is none. */
  readonly columns: number | null;
}

/** Gathers events per server and writes the table when it is closed. */
export class TableSink implements EventSink {
  readonly #rows = new Map<string, Row>();
  readonly #writer: LineWriter;
  readonly #options: TableOptions;
  #beyond = 0;

  constructor(writer: LineWriter, options: TableOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  write(event: HellotapEvent): void {
    switch (event.event_type) {
      case 'tls':
        this.#flow(event, event.tls);
        break;
      case 'quic':
        this.#flow(event, event.quic);
        break;
      case 'tag':
        this.#tag(event);
        break;
      case 'fingerprint':
        this.#probed(event);
        break;
      case 'alert':
      case 'baseline':
      case 'anomaly':
      case 'stats':
        break;
    }
  }

  ready(): Promise<void> | null {
    return this.#writer.ready();
  }

  async close(): Promise<void> {
    for (const line of await this.render()) this.#writer.line(line);
    await this.#writer.close();
  }

  /** The table's lines. */
  async render(): Promise<string[]> {
    if (this.#rows.size === 0) return ['no TLS server was seen'];
    const { default: Table } = await import('cli-table3');
    const { paint, columns } = this.#options;
    const head = ['server', 'SNI', 'version', 'label', 'how sure', 'C2 score', 'flows'].map((title) =>
      paint.bold(title),
    );
    const cells = [...this.#rows.values()].sort((a, b) => b.flows - a.flows).map((row) => this.#cells(row));
    const table = new Table({
      head,
      colWidths: fitColumns([head, ...cells], FLEXIBLE, columns),
      style: { head: [], border: [], compact: true },
      colAligns: ['left', 'left', 'left', 'left', 'right', 'right', 'right'],
    });
    table.push(...cells);
    const lines = table.toString().split('\n');
    if (this.#beyond > 0) lines.push(`(${this.#beyond} more flows to servers beyond the first ${MAX_ROWS})`);
    return lines;
  }

  #cells(row: Row): string[] {
    const { paint, c2Threshold } = this.#options;
    const { label, sure } = describeVerdict(row.verdict);
    const score = row.verdict?.c2_score ?? null;
    const scoreText = score === null ? '-' : score.toFixed(2);
    const known = row.verdict?.status === 'known' && row.verdict.labels.length > 0;
    return [
      row.server,
      row.sni,
      row.version,
      known ? paint.green(label) : paint.dim(label),
      sure,
      score !== null && score >= c2Threshold ? paint.red(scoreText) : scoreText,
      String(row.flows),
    ];
  }

  #flow(event: TlsEvent | QuicEvent, { sni, version }: { readonly sni?: string; readonly version?: string }): void {
    const row = this.#row(endpoint(event.dest_ip, event.dest_port), sni ?? null);
    if (row === null) return;
    row.flows++;
    row.version = version ?? row.version;
    if (row.verdict === null || event.hellotap.verdict.status !== 'pending') row.verdict = event.hellotap.verdict;
  }

  #tag(event: TagEvent): void {
    const row = this.#row(endpoint(event.dest_ip, event.dest_port), event.hellotap.sni);
    if (row !== null) row.verdict = event.hellotap.verdict;
  }

  #probed(event: FingerprintEvent): void {
    const { ip, port, sni, verdict } = event.hellotap;
    const row = this.#row(endpoint(ip, port), sni);
    if (row !== null && verdict !== undefined) row.verdict = verdict;
  }

  #row(server: string, sni: string | null): Row | null {
    const key = `${server} ${sni ?? ''}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (this.#rows.size >= MAX_ROWS) {
        this.#beyond++;
        return null;
      }
      row = { server, sni: sni === null ? '-' : printable(sni), version: '-', verdict: null, flows: 0 };
      this.#rows.set(key, row);
    }
    return row;
  }
}

/** `address:port`, IPv6 in brackets. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A verdict in a few words, and how sure it is. */
export function describeVerdict(verdict: Verdict | null): { label: string; sure: string } {
  const [said] = verdict?.labels ?? [];
  if (said !== undefined && verdict?.status !== 'known') {
    // Not by the server's fingerprint: by what is known of its address, or of what the flow showed.
    return { label: `${printable(said.name)} (${said.key})`, sure: `${Math.round(said.share * 100)} %` };
  }
  switch (verdict?.status) {
    case undefined:
      return { label: '-', sure: '-' };
    case 'known': {
      const [first, ...rest] = verdict.labels;
      if (first === undefined) return { label: 'no label for this fingerprint', sure: '-' };
      const more = rest.length > 0 ? ` (+${rest.length})` : '';
      return { label: printable(first.name) + more, sure: `${Math.round(first.share * 100)} %` };
    }
    case 'unknown':
      return { label: verdict.probed_at === undefined ? 'unknown' : 'unknown (no complete answer)', sure: '-' };
    case 'pending':
      return { label: 'probe under way', sure: '-' };
    case 'unprobed':
      return { label: verdict.reason === 'disabled' ? 'not probed' : `not probed (${verdict.reason})`, sure: '-' };
  }
}
