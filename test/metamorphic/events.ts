// What the program says of frames, without what tells runs and places apart rather than what was seen.
import { Readable } from 'node:stream';
import { openStreamSource } from '../../src/capture/stream-source.js';
import { Engine, type VerdictSource } from '../../src/engine/engine.js';
import type { EventSink } from '../../src/output/event.js';
import { writeCapture, type LinkFrame } from './frames.js';

/** Knows no server. */
const NO_VERDICTS: VerdictSource = {
  verdict: () => ({ status: 'unknown', cached: false }),
  standing: () => null,
  forget: () => undefined,
  answered: () => undefined,
  era: 0,
  clock: 0,
  listedCertificates: () => null,
};

const LEFT_OUT: ReadonlySet<string> = new Set(['timestamp', 'flow_id', 'tunnel', 'tunnels']);

/**
 * The `tls` and `quic` events, as text, sorted: all their fields but `timestamp` (the packet with the first byte can be
 * another), `flow_id` (a number that is given anew), `tunnel` and `tunnels` (one more where the packets are in one now).
 */
export async function eventsOf(frames: Iterable<LinkFrame>): Promise<string[]> {
  const lines: string[] = [];
  const sink: EventSink = {
    // At once: an event reads from the packets that are there now.
    write: (event) => {
      if (event.event_type !== 'tls' && event.event_type !== 'quic') return;
      lines.push(JSON.stringify(event, (key, value: unknown) => (LEFT_OUT.has(key) ? undefined : value)));
    },
    ready: () => null,
    close: () => Promise.resolve(),
  };
  const engine = new Engine({
    verdicts: NO_VERDICTS,
    probes: null,
    store: { record: () => Promise.resolve() },
    sink,
    now: () => 0,
    warn: () => undefined,
    retryAfterMs: 0,
  });
  const source = openStreamSource('-', Readable.from(writeCapture(frames)));
  for await (const batch of source.batches()) for (const record of batch) engine.accept(record, { pcap_filename: '-' });
  return lines.sort();
}

/** What a transformation changed in the events; both are sorted lines. */
export interface Difference {
  readonly missing: readonly string[];
  readonly added: readonly string[];
  /** Added events of connections that had none, where the transformation may reveal them. */
  readonly revealed: readonly string[];
}

export function compare(before: readonly string[], after: readonly string[], reveals: boolean): Difference {
  const added = without(after, before);
  const seen = new Set(before.map(connectionOf));
  const isRevealed = (line: string): boolean => reveals && !seen.has(connectionOf(line));
  return {
    missing: without(before, after),
    added: added.filter((line) => !isRevealed(line)),
    revealed: added.filter(isRevealed),
  };
}

function connectionOf(line: string): string {
  return (JSON.parse(line) as { community_id: string }).community_id;
}

/** The lines that are in `taken` less often. */
function without(lines: readonly string[], taken: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of taken) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0;
  });
}
