// Packs with the zstd program: Node.js has its own from 22.15 on only.
import { spawnSync } from 'node:child_process';

/** Why nothing can be packed here; false where it can. */
export function zstdSkipReason(): string | false {
  return spawnSync('zstd', ['--version']).status === 0 ? false : 'needs the program zstd';
}

export function zstd(bytes: Uint8Array | string, ...args: readonly string[]): Buffer {
  return spawnSync('zstd', ['-c', '-q', ...args], { input: bytes, maxBuffer: 1 << 28 }).stdout;
}
