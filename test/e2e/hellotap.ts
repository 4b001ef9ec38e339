// Runs the built program the way a user does: arguments in; exit code, standard output and standard error back.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { accessSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CAPTURE_WAY, type CaptureWay } from '../../src/capture/live-options.js';

export const root = join(import.meta.dirname, '../..');
export const program = join(root, 'dist/cli/main.js');

/** What a run left behind; `code` is null where a signal ended it. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `hellotap ARGS…` with `input`, or nothing, on standard input. */
export function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  input: Uint8Array = new Uint8Array(),
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, NO_COLOR: '1', ...env } });
  // Whether it was all read shows in what comes out.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return child;
}

/** Resolves when the process has ended and its output is read. */
export function outcome(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** `hellotap ARGS…` to its end. */
export function hellotap(...args: string[]): Promise<Outcome> {
  return outcome(start(args));
}

/** Why live capture cannot be tried here; false where it can. */
export function liveCaptureSkipReason(capture: CaptureWay = DEFAULT_CAPTURE_WAY): string | false {
  if (capture === 'ring') return process.platform === 'linux' ? false : 'there is no ring off Linux';
  try {
    accessSync(join(root, 'node_modules/cap/build/Release/cap.node'));
    return false;
  } catch {
    return 'needs libpcap: the optional dependency cap is not built';
  }
}
