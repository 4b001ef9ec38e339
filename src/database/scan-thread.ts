// Rows of servers scanned in a thread of their own, while this one takes what comes of the rows before.

import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import { HellotapError } from '../errors.js';
import { packageFile } from '../package-root.js';
import type { ScannedRows } from './row-scanner.js';
import type { Lines } from './table-lines.js';

/** A program of its own for the bundler: threads do not load TypeScript. */
const WORKER = 'dist/cli/scan-worker.js';

/** Scans batches of lines in the order in which they are posted. What is posted and not taken yet is the caller's to bound. */
export class ScanThread {
  readonly #worker: Worker;
  /** Throws what the thread dies of; ends with it. */
  readonly #messages: AsyncIterator<[ScannedRows], undefined>;
  readonly #spare: ArrayBuffer[] = [];
  #last: ScannedRows | null = null;
  /** Bytes of the lines that `next` has not given yet. */
  waiting = 0;

  /** @param program what runs in the thread */
  constructor(program = packageFile(WORKER)) {
    this.#worker = new Worker(program);
    this.#messages = on(this.#worker, 'message', { close: ['exit'] }) as AsyncIterator<[ScannedRows], undefined>;
  }

  /** Copies the lines, so that their memory may be used again. */
  post({ bytes, first }: Lines): void {
    const memory = this.#memoryFor(bytes.length);
    const copy = new Uint8Array(memory, 0, bytes.length);
    copy.set(bytes);
    this.#worker.postMessage({ bytes: copy, first }, [memory]);
    this.waiting += bytes.length;
  }

  /** The next batch; good until the one after it is asked for. */
  async next(): Promise<ScannedRows> {
    if (this.#last !== null) this.#spare.push(this.#last.bytes.buffer as ArrayBuffer);
    const message = await this.#messages.next().catch((cause: unknown) => {
      throw ended(cause);
    });
    if (message.done === true) throw ended();
    const [scanned] = message.value;
    this.waiting -= scanned.bytes.byteLength;
    const { buffer, byteOffset, byteLength } = scanned.bytes;
    this.#last = { ...scanned, bytes: Buffer.from(buffer, byteOffset, byteLength) };
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #memoryFor(bytes: number): ArrayBuffer {
    const spare = this.#spare.pop();
    return spare !== undefined && spare.byteLength >= bytes ? spare : new ArrayBuffer(bytes);
  }
}

function ended(cause?: unknown): HellotapError {
  const why = cause instanceof Error ? `: ${cause.message.split('\n', 1)[0] ?? ''}` : '';
  return new HellotapError(
    'ERR_IMPORT',
    `the thread that scans rows has ended${why}; if ${WORKER} is missing, install hellotap again (a checkout: npm run build)`,
    { cause },
  );
}
