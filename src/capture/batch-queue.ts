// Batches between a capture, which cannot wait, and whoever reads them. What a slow reader leaves behind is bounded: beyond that
// whole batches are dropped, and counted.
import type { FlowBatch } from './flow-batch.js';

const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** A queue with one writer and one reader. */
export class BatchQueue {
  readonly #batches: FlowBatch[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  /** Records that were dropped, batch by batch, because too many bytes were waiting. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a copy of a batch. */
  push(batch: FlowBatch): void {
    if (this.#waitingBytes + batch.byteLength > MAX_WAITING_BYTES) {
      this.#dropped += [...batch].length;
      return;
    }
    this.#batches.push(batch.copy());
    this.#waitingBytes += batch.byteLength;
    this.#wake?.();
  }

  /** No batch will come any more; those that wait are still read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *read(): AsyncIterable<FlowBatch> {
    for (;;) {
      for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
        this.#waitingBytes -= batch.byteLength;
        yield batch;
      }
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}
