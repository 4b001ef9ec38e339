// Results as a stream for targets as a stream: takes targets only as there is room for them, and holds only so many results
// for a reader that is slower than the network.

/** What can probe: a Prober, or what makes more of its results. Null: it was stopped before the target had begun. */
export interface Probes<Target, Result> {
  probe(target: Target): Promise<Result | null>;
}

/** Results held for the reader before no more targets are taken. */
const MAX_UNREAD_RESULTS = 1_000;

/**
 * Probes every target; results in the order in which they are ready. A target that the prober does not take (it was
 * stopped) has none. An error of `targets` is thrown after the results of those before it.
 */
export async function* probeStream<Target, Result>(
  prober: Probes<Target, Result>,
  targets: AsyncIterable<Target> | Iterable<Target>,
  maxRunning: number,
): AsyncGenerator<Result> {
  const state = new StreamState<Result>(maxRunning);
  const feeding = feed(prober, targets, state);
  // Awaited below; a reader that goes away early is not interested in what becomes of the targets.
  feeding.catch(() => undefined);
  try {
    for (;;) {
      const result = state.takeResult();
      if (result !== undefined) yield result;
      else if (state.isDone) break;
      else await state.change();
    }
    await feeding;
  } finally {
    state.abandoned = true;
    state.signal();
  }
}

async function feed<Target, Result>(
  prober: Probes<Target, Result>,
  targets: AsyncIterable<Target> | Iterable<Target>,
  state: StreamState<Result>,
): Promise<void> {
  try {
    for await (const target of targets) {
      while (state.isFull && !state.abandoned) await state.change();
      if (state.abandoned) break;
      state.start();
      void prober.probe(target).then((result) => {
        state.finish(result);
      });
    }
  } finally {
    state.exhausted = true;
    state.signal();
  }
}

/** What the two halves of a stream know of each other. */
class StreamState<Result> {
  exhausted = false;
  /** The reader has gone. */
  abandoned = false;
  private running = 0;
  private readonly results: Result[] = [];
  private waiters: (() => void)[] = [];

  constructor(private readonly maxRunning: number) {}

  get isFull(): boolean {
    return this.running >= this.maxRunning || this.results.length >= MAX_UNREAD_RESULTS;
  }

  get isDone(): boolean {
    return this.exhausted && this.running === 0;
  }

  start(): void {
    this.running += 1;
  }

  finish(result: Result | null): void {
    this.running -= 1;
    if (result !== null) this.results.push(result);
    this.signal();
  }

  takeResult(): Result | undefined {
    const makesRoom = this.results.length === MAX_UNREAD_RESULTS;
    const result = this.results.shift();
    if (makesRoom) this.signal();
    return result;
  }

  /** Resolves at the next change. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.waiters.push(resolve);
    });
  }

  signal(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const waiter of waiters) waiter();
  }
}
