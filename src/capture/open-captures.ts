// From the arguments of a command line to sources: files, folders and standard input.
// Everything is looked at before the first packet is read, so a mistyped name is told at once.
import { createReadStream, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { HellotapError } from '../errors.js';
import { isCaptureHead, readHead } from './capture-magic.js';
import { openFileSource } from './file-source.js';
import type { CaptureOptions } from './packet-core.js';
import type { CaptureSource } from './source.js';
import { openStreamSource } from './stream-source.js';

/** A capture that is named by the arguments; it is opened when its turn comes, so thousands of them are no problem. */
export interface NamedCapture {
  /** As events name it. */
  readonly name: string;
  /** Throws HellotapError with ERR_CAPTURE_OPEN or ERR_CAPTURE_FORMAT where it can't be read. */
  open(): CaptureSource;
}

const MAX_DEPTH = 32;

/**
 * The captures that the arguments stand for: a file, a folder with all captures in it (told by their first bytes, sorted by name,
 * subfolders included), or `-` for standard input. Throws ERR_CAPTURE_OPEN where there is no such file or a folder holds none.
 */
export function findCaptures(paths: readonly string[], options: CaptureOptions = {}): NamedCapture[] {
  return paths.flatMap((path) => {
    if (path === '-') return [{ name: path, open: () => openStandardInput(options) }];
    const status = statusOf(path);
    if (!status.isDirectory()) return [fileCapture(path, status, options)];
    const found = capturesIn(path, 0);
    if (found.length === 0) throw new HellotapError('ERR_CAPTURE_OPEN', `${path}: there is no capture in this folder`);
    return found.map((file) => ({ name: file, open: () => openFileSource(file, options) }));
  });
}

function openStandardInput(options: CaptureOptions): CaptureSource {
  if (process.stdin.isTTY) {
    throw new HellotapError('ERR_CAPTURE_OPEN', 'standard input is a terminal; pipe a capture into it');
  }
  return openStreamSource('-', process.stdin, options);
}

/** What is no file, like a named pipe or what a shell puts in place of `<(…)`, can only be read as it comes. */
function fileCapture(path: string, status: Stats, options: CaptureOptions): NamedCapture {
  const open = status.isFile()
    ? () => openFileSource(path, options)
    : () => openStreamSource(path, createReadStream(path), options);
  return { name: path, open };
}

function statusOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw new HellotapError('ERR_CAPTURE_OPEN', `cannot open ${path}: ${reasonOf(cause)}`, { cause });
  }
}

function capturesIn(folder: string, depth: number): string[] {
  if (depth > MAX_DEPTH) return [];
  const entries = list(folder).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return capturesIn(path, depth + 1);
    return isCapture(path) ? [path] : [];
  });
}

function list(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw new HellotapError('ERR_CAPTURE_OPEN', `cannot read folder ${folder}: ${reasonOf(cause)}`, { cause });
  }
}

function isCapture(path: string): boolean {
  try {
    return statSync(path).isFile() && isCaptureHead(readHead(path));
  } catch {
    // Whoever opens it then learns why it can't be read.
    return true;
  }
}

/** The system's reason without Node's decoration around it. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return /^[A-Z0-9]+: ([^,]+),/.exec(cause.message)?.[1] ?? cause.message;
}
