// From the arguments of a command line to sources: files, folders and standard input.
// Everything is looked at before the first packet is read, so a mistyped name is told at once.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HellotapError } from '../errors.js';
import { isCaptureHead, readHead } from './capture-magic.js';
import { openFileSource } from './file-source.js';
import type { PacketCoreOptions } from './packet-core.js';
import type { CaptureSource } from './source.js';

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
export function findCaptures(paths: readonly string[], options: PacketCoreOptions = {}): NamedCapture[] {
  return paths.flatMap((path) => {
    if (!isFolder(path)) return [fileCapture(path, options)];
    const found = capturesIn(path, 0);
    if (found.length === 0) throw new HellotapError('ERR_CAPTURE_OPEN', `${path}: there is no capture in this folder`);
    return found.map((file) => fileCapture(file, options));
  });
}

function fileCapture(path: string, options: PacketCoreOptions): NamedCapture {
  return { name: path, open: () => openFileSource(path, options) };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
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
