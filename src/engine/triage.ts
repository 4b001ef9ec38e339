// Reads captures one after the other through the engine; a capture that cannot be read does not stop the others.
import type { NamedCapture } from '../capture/open-captures.js';
import type { CaptureCounters } from '../capture/source.js';
import { HellotapError } from '../errors.js';
import type { EventSink } from '../output/event.js';
import type { Engine } from './engine.js';

/** How far a triage is, for a progress line. */
export interface TriageProgress {
  readonly capture: string;
  readonly index: number;
  readonly total: number;
  readonly counters: CaptureCounters;
  readonly flows: number;
}

export interface TriageOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TriageProgress) => void;
  /** A capture could not be opened or read to its end. */
  readonly onFailure: (error: HellotapError) => void;
}

export interface TriageReport {
  /** Captures of which something was read. */
  readonly read: number;
  /** Sums over all captures. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Reads all captures. Waits for the sink where it is slower, so that memory stays bounded. */
export async function triage(
  captures: readonly NamedCapture[],
  engine: Engine,
  sink: EventSink,
  options: TriageOptions,
): Promise<TriageReport> {
  const sums: Record<string, number> = {};
  let read = 0;
  for (const [index, capture] of captures.entries()) {
    if (options.signal.aborted) break;
    try {
      const counters = await readCapture(capture, engine, sink, options, { index, total: captures.length });
      for (const [name, value] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + value;
      read++;
    } catch (error) {
      if (!(error instanceof HellotapError) || !error.code.startsWith('ERR_CAPTURE')) throw error;
      options.onFailure(error);
    }
  }
  return { read, counters: sums };
}

async function readCapture(
  capture: NamedCapture,
  engine: Engine,
  sink: EventSink,
  { signal, onProgress }: TriageOptions,
  place: { index: number; total: number },
): Promise<CaptureCounters> {
  const source = capture.open();
  const input = { pcap_filename: source.name };
  const stop = (): void => {
    source.close();
  };
  signal.addEventListener('abort', stop);
  try {
    for await (const batch of source.batches()) {
      for (const record of batch) engine.accept(record, input);
      await sink.ready();
      onProgress({ capture: source.name, ...place, counters: source.counters(), flows: engine.counters.flows });
    }
  } finally {
    signal.removeEventListener('abort', stop);
    source.close();
  }
  return source.counters();
}
