// Runs a command as a whole process, and says what it took (measure.py).
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Seconds, and MiB at most: `rss` as the kernel has it, `own` of anonymous memory alone. */
export interface Run {
  readonly status: number;
  readonly user: number;
  readonly system: number;
  readonly wall: number;
  readonly rss: number;
  readonly own: number;
}

/** @param out file for what the command prints */
export function measured(out: string, command: readonly string[]): Run {
  const args = [join(import.meta.dirname, 'measure.py'), out, ...command];
  return JSON.parse(execFileSync('python3', args, { encoding: 'utf8' })) as Run;
}
