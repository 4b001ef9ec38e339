// Where the bytes of a table come from: a file or a stream, plain or packed with gzip or zstd.

import { createReadStream } from 'node:fs';
import { decompressed } from '../decompress.js';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';

const CHUNK_BYTES = 1 << 20;

/** A file's bytes without their packing. Throws ERR_IMPORT where it cannot be read, or its packing is damaged. */
export async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* unpacked(path, createReadStream(path, { highWaterMark: CHUNK_BYTES }));
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A stream's bytes without their packing; `name` stands for it in messages. Throws ERR_IMPORT where that is damaged. */
export function unpacked(name: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  return decompressed(source, (reason, cause) => new HellotapError('ERR_IMPORT', `${name}: ${reason}`, { cause }));
}

/** What the operating system says against a file, as ERR_IMPORT; any other error as it is. */
export function unreadable(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || error instanceof HellotapError) return error;
  return new HellotapError('ERR_IMPORT', `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
}
