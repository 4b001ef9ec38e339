// What goes to standard error: messages by level, and one line of progress on a terminal.
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { createColors } from 'picocolors';
import type { Paint } from '../output/table-sink.js';
import { printable } from '../output/printable.js';
import { LOG_LEVELS, type CommonOptions, type LogLevel } from './common-options.js';

const STDOUT = 1;
const STDERR = 2;
const PROGRESS_INTERVAL_MS = 200;

/** Standard error of one command. */
export class Terminal {
  readonly paint: Paint & { readonly yellow: (text: string) => string };
  readonly #command: string;
  readonly #level: number;
  readonly #progress: boolean;
  readonly #paintErr: ReturnType<typeof createColors>;
  #shown = 0;
  #nextProgress = 0;

  constructor(command: string, options: CommonOptions) {
    this.#command = command;
    this.#level = LOG_LEVELS.indexOf(options.quiet ? 'error' : options.logLevel);
    this.#progress = !options.quiet && isatty(STDERR);
    const wanted = options.color && (process.env['NO_COLOR'] ?? '') === '';
    this.paint = createColors(wanted && isatty(STDOUT));
    this.#paintErr = createColors(wanted && isatty(STDERR));
  }

  /** Whether `progress` shows anything. */
  get showsProgress(): boolean {
    return this.#progress;
  }

  error(text: string): void {
    this.#message('error', this.#paintErr.red(`hellotap ${this.#command}: ${printable(text)}`));
  }

  warning(text: string): void {
    this.#message('warning', this.#paintErr.yellow(`hellotap ${this.#command}: ${printable(text)}`));
  }

  info(text: string): void {
    this.#message('info', `hellotap ${this.#command}: ${printable(text)}`);
  }

  debug(text: string): void {
    this.#message('debug', this.#paintErr.dim(`hellotap ${this.#command}: ${printable(text)}`));
  }

  /** Shows how far a long task is; `text` is only asked for when it is shown. Nothing where standard error is no terminal. */
  progress(text: () => string): void {
    if (!this.#progress) return;
    const now = performance.now();
    if (now < this.#nextProgress) return;
    this.#nextProgress = now + PROGRESS_INTERVAL_MS;
    const line = printable(text()).slice(0, (process.stderr.columns || 80) - 1);
    put(`\r${line.padEnd(this.#shown)}`);
    this.#shown = line.length;
  }

  /** Takes the progress line away. */
  clearProgress(): void {
    if (this.#shown > 0) put(`\r${' '.repeat(this.#shown)}\r`);
    this.#shown = 0;
  }

  #message(level: LogLevel, text: string): void {
    if (LOG_LEVELS.indexOf(level) > this.#level) return;
    this.clearProgress();
    put(`${text}\n`);
  }
}

function put(text: string): void {
  try {
    writeSync(STDERR, text);
  } catch {
    // Nobody reads standard error any more: there is no other place to say so.
  }
}
