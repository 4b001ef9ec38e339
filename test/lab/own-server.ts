// Servers of a test's own on loopback, configured for it: files and logs in a temporary folder, processes that end with the
// test. (The lab's deployments are shared by all tests, and stay as deployments.tsv says.)
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installed } from './lab.js';

/** Where a server is configured, and with what. */
export interface Place {
  readonly folder: string;
  readonly address: string;
  /** PEM files: RSA key, certificate, and certificate with its intermediate. */
  readonly key: string;
  readonly certificate: string;
  readonly chain: string;
  /** Puts a file into the folder, lines without their indentation; gives its path. */
  readonly write: (name: string, text: string) => string;
  /** Makes a folder in the folder, for `owner` or whoever runs the server; gives its path. */
  readonly makeFolder: (name: string, owner?: string) => string;
}

export type CommandLine = readonly [command: string, ...args: string[]];

export interface OwnServerSetup {
  readonly name: string;
  /** Debian's. */
  readonly packages: readonly string[];
  /** Commands, and files by their path, without which it cannot run. */
  readonly needs: readonly string[];
  /** `root`: nobody else can start it. `nobody`: root must not, or need not. */
  readonly as: 'root' | 'nobody';
  /** All of them answer once it is up. */
  readonly ports: readonly number[];
  /** Writes its configuration; gives the commands, which stay in the foreground. */
  prepare(place: Place): readonly CommandLine[];
}

/** What continuous integration installs (.ci/run). */
const PACKAGES = new Set(readFileSync(join(import.meta.dirname, 'packages.txt'), 'utf8').split('\n'));

/**
 * Why the server cannot run here, as `skip` of node:test takes it; false where it can. With HELLOTAP_REQUIRE_LAB=1 no
 * server of packages.txt is skipped.
 */
export function ownServerSkipReason({ name, packages, needs, as }: OwnServerSetup): string | false {
  if (process.platform !== 'linux') return 'needs Linux: all of 127.0.0.0/8 on loopback';
  if (process.env['HELLOTAP_REQUIRE_LAB'] === '1' && packages.every((entry) => PACKAGES.has(entry))) return false;
  if (![...needs, 'openssl', 'setpriv'].every(installed)) return `${name} needs Debian’s ${packages.join(', ')}`;
  return as === 'root' && process.getuid?.() !== 0 ? `${name} has to be started by root` : false;
}

const NOBODY = 65534;
const ENV = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
const START_TRIES = 600;
const STOP_TRIES = 200;

/** No other running process has it, so its ports are free; and the kernel lends none of them to outgoing connections. */
const { pid } = process;
const ADDRESS = `127.${100 + ((pid >> 14) & 127)}.${(pid >> 7) & 127}.${1 + (pid & 127)}`;

/** Give it back with `stop`. */
export class OwnServer {
  private constructor(
    readonly place: Place,
    private readonly processes: readonly ChildProcess[],
  ) {}

  /** Rejects, with what was logged, where it does not answer on all of its ports. */
  static async start(setup: OwnServerSetup): Promise<OwnServer> {
    const isSwitched = setup.as === 'nobody' && process.getuid?.() === 0;
    const place = makePlace(isSwitched);
    const log = openSync(join(place.folder, 'out.log'), 'a');
    const processes = setup.prepare(place).map((command) =>
      // A test that is killed takes its servers along (but for Postfix, whose change of user undoes that).
      spawn('setpriv', ['--pdeathsig', 'TERM', ...command], {
        cwd: place.folder,
        env: ENV,
        detached: true,
        stdio: ['ignore', log, log],
        ...(isSwitched ? { uid: NOBODY, gid: NOBODY } : {}),
      }),
    );
    closeSync(log);
    const server = new OwnServer(place, processes);
    let tries = 0;
    for (const port of setup.ports) {
      while (!(await answers(ADDRESS, port))) {
        if (++tries < START_TRIES && server.lives) {
          await sleep(50);
          continue;
        }
        const said = server.log;
        await server.stop();
        throw new Error(`${setup.name} does not answer on port ${port}:\n${said}`);
      }
    }
    return server;
  }

  /** Whether every process that was started still runs. */
  get lives(): boolean {
    return this.processes.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  }

  /** All that was logged. */
  get log(): string {
    const { folder } = this.place;
    const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
    return logs.map((name) => readFileSync(join(folder, name), 'latin1')).join('\n');
  }

  async stop(): Promise<void> {
    for (let tries = 0; tries < STOP_TRIES; tries++) {
      const name = tries < STOP_TRIES / 2 ? 'SIGTERM' : 'SIGKILL';
      const left = this.processes.filter((process) => signalGroup(process, name));
      if (left.length === 0) break;
      await sleep(50);
    }
    rmSync(this.place.folder, { recursive: true, force: true });
  }
}

/** Made once, for all servers of the process. */
let certificates: string | null = null;

function makeCertificates(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-certificates-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true });
  });
  chmodSync(folder, 0o755);
  execFileSync('bash', [join(import.meta.dirname, 'certs.sh'), join(folder, 'made')]);
  return join(folder, 'made');
}

function makePlace(isSwitched: boolean): Place {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-server-'));
  chmodSync(folder, 0o755);
  const own = (path: string, owner?: string): string => {
    if (owner !== undefined) execFileSync('chown', [owner, path]);
    else if (isSwitched) chownSync(path, NOBODY, NOBODY);
    return path;
  };
  own(folder);
  certificates ??= makeCertificates();
  return {
    folder,
    address: ADDRESS,
    key: join(certificates, 'rsa.key'),
    certificate: join(certificates, 'rsa.crt'),
    chain: join(certificates, 'rsa.chain'),
    write: (name, text) => {
      const path = join(folder, name);
      writeFileSync(path, text.trim().replaceAll(/^ +/gm, '').concat('\n'));
      return own(path);
    },
    makeFolder: (name, owner) => {
      const path = join(folder, name);
      mkdirSync(path);
      return own(path, owner);
    },
  };
}

/** False: nobody is left in the group that the process leads. */
function signalGroup({ pid: group }: ChildProcess, name: NodeJS.Signals): boolean {
  try {
    return group !== undefined && process.kill(-group, name);
  } catch {
    return false;
  }
}

/** Whether a connection can be made. */
export function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
