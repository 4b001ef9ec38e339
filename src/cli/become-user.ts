// Gives up root for good, once what needs it is open.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { HellotapError } from '../errors.js';

/**
 * Becomes that user, with the groups that the system has for it, in every thread of the process, and makes sure that there is no
 * way back. Throws ERR_USAGE where there is no such user, it is root itself, or the process is not root's.
 */
export function becomeUser(name: string): void {
  const { getuid, setgroups, setgid, setuid } = process;
  if (!getuid || !setgroups || !setgid || !setuid || getuid() !== 0) {
    throw new HellotapError('ERR_USAGE', '--user needs to be started as root');
  }
  const [[uid = 0], [gid = 0], groups] = [idsOf(name, '-u'), idsOf(name, '-g'), idsOf(name, '-G')];
  if (uid === 0) throw new HellotapError('ERR_USAGE', `--user ${name}: that is root`);
  // In this order: a user who is not root may change neither groups nor group.
  setgroups(groups);
  setgid(gid);
  setuid(uid);
  verify(uid, gid);
}

/** Numbers that `id` prints, which asks whatever directory of users the system has. */
function idsOf(name: string, what: '-u' | '-g' | '-G'): number[] {
  try {
    const ids = execFileSync('id', [what, '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return ids.trim().split(' ').map(Number);
  } catch (cause) {
    throw new HellotapError('ERR_USAGE', `--user ${name}: there is no such user`, { cause });
  }
}

function verify(uid: number, gid: number): void {
  let isBack = true;
  try {
    process.setuid?.(0);
  } catch {
    isBack = false;
  }
  if (isBack || process.getuid?.() !== uid || process.geteuid?.() !== uid || process.getegid?.() !== gid) {
    throw new Error('root could not be given up');
  }
  if (process.platform !== 'linux') return;
  // The calls above act on all threads, because the C library sees to it; the kernel knows whether it did.
  for (const thread of readdirSync('/proc/self/task')) {
    const status = readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
    const ids = new RegExp(`^Uid:(\\s+${uid}){4}$[^]*^Gid:(\\s+${gid}){4}$`, 'm');
    if (!ids.test(status) || !/^CapPrm:\s+0+$/m.test(status) || !/^CapEff:\s+0+$/m.test(status)) {
      throw new Error(`thread ${thread} is still root's`);
    }
  }
}
