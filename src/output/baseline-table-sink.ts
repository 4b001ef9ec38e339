// The lines of `baseline`: one per server as it is done, and below it what has changed, the same change of several Client
// Hellos once.
import type { Change } from '../baseline/describe.js';
import type { BaselineEvent, EventSink, HellotapEvent } from './event.js';
import type { LineWriter } from './line-writer.js';
import { printable } from './printable.js';
import { serverText } from './server-text.js';
import type { TableOptions } from './table-sink.js';

const SERVER_WIDTH = 40;

export class BaselineTableSink implements EventSink {
  readonly #writer: LineWriter;
  readonly #options: TableOptions;

  constructor(writer: LineWriter, options: TableOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  write(event: HellotapEvent): void {
    if (event.event_type !== 'baseline') return;
    for (const line of this.#lines(event)) this.#writer.line(line);
    this.#writer.flush();
  }

  ready(): Promise<void> | null {
    return this.#writer.ready();
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  #lines({ hellotap }: BaselineEvent): string[] {
    const { paint } = this.#options;
    const { ip, port, sni, starttls, changes, unsteady, unanswered } = hellotap;
    const server = printable(serverText({ address: ip, port, serverName: sni, startTls: starttls ?? '' }));
    const lines = [`${server.padEnd(SERVER_WIDTH)}  ${this.#status(hellotap)}`];
    const isNews = hellotap.status === 'changed';
    for (const text of changeLines(changes)) lines.push(`  ${isNews ? paint.red(text) : text}`);
    for (const text of changeLines(unsteady))
      lines.push(`  ${paint.dim(`in one probe of ${hellotap.probes}: ${text}`)}`);
    if (unanswered.length > 0) lines.push(`  ${paint.dim(`no answer to ${unanswered.join(', ')}`)}`);
    return lines;
  }

  #status({ status, recorded, reason, subjects }: BaselineEvent['hellotap']): string {
    const { paint } = this.#options;
    const since = recorded === null ? '' : ` since ${recorded}`;
    switch (status) {
      case 'recorded':
        return recorded === null
          ? paint.green('recorded')
          : `${paint.green('recorded')} in the place of the state of ${recorded}${subjects.length === 0 ? ', which was the same' : ''}`;
      case 'unchanged':
        return paint.green(`unchanged${since}`);
      case 'changed':
        return paint.red(`changed${since}: ${subjects.join(', ')}`);
      case 'unsteady':
        return `answers not always alike${since}`;
      case 'incomplete':
        return `unchanged as far as it answered${since}`;
      case 'unreachable':
        return `unreachable${reason === undefined ? '' : ` (${reason})`}`;
    }
  }
}

/** `cipher suite: A before, B now (random4520, random458)`. */
function changeLines(changes: readonly Change[]): string[] {
  const hellos = new Map<string, string[]>();
  for (const { hello, subject, was, now } of changes) {
    const text = printable(`${subject}: ${was} before, ${now} now`);
    const names = hellos.get(text) ?? [];
    if (hello !== null) names.push(hello);
    hellos.set(text, names);
  }
  return [...hellos].map(([text, names]) => (names.length === 0 ? text : `${text} (${names.join(', ')})`));
}
