// The lab of real servers for tests: which deployments there are, whether this machine can run them, and running
// them for as long as a test needs them. lab.sh does the starting; several test files may share the same servers.
import { execFile, spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';

const script = join(import.meta.dirname, 'lab.sh');

/** One line of deployments.tsv. */
export interface Deployment {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Debian package that carries the server, `-` where Python alone is needed. */
  readonly package: string;
  readonly software: string;
  readonly config: string;
  /** Nothing listens there, on purpose. */
  readonly closed: boolean;
}

/** Commands, or files, that the deployments of a package need, apart from python3 and openssl. */
const needs: Readonly<Record<string, readonly string[]>> = {
  '-': [],
  apache2: ['apache2'],
  'gnutls-bin': ['gnutls-serv', 'socat', 'unshare', 'ip'],
  'golang-go': ['go'],
  haproxy: ['haproxy'],
  lighttpd: ['lighttpd', '/usr/lib/lighttpd/mod_openssl.so'],
  'lighttpd-mod-gnutls': ['lighttpd', '/usr/lib/lighttpd/mod_gnutls.so'],
  mosquitto: ['mosquitto'],
  nginx: ['nginx'],
  nodejs: ['node'],
  'openjdk-17-jdk-headless': ['java'],
  openssl: ['openssl'],
  python3: ['/usr/bin/python3'],
  'ruby-webrick': ['ruby', '/var/lib/dpkg/info/ruby-webrick.list'],
  stunnel4: ['stunnel4'],
};

/** Every deployment of the lab, in the file's order. */
export const deployments: readonly Deployment[] = readFileSync(join(import.meta.dirname, 'deployments.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .slice(1)
  .map((line) => {
    const [id = '', address = '', port = '', name = '', software = '', config = '', start = ''] = line.split('\t');
    return { id, address, port: Number(port), package: name, software, config, closed: start === '-' };
  });

/** The deployment of that name; throws where deployments.tsv has none. */
export function deployment(id: string): Deployment {
  const found = deployments.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`test/lab/deployments.tsv has no ${id}`);
  return found;
}

/** The software that is measured: everything but the odd servers and the closed port. */
export const realDeployments = deployments.filter(({ id, closed }) => !closed && !id.startsWith('odd-'));

/**
 * Why these deployments cannot run here, as `skip` of node:test takes it; false when they can.
 * With HELLOTAP_REQUIRE_LAB=1 (continuous integration) nothing is skipped, so that what is missing fails.
 */
export function labSkipReason(ids: readonly string[] = deployments.map(({ id }) => id)): string | false {
  if (process.env['HELLOTAP_REQUIRE_LAB'] === '1') return false;
  const missing = new Set<string>();
  for (const id of ids) {
    const { package: name } = deployment(id);
    if (!installed('python3') || !installed('openssl')) missing.add('python3 openssl');
    for (const need of needs[name] ?? [name]) if (!installed(need)) missing.add(name);
    if (name === 'gnutls-bin' && process.getuid?.() !== 0)
      return 'the lab’s gnutls-serv needs root (a network namespace)';
  }
  return missing.size === 0 ? false : `needs Debian’s ${[...missing].sort().join(', ')} for the lab`;
}

/** Whether a command, or a file by its path, is there. */
export function installed(need: string): boolean {
  if (need.startsWith('/')) return accessible(need, constants.R_OK);
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  return path.split(':').some((directory) => accessible(join(directory, need), constants.X_OK));
}

function accessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** What says a package's version, and the release (by prefix) that test/golden was measured with. */
const versions: Readonly<Record<string, readonly [golden: string, command: string, ...args: string[]]>> = {
  apache2: ['2.4.', 'apache2', '-v'],
  'gnutls-bin': ['3.7.', 'gnutls-serv', '--version'],
  'golang-go': ['1.19', 'go', 'version'],
  haproxy: ['2.6.', 'haproxy', '-v'],
  lighttpd: ['1.4.', 'lighttpd', '-v'],
  'lighttpd-mod-gnutls': ['1.4.', 'lighttpd', '-v'],
  mosquitto: ['2.0.', 'mosquitto', '-h'],
  nginx: ['1.22.', 'nginx', '-v'],
  nodejs: ['20.', 'node', '--version'],
  'openjdk-17-jdk-headless': ['17.', 'java', '-version'],
  openssl: ['3.0.', 'openssl', 'version'],
  python3: ['3.11.', '/usr/bin/python3', '--version'],
  'ruby-webrick': ['1.8.', 'ruby', '-rwebrick', '-e', 'puts WEBrick::VERSION'],
  stunnel4: ['5.68', 'stunnel4', '-version'],
};

const stated = new Map<string, string | null>();

/** The version of a deployment's software in its own words; null where it states none. */
export function softwareVersion({ package: name }: Deployment): string | null {
  const known = stated.get(name);
  if (known !== undefined) return known;
  const [, command = 'false', ...args] = versions[name] ?? [''];
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  const version = /\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? null;
  stated.set(name, version);
  return version;
}

/** Why a deployment's answers cannot be held against test/golden: another release of the software. False where they can. */
export function goldenSkipReason(id: string): string | false {
  const found = deployment(id);
  const [golden] = versions[found.package] ?? [''];
  const version = golden === '' ? '' : softwareVersion(found);
  if (version?.startsWith(golden) === true) return false;
  return `test/golden knows ${found.software} ${golden}x, this is ${version ?? 'no version that it states'}`;
}

/** Where lab.sh keeps what a running deployment has, as lab.sh itself works it out. */
function runDirectory(id: string): string {
  const state = process.env['LAB_STATE'] ?? join(process.env['TMPDIR'] ?? '/tmp', `tls-lab-${process.getuid?.() ?? 0}`);
  return join(state, 'run', id);
}

/** The process that serves a deployment, as `PID START-TIME`; null where it does not live. */
export function serverProcess(id: string): string | null {
  try {
    const text = readFileSync(join(runDirectory(id), 'pid'), 'utf8').trim();
    return accessible(`/proc/${text.split(' ')[0] ?? ''}`, constants.F_OK) ? text : null;
  } catch {
    return null;
  }
}

/** All that a deployment's server has written to its logs. */
export function serverLogs(id: string): string {
  const directory = runDirectory(id);
  return readdirSync(directory)
    .filter((name) => name === 'log' || name.endsWith('.log'))
    .map((name) => readFileSync(join(directory, name), 'latin1'))
    .join('\n');
}

let holds = 0;

/** Runs `body` while the deployments answer; what had to be started is stopped afterwards, unless another test needs it. */
export async function withLab<T>(ids: readonly string[], body: () => Promise<T>): Promise<T> {
  const release = await holdLab(ids);
  try {
    return await body();
  } finally {
    await release();
  }
}

/** `withLab` for all tests of the enclosing `describe` (of the file, outside of one). */
export function useLab(ids: readonly string[] = deployments.map(({ id }) => id)): void {
  let release: (() => Promise<void>) | undefined;
  before(async () => {
    release = await holdLab(ids);
  });
  after(async () => {
    await release?.();
  });
}

/** Makes the deployments answer, and gives back what ends that. Rejects, with lab.sh's words, where one does not start. */
async function holdLab(ids: readonly string[]): Promise<() => Promise<void>> {
  const holder = `${process.pid}.${++holds}`;
  const release = async (): Promise<void> => {
    await promisify(execFile)('bash', [script, 'release', holder]);
  };
  try {
    await promisify(execFile)('bash', [script, 'hold', holder, ...ids]);
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}
