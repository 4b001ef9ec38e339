// An nginx of one's own on loopback, whose configuration a test changes.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installed } from '../lab/lab.js';
import { answers } from '../lab/own-server.js';

/** Why it cannot run here, as `skip` of node:test takes it; false where it can. */
export function nginxSkipReason(): string | false {
  const missing = ['nginx', 'openssl'].filter((name) => !installed(name));
  if (missing.length === 0) return false;
  if (process.env['HELLOTAP_REQUIRE_LAB'] === '1') return false;
  return `needs ${missing.join(' and ')}`;
}

/** One server block; `listen` follows behind `ssl`. */
export interface NginxConfig {
  readonly listen?: string;
  readonly directives: string;
}

const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

/** Give it back with `dispose`. `{{folder}}` in directives holds rsa.crt, renewed.crt and their keys. */
export class Nginx {
  readonly folder = mkdtempSync(join(tmpdir(), 'hellotap-nginx-'));
  #child: ChildProcess | null = null;

  private constructor(readonly port: number) {
    this.makeCertificate('rsa');
    this.makeCertificate('renewed');
  }

  static async prepare(): Promise<Nginx> {
    return new Nginx(await freePort());
  }

  get server(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Ends the running nginx, if any, and has one answer with another configuration. */
  async serve({ listen = '', directives }: NginxConfig): Promise<void> {
    await this.stop();
    const { folder } = this;
    const config = join(folder, 'nginx.conf');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    const own = directives.includes('ssl_certificate ')
      ? ''
      : `ssl_certificate ${folder}/rsa.crt; ssl_certificate_key ${folder}/rsa.key;`;
    writeFileSync(
      config,
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
       events { worker_connections 64; }
       http { access_log off; ${temporary.join(' ')}
         server { listen ${this.server} ssl ${listen}; ${own} ${directives.replaceAll('{{folder}}', folder)}
           location / { return 200 "hello\\n"; } } }`,
    );
    this.#child = spawn('nginx', ['-p', folder, '-c', config, '-e', join(folder, 'error.log')], {
      env: ENV,
      stdio: 'ignore',
    });
    for (let tries = 0; !(await answers('127.0.0.1', this.port)); tries++) {
      if (tries > 100 || this.#child.exitCode !== null) throw new Error(`nginx does not start: ${directives}`);
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private makeCertificate(name: string): void {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}.test`],
        ...['-keyout', join(this.folder, `${name}.key`), '-out', join(this.folder, `${name}.crt`)],
      ],
      { env: ENV, stdio: 'ignore' },
    );
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
