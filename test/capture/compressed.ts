// Compresses for tests: gzip by Node, zstd by Node where it can, else by the command.
import { execFileSync } from 'node:child_process';
import * as zlib from 'node:zlib';

type Compress = (bytes: Buffer) => Buffer;

/** Absent where neither Node nor the system has zstd. */
export const zstd: Compress | null = findZstd();

function findZstd(): Compress | null {
  const { zstdCompressSync } = zlib as { zstdCompressSync?: Compress };
  if (zstdCompressSync !== undefined) return zstdCompressSync;
  const run: Compress = (input) =>
    execFileSync('zstd', ['-q', '-c', '--check'], { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    run(Buffer.from('x'));
    return run;
  } catch {
    return null;
  }
}

/** What captures may be compressed with; null where it cannot be made here. */
export const compressions: readonly (readonly [name: 'gzip' | 'zstd', compress: Compress | null])[] = [
  ['gzip', zlib.gzipSync],
  ['zstd', zstd],
];
