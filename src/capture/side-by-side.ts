// Captures that have nothing to do with each other, read side by side in libuv's threads: while one is worked on here, the
// packet cores of the next ones read ahead, each up to a bound. What comes out is what reading one after the other gives.
import { availableParallelism } from 'node:os';
import { SLICE_BYTES } from './file-source.js';
import { openInto, setFilterOf, type FileSourceOptions } from './input-files.js';
import type { FlowBatch } from './flow-batch.js';
import { openCaptures, type NamedCapture } from './open-captures.js';
import { BATCH_BYTES } from './packet-addon.js';
import { PacketCore } from './packet-core.js';
import type { CaptureCounters, CaptureSource } from './source.js';

/** Libuv has four threads unless it is told otherwise. */
const MOST_AT_ONCE = 4;
/** Batches of one capture that may wait for their turn: 8 MiB. */
const MOST_WAITING = 32;

/** Memory of batches that were worked on, for the next ones: zeroing it and collecting it as garbage costs more than filling it. */
class BatchMemory {
  readonly #free: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(BATCH_BYTES);
  }

  give(memory: Uint8Array): void {
    this.#free.push(memory);
  }
}

interface WaitingBatch {
  readonly batch: FlowBatch;
  readonly memory: Uint8Array;
}

/** A capture file that is read as soon as there is one of these, and not before. */
class FileAhead implements CaptureSource {
  readonly kind = 'file';
  readonly inputs = 1;
  readonly #core: PacketCore;
  readonly #memory: BatchMemory;
  readonly #waiting: WaitingBatch[] = [];
  readonly #reading: Promise<void>;
  #isRead = false;
  #isClosed = false;
  /** Called when something has changed that the other side waits for. */
  #wake: () => void = () => undefined;

  /** @throws HellotapError ERR_CAPTURE_… or ERR_USAGE */
  constructor(
    readonly name: string,
    options: FileSourceOptions,
    memory: BatchMemory,
  ) {
    this.#memory = memory;
    this.#core = new PacketCore(options);
    try {
      openInto(this.#core, name);
      setFilterOf(this.#core, options);
    } catch (error) {
      this.#core.dispose();
      throw error;
    }
    this.#reading = this.#read();
  }

  inputName(): string {
    return this.name;
  }

  async *batches(): AsyncIterable<FlowBatch> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          this.#wake();
          yield next.batch;
          this.#memory.give(next.memory);
        } else if (this.#isRead) {
          break;
        } else {
          await this.#change();
        }
      }
      for (let batch = this.#core.finish(); batch; batch = this.#core.finish()) yield batch;
    } finally {
      this.close();
      await this.#reading;
      this.#core.dispose();
    }
  }

  counters(): CaptureCounters {
    return { ...this.#core.counters(), capturesLate: 0 };
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async #read(): Promise<void> {
    while (!this.#isClosed && this.#core.state === 'more') {
      if (this.#waiting.length >= MOST_WAITING) {
        await this.#change();
        continue;
      }
      const memory = this.#memory.take();
      const batch = await this.#core.drainAside(memory, SLICE_BYTES);
      if (batch === null) {
        this.#memory.give(memory);
      } else {
        this.#waiting.push({ batch, memory });
        this.#wake();
      }
    }
    this.#isRead = true;
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** What was opened ahead: a source, or why there is none, which is told when it is its turn. */
type Opened = { readonly source: FileAhead } | { readonly error: unknown };

/**
 * Sources of captures, to be opened in this order, each when the one before is over. Streams are read when it is their turn.
 * @param signal ends what reads ahead
 */
export function sideBySide(
  captures: readonly NamedCapture[],
  options: FileSourceOptions,
  signal: AbortSignal,
): (() => CaptureSource | Promise<CaptureSource>)[] {
  const ahead = new Map<number, Opened>();
  const memory = new BatchMemory();
  const atOnce = Math.min(MOST_AT_ONCE, availableParallelism());
  let next = 0;
  signal.addEventListener('abort', () => {
    for (const opened of ahead.values()) if ('source' in opened) opened.source.close();
  });
  return captures.map((capture, index) => () => {
    next = Math.max(next, index);
    for (; next < captures.length && next < index + atOnce; next++) {
      const following = captures[next];
      if (following?.kind === 'file') ahead.set(next, open(following.name, options, memory));
    }
    const opened = ahead.get(index);
    ahead.delete(index);
    if (opened === undefined) return openCaptures([capture], options);
    if ('error' in opened) throw opened.error;
    return opened.source;
  });
}

function open(path: string, options: FileSourceOptions, memory: BatchMemory): Opened {
  try {
    return { source: new FileAhead(path, options, memory) };
  } catch (error) {
    return { error };
  }
}
