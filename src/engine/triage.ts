// Reads captures through the engine: files as one stream, streams one after the other. A capture that cannot be read does
// not stop the others.
import type { CaptureRecord } from '../capture/flow-record.js';
import type { CaptureSource } from '../capture/source.js';
import { HellotapError } from '../errors.js';
import type { EventInput, EventSink } from '../output/event.js';
import type { Engine } from './engine.js';

/** How far a triage is, for a progress line. */
export interface TriageProgress {
  /** The capture that was begun last. */
  readonly capture: string;
  /** Captures that were begun. */
  readonly begun: number;
  readonly packets: number;
  readonly flows: number;
}

export interface TriageOptions {
  readonly signal: AbortSignal;
  /** Called now and then. */
  readonly onProgress: (progress: TriageProgress) => void;
  /** A source could not be opened or read to its end. */
  readonly onFailure: (error: HellotapError) => void;
}

export interface TriageReport {
  /** Captures of which something was read. */
  readonly read: number;
  /** Sums over all sources. */
  readonly counters: Readonly<Record<string, number>>;
}

const PROGRESS_INTERVAL_MS = 200;

/** Reads all sources. Waits for the sink where it is slower, so that memory stays bounded. */
export async function triage(
  sources: readonly (() => CaptureSource | Promise<CaptureSource>)[],
  engine: Engine,
  sink: EventSink,
  options: TriageOptions,
): Promise<TriageReport> {
  const counters: Record<string, number> = {};
  let read = 0;
  for (const open of sources) {
    if (options.signal.aborted) break;
    try {
      const source = await open();
      await readSource(source, read, engine, sink, options);
      for (const [name, value] of Object.entries(source.counters())) counters[name] = (counters[name] ?? 0) + value;
      read += source.inputs;
    } catch (error) {
      if (!(error instanceof HellotapError) || !error.code.startsWith('ERR_CAPTURE')) throw error;
      options.onFailure(error);
    }
  }
  return { read, counters };
}

async function readSource(
  source: CaptureSource,
  before: number,
  engine: Engine,
  sink: EventSink,
  { signal, onProgress }: TriageOptions,
): Promise<void> {
  const stop = (): void => {
    source.close();
  };
  signal.addEventListener('abort', stop);
  const timer = setInterval(() => {
    const { inputs } = source;
    const { packets } = source.counters();
    onProgress({
      capture: source.inputName(inputs - 1),
      begun: before + inputs,
      packets,
      flows: engine.counters.flows,
    });
  }, PROGRESS_INTERVAL_MS);
  // One object for all events of a capture.
  const inputs: EventInput[] = [];
  const inputOf = ({ input }: CaptureRecord): EventInput =>
    (inputs[input] ??= { pcap_filename: source.inputName(input) });
  try {
    for await (const batch of source.batches()) {
      engine.acceptAll(batch, inputOf);
      await sink.ready();
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
    source.close();
  }
}
