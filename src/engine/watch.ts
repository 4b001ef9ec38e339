// Follows an interface through the engine until it is told to stop; tells how it is going at intervals.
import type { CaptureSource } from '../capture/source.js';
import type { EventInput, EventSink } from '../output/event.js';
import type { Engine } from './engine.js';

export interface WatchOptions {
  readonly signal: AbortSignal;
  /** Called every `statsIntervalMs`; 0: never. */
  readonly statsIntervalMs: number;
  readonly onStats: () => void;
  /** Why the output takes no more, null while it does. */
  readonly outputFailure: () => Error | null;
}

const OUTPUT_CHECK_MS = 500;

/**
 * Watches until the signal. A tap cannot wait for a slow reader of the events: the sink drops then, and counts.
 * @throws HellotapError ERR_OUTPUT when nobody reads the events any more; what the source throws
 */
export async function watch(
  source: CaptureSource,
  engine: Engine,
  sink: EventSink,
  { signal, statsIntervalMs, onStats, outputFailure }: WatchOptions,
): Promise<void> {
  const input = { in_iface: source.name };
  const inputOf = (): EventInput => input;
  const stop = (): void => {
    source.close();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  const timer = statsIntervalMs > 0 ? setInterval(onStats, statsIntervalMs) : null;
  // Whoever waits for packets of an idle interface does not see that nobody takes the events any more.
  const guard = setInterval(() => {
    if (outputFailure() !== null) stop();
  }, OUTPUT_CHECK_MS);
  try {
    for await (const batch of source.batches()) {
      engine.acceptAll(batch, inputOf);
      if (outputFailure() !== null) break;
    }
  } finally {
    if (timer !== null) clearInterval(timer);
    clearInterval(guard);
    signal.removeEventListener('abort', stop);
    source.close();
  }
  const failure = outputFailure();
  if (failure !== null) throw failure;
  await sink.ready();
}
