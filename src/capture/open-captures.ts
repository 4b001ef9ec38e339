// From the arguments of a command line to sources: files, folders and standard input.
// Everything is looked at before the first packet is read, so a mistyped name is told at once.
import { createReadStream, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { describeFormat } from './capture-magic.js';
import { openFiles } from './file-source.js';
import type { FileSourceOptions } from './input-files.js';
import { peekCapture } from './packet-core.js';
import type { CaptureSource } from './source.js';

/** A capture that is named by the arguments; it is opened when its turn comes, so thousands of them are no problem. */
export interface NamedCapture {
  /** Its path, or `-` for standard input; as events name it. */
  readonly name: string;
  /** What is no file, like a named pipe or what a shell puts in place of `<(…)`, can only be read as it comes. */
  readonly kind: 'file' | 'stream';
}

const MAX_DEPTH = 32;

/**
 * The captures that the arguments stand for: a file, a folder with all captures in it (told by their first bytes, sorted by name,
 * subfolders included), or `-` for standard input. Throws ERR_CAPTURE_OPEN where there is no such file or a folder holds none;
 * what cannot be read within a folder goes to `onFailure`.
 */
export function findCaptures(paths: readonly string[], onFailure: OnFailure = () => undefined): NamedCapture[] {
  return paths.flatMap((path): NamedCapture[] => {
    if (path === '-') return [{ name: path, kind: 'stream' }];
    const status = statusOf(path);
    if (!status.isDirectory()) return [{ name: path, kind: status.isFile() ? 'file' : 'stream' }];
    const found = capturesIn(path, onFailure);
    if (found.length === 0) throw new HellotapError('ERR_CAPTURE_OPEN', `${path}: there is no capture in this folder`);
    return found.map((name) => ({ name, kind: 'file' }));
  });
}

/**
 * Files and folders that are to be followed while they are written. Throws ERR_USAGE for what is neither, and
 * ERR_CAPTURE_OPEN for what is not there.
 */
export function findFollowed(paths: readonly string[]): NamedCapture[] {
  return paths.map((path) => {
    const status = path === '-' ? null : statusOf(path);
    if (status?.isFile() !== true && status?.isDirectory() !== true) {
      throw new HellotapError('ERR_USAGE', `--follow ${path}: only files and folders are followed; a stream is anyway`);
    }
    return { name: path, kind: 'file' };
  });
}

/**
 * The captures that are read as one stream each: all files together, in order of time, and every stream by itself, because
 * when it begins shows only when it comes.
 */
export function asStreams(captures: readonly NamedCapture[]): (readonly NamedCapture[])[] {
  const files = captures.filter(({ kind }) => kind === 'file');
  const streams = captures.filter(({ kind }) => kind === 'stream').map((capture) => [capture]);
  return files.length === 0 ? streams : [files, ...streams];
}

/** Opens what `asStreams` put together. What cannot be read shows in the iteration, or goes to `onFailure`. */
export async function openCaptures(
  captures: readonly NamedCapture[],
  options: FileSourceOptions = {},
): Promise<CaptureSource> {
  const [first] = captures;
  if (first?.kind !== 'stream')
    return openFiles(
      captures.map(({ name }) => name),
      options,
    );
  // Most runs read no stream, and need not wait for what reads one.
  const { openStreamSource } = await import('./stream-source.js');
  if (first.name !== '-') return openStreamSource(first.name, createReadStream(first.name), options);
  if (process.stdin.isTTY) {
    throw new HellotapError('ERR_CAPTURE_OPEN', 'standard input is a terminal; pipe a capture into it');
  }
  return openStreamSource('-', process.stdin, options);
}

function statusOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw new HellotapError('ERR_CAPTURE_OPEN', `cannot open ${path}: ${systemReason(cause)}`, { cause });
  }
}

type OnFailure = (error: HellotapError) => void;

/** What captures are called, packed or not; tcpdump -C counts behind it. */
const CAPTURE_NAME = /\.(pcap|pcapng|cap)\d*(\.[a-z0-9]{2,4})?$/i;

/**
 * The captures in a folder and its subfolders, sorted by name. A subfolder that cannot be read goes to `onFailure`, and so
 * does what is called a capture and is none, unless it is empty: a tap that has seen nothing yet.
 */
export function capturesIn(folder: string, onFailure: OnFailure, depth = 0): string[] {
  if (depth > MAX_DEPTH) return [];
  const entries = list(folder).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      try {
        return capturesIn(path, onFailure, depth + 1);
      } catch (error) {
        if (!(error instanceof HellotapError)) throw error;
        onFailure(error);
        return [];
      }
    }
    if (isCapture(path)) return [path];
    if (CAPTURE_NAME.test(entry.name) && isFilled(path)) {
      onFailure(new HellotapError('ERR_CAPTURE_FORMAT', `${path}: ${describeFormat(path)}`));
    }
    return [];
  });
}

function list(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw new HellotapError('ERR_CAPTURE_OPEN', `cannot read folder ${folder}: ${systemReason(cause)}`, { cause });
  }
}

function isFilled(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status?.isFile() === true && status.size > 0;
}

function isCapture(path: string): boolean {
  try {
    return statSync(path).isFile() && peekCapture(path).isCapture;
  } catch {
    // Whoever opens it then learns why it can't be read.
    return true;
  }
}
