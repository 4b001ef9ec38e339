// Compresses for tests: gzip by Node, zstd by Node where it can, else by the command.
import * as zlib from 'node:zlib';
import { zstd as zstdCommand, zstdSkipReason } from '../zstd.js';

type Compress = (bytes: Buffer) => Buffer;

/** `ZSTD_c_checksumFlag`: as the command does it; without, damage in what did not get smaller cannot be told. */
const ZSTD_CHECKSUM_FLAG = 201;

/** Absent where neither Node nor the system has zstd. */
export const zstd: Compress | null = findZstd();

function findZstd(): Compress | null {
  const { zstdCompressSync } = zlib as {
    zstdCompressSync?: (input: Buffer, options: { params: Readonly<Record<number, number>> }) => Buffer;
  };
  if (zstdCompressSync !== undefined) {
    return (input) => zstdCompressSync(input, { params: { [ZSTD_CHECKSUM_FLAG]: 1 } });
  }
  return zstdSkipReason() === false ? (input) => zstdCommand(input, '--check') : null;
}

/** What captures may be compressed with; null where it cannot be made here. */
export const compressions: readonly (readonly [name: 'gzip' | 'zstd', compress: Compress | null])[] = [
  ['gzip', zlib.gzipSync],
  ['zstd', zstd],
];
