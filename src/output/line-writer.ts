// Lines to a file descriptor, in order, in large pieces, with a bound on what waits.
// A reader that is slower than we are makes `ready` wait; a caller that cannot wait drops, and the drop is counted.
import { close, fstatSync, fsync, ftruncateSync, write, writeSync } from 'node:fs';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { TextBuffer } from './text-buffer.js';

const CHUNK = 128 * 1024;
const RETRY_MS = 5;

export interface LineWriterOptions {
  /** Bytes that may wait before lines are dropped. */
  readonly limit?: number;
  /** Whether the descriptor is closed at the end. */
  readonly owned?: boolean;
  /** Whether a plain file is written to at once: there is nobody to wait for, and a detour over other threads costs. */
  readonly direct?: boolean;
  /**
   * Whether what a plain file holds is taken away. Only when there is something to write, or at the end: a command that
   * fails before it has results leaves earlier ones alone.
   */
  readonly replaces?: boolean;
}

/** Writes lines to a file descriptor, without blocking the event loop unless `direct`. */
export class LineWriter {
  #fd: number;
  readonly #name: string;
  readonly #limit: number;
  readonly #owned: boolean;
  readonly #direct: boolean;
  readonly #text = new TextBuffer(2 * CHUNK);
  #queue: Buffer[] = [];
  #queued = 0;
  #writing = false;
  #isHurried = false;
  #replaces: boolean;
  /** Whether a piece was written in part: its rest belongs behind it. */
  #isCut = false;
  #reopening: (() => number | null) | null = null;
  #failure: HellotapError | null = null;
  #waiters: (() => void)[] = [];
  #dropped = 0;

  /** @param name what an error calls it */
  constructor(fd: number, name: string, options: LineWriterOptions = {}) {
    this.#fd = fd;
    this.#name = name;
    this.#limit = options.limit ?? 4 * 1024 * 1024;
    this.#owned = options.owned ?? false;
    this.#direct = options.direct === true && fstatSync(fd).isFile();
    this.#replaces = options.replaces === true && fstatSync(fd).isFile();
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
    const out = this.begin();
    if (out === null) return false;
    out.text(text);
    this.end();
    return true;
  }

  /** Where to put a line, which `end` ends; null: dropped, and counted. */
  begin(): TextBuffer | null {
    if (this.#isOpen) return this.#text;
    this.#dropped++;
    return null;
  }

  /** Ends the line that `begin` began. */
  end(): void {
    this.#text.text('\n');
    if (this.#text.length >= CHUNK) this.flush();
  }

  /** Where lines with their ends may be put, of at least so many bytes; `filled` says how many they were. */
  room(bytes: number): Uint8Array {
    return this.#text.room(bytes);
  }

  /** Takes lines that were put in the room; where too much waits they are dropped, and counted. */
  filled(bytes: number, lines: number): void {
    if (this.#isOpen) {
      this.#text.advance(bytes);
      if (this.#text.length >= CHUNK) this.flush();
    } else {
      this.#dropped += lines;
    }
  }

  /** Takes bytes as they are. False: dropped, and counted. */
  bytes(piece: Uint8Array): boolean {
    if (!this.#isOpen) {
      this.#dropped++;
      return false;
    }
    this.#takeText();
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    if (this.#direct) this.#writeNow(bytes);
    else this.#enqueue(bytes);
    return true;
  }

  /** Starts to write what has been taken so far; with a write under way, all that has come by its end goes next, in one piece. */
  flush(): void {
    this.#isHurried = this.#writing && this.#text.length < CHUNK;
    if (!this.#isHurried) this.#takeText();
  }

  get #isOpen(): boolean {
    return this.#failure === null && this.#queued <= this.#limit;
  }

  #takeText(): void {
    if (this.#text.length === 0) return;
    if (this.#direct) {
      this.#writeNow(this.#text.view());
      this.#text.clear();
    } else {
      this.#enqueue(this.#text.take());
    }
  }

  /** Null while little waits; else resolves when more can be taken (or writing has failed: see `failure`). */
  ready(): Promise<void> | null {
    if (this.#failure !== null || this.#queued <= this.#limit / 4) return null;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /**
   * Goes on in another file, with whole lines, and closes this one. `open` is called when the line that is being written
   * has ended; null: there is none to go on in, and this one stays.
   */
  reopen(open: () => number | null): void {
    this.#takeText();
    this.#reopening = open;
    this.#pump();
  }

  /** Writes everything. Rejects with the first failure. */
  async close(): Promise<void> {
    this.flush();
    while (this.#failure === null && this.#queued > 0) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    if (this.#failure === null) this.#replace();
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

  #writeNow(bytes: Buffer): void {
    if (this.#failure !== null) return;
    this.#replace();
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException);
    }
  }

  #replace(): void {
    if (this.#replaces) ftruncateSync(this.#fd);
    this.#replaces = false;
  }

  #exchange(open: () => number | null): void {
    this.#reopening = null;
    const next = open();
    if (next === null) return;
    close(this.#fd);
    this.#fd = next;
  }

  #pump(): void {
    if (this.#writing || this.#failure !== null) return;
    if (this.#reopening !== null && !this.#isCut) this.#exchange(this.#reopening);
    const piece = this.#queue[0];
    if (piece === undefined) return;
    this.#replace();
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
      this.#isCut = written < piece.length;
      if (!this.#isCut) this.#queue.shift();
      else this.#queue[0] = piece.subarray(written);
      if (this.#isHurried) this.flush();
      if (this.#queued <= this.#limit / 8) this.#wake();
      this.#pump();
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    const reason =
      error.code === 'EPIPE' ? 'was closed before everything was written' : `cannot be written: ${systemReason(error)}`;
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
