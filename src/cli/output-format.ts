// What the results of a command are to look like. Apart from what draws tables, which most commands do without.
import { isatty } from 'node:tty';
import type { OutputOptions } from './common-options.js';

const STDOUT = 1;

/** `table` on a terminal, `jsonl` elsewhere, unless `--format` says which. */
export function outputFormat(options: OutputOptions): 'table' | 'jsonl' {
  const chosen = options.format ?? (options.output === undefined && isatty(STDOUT) ? 'table' : 'jsonl');
  return chosen === 'table' ? 'table' : 'jsonl';
}
