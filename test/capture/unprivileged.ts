// Runs a module of the tests as the user nobody, to see what is refused to it. Only root can do that.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const NOBODY = 65_534;
const ROOT = join(import.meta.dirname, '../..');

export const canDropRights = process.getuid?.() === 0;

/** Evaluates TypeScript (an ES module) as nobody; returns what it wrote to standard output. */
export function runAsNobody(code: string): string {
  const arguments_ = ['--import', 'tsx', '--input-type=module', '--eval', code];
  const { stdout, stderr } = spawnSync(process.execPath, arguments_, {
    cwd: ROOT,
    uid: NOBODY,
    gid: NOBODY,
    env: { PATH: process.env['PATH'] ?? '', TSX_DISABLE_CACHE: '1' },
    encoding: 'utf8',
  });
  return stdout + stderr;
}
