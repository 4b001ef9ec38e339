// The table of a running watch: a line whenever a server is first seen or its verdict changes.
import { LRUCache } from 'lru-cache';
import type { Verdict } from '../match/verdict.js';
import type { BaselineEvent, EventSink, HellotapEvent } from './event.js';
import type { LineWriter } from './line-writer.js';
import { printable } from './printable.js';
import { describeVerdict, endpoint, type TableOptions } from './table-sink.js';

/** Servers whose last line is remembered, so that it is not shown again. */
const MAX_SERVERS = 10_000;
const WIDTHS = [8, 28, 32, 8, 34, 9];

/** Writes lines as things change; flows to servers that were shown already stay silent. */
export class LiveTableSink implements EventSink {
  readonly #writer: LineWriter;
  readonly #options: TableOptions;
  readonly #shown = new LRUCache<string, string>({ max: MAX_SERVERS });

  constructor(writer: LineWriter, options: TableOptions) {
    this.#writer = writer;
    this.#options = options;
    this.#put(['time', 'server', 'SNI', 'version', 'label', 'C2 score'].map((title) => options.paint.bold(title)));
  }

  write(event: HellotapEvent): void {
    switch (event.event_type) {
      case 'tls':
        this.#show(
          event.timestamp,
          endpoint(event.dest_ip, event.dest_port),
          event.tls.sni ?? null,
          event.tls.version ?? '-',
          event.hellotap.verdict,
        );
        break;
      case 'quic':
        this.#show(
          event.timestamp,
          endpoint(event.dest_ip, event.dest_port),
          event.quic.sni ?? null,
          event.quic.version,
          event.hellotap.verdict,
        );
        break;
      case 'tag':
        this.#show(
          event.timestamp,
          endpoint(event.dest_ip, event.dest_port),
          event.hellotap.sni,
          '',
          event.hellotap.verdict,
        );
        break;
      case 'baseline':
        this.#baseline(event);
        break;
      case 'fingerprint':
      case 'alert':
      case 'anomaly':
      case 'stats':
        break;
    }
  }

  ready(): Promise<void> | null {
    return this.#writer.ready();
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  #show(timestamp: string, server: string, sni: string | null, version: string, verdict: Verdict): void {
    const { label, sure } = describeVerdict(verdict);
    const text = sure === '-' ? label : `${label} (${sure})`;
    const key = `${server} ${sni ?? ''}`;
    if (this.#shown.get(key) === text) return;
    this.#shown.set(key, text);
    const score = verdict.c2_score ?? null;
    const scoreText = score === null ? '-' : score.toFixed(2);
    const alarm = score !== null && score >= this.#options.c2Threshold;
    this.#put([
      timestamp.slice(11, 19),
      server,
      sni === null ? '-' : printable(sni),
      version,
      text,
      alarm ? this.#options.paint.red(scoreText) : scoreText,
    ]);
  }

  /** Of a check only what it has found, once. */
  #baseline({ timestamp, hellotap: { ip, port, sni, status, subjects } }: BaselineEvent): void {
    const server = endpoint(ip, port);
    const key = `baseline ${server} ${sni ?? ''}`;
    const text = status === 'changed' ? `changed: ${subjects.join(', ')}` : status;
    const isNews = (this.#shown.get(key) ?? 'unchanged') !== text;
    this.#shown.set(key, text);
    if (!isNews) return;
    const painted = status === 'changed' ? this.#options.paint.red(text) : text;
    this.#put([timestamp.slice(11, 19), server, sni === null ? '-' : printable(sni), '', painted]);
  }

  #put(cells: readonly string[]): void {
    this.#writer.line(
      cells
        .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    this.#writer.flush();
  }
}
