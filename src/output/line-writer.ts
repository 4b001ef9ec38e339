// Text to a file descriptor, in order, in large pieces, with a bound on what waits.
// A reader that is slower than we are makes `ready` wait; a caller that cannot wait drops, and the drop is counted.
import { close, fsync, write } from 'node:fs';
import { HellotapError } from '../errors.js';

const CHUNK = 64 * 1024;
const RETRY_MS = 5;

/** Writes lines to a file descriptor without blocking the event loop. */
export class LineWriter {
  readonly #fd: number;
  readonly #name: string;
  readonly #limit: number;
  readonly #owned: boolean;
  #text = '';
  #queue: Buffer[] = [];
  #queued = 0;
  #writing = false;
  #failure: HellotapError | null = null;
  #waiters: (() => void)[] = [];
  #dropped = 0;

  /**
   * @param fd where to write; closed at the end if `owned`
   * @param name what an error calls it
   * @param limit bytes that may wait before `full` says so
   */
  constructor(fd: number, name: string, options: { limit?: number; owned?: boolean } = {}) {
    this.#fd = fd;
    this.#name = name;
    this.#limit = options.limit ?? 4 * 1024 * 1024;
    this.#owned = options.owned ?? false;
  }

  /** Lines that were not taken because too much waited, or because writing had failed. */
  get dropped(): number {
    return this.#dropped;
  }

  get failure(): HellotapError | null {
    return this.#failure;
  }

  /** Takes one line (without its end). False: dropped, and counted. */
  line(text: string): boolean {
    if (this.#failure !== null || this.#queued > this.#limit) {
      this.#dropped++;
      return false;
    }
    this.#text += text + '\n';
    if (this.#text.length >= CHUNK) this.flush();
    return true;
  }

  /** Takes bytes as they are. False: dropped, and counted. */
  bytes(piece: Uint8Array): boolean {
    if (this.#failure !== null || this.#queued > this.#limit) {
      this.#dropped++;
      return false;
    }
    this.flush();
    this.#enqueue(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    return true;
  }

  /** Starts to write what has been taken so far. */
  flush(): void {
    if (this.#text === '') return;
    const piece = Buffer.from(this.#text, 'utf8');
    this.#text = '';
    this.#enqueue(piece);
  }

  /** Null while little waits; else resolves when more can be taken (or writing has failed: see `failure`). */
  ready(): Promise<void> | null {
    if (this.#failure !== null || this.#queued <= this.#limit / 4) return null;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Writes everything. Rejects with the first failure. */
  async close(): Promise<void> {
    this.flush();
    while (this.#failure === null && this.#queued > 0) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    const failure = this.#failure;
    if (this.#owned) {
      await new Promise<void>((resolve) => {
        fsync(this.#fd, () => {
          close(this.#fd, () => {
            resolve();
          });
        });
      });
    }
    if (failure !== null) throw failure;
  }

  #enqueue(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#queue.push(piece);
    this.#queued += piece.length;
    this.#pump();
  }

  #pump(): void {
    const piece = this.#queue[0];
    if (this.#writing || piece === undefined || this.#failure !== null) return;
    this.#writing = true;
    write(this.#fd, piece, (error, written) => {
      this.#writing = false;
      if (error?.code === 'EAGAIN') {
        setTimeout(() => {
          this.#pump();
        }, RETRY_MS);
        return;
      }
      if (error !== null) {
        this.#fail(error);
        return;
      }
      this.#queued -= written;
      if (written === piece.length) this.#queue.shift();
      else this.#queue[0] = piece.subarray(written);
      if (this.#queued <= this.#limit / 8) this.#wake();
      this.#pump();
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    const reason =
      error.code === 'EPIPE' ? 'was closed before everything was written' : `cannot be written: ${error.message}`;
    this.#failure = new HellotapError('ERR_OUTPUT', `${this.#name} ${reason}`, { cause: error });
    this.#queue = [];
    this.#queued = 0;
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
