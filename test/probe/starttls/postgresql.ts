// A PostgreSQL server of its own on loopback, with TLS, for as long as a test needs it.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DEBIAN = '/usr/lib/postgresql';
/** PostgreSQL does not run as root; nobody is enough. */
const NOBODY = 65534;

function programs(): string | null {
  if (!existsSync(DEBIAN)) return null;
  const folders = readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin'));
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}

/** Why it cannot run here; false where it can. */
export function postgresqlSkipReason(): string | false {
  return programs() === null ? 'needs Debian’s postgresql' : false;
}

/** Starts a server on `port` of 127.0.0.1; gives what ends it. */
export async function startPostgresql(
  port: number,
  { key, cert }: { readonly key: string; readonly cert: string },
): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-pg-'));
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const own = (path: string): string => {
    if (user.uid !== undefined) chownSync(path, user.uid, user.gid);
    return path;
  };
  own(folder);
  const data = join(folder, 'data');
  const bin = programs() ?? '';
  const options = { cwd: folder, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' }, ...user };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '--no-sync'], { ...options, stdio: 'ignore' });
  for (const [name, content] of Object.entries({ 'server.key': key, 'server.crt': cert })) {
    writeFileSync(join(data, name), content);
    chmodSync(own(join(data, name)), 0o600);
  }
  const settings = [
    '-c',
    'ssl=on',
    '-c',
    'fsync=off',
    '-c',
    'unix_socket_directories=',
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
  ];
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings], { ...options, stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const stop = async (): Promise<void> => {
    server.kill('SIGQUIT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 200; tries++) {
    if (await answers(port)) return stop;
    await sleep(50);
  }
  await stop();
  throw new Error('PostgreSQL did not start');
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
