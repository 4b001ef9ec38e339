// The NSS key log format (draft-ietf-tls-keylogfile): secrets of connections by client random, as browsers and curl write
// them where SSLKEYLOGFILE is set. Reads text; where it comes from is for others.
import { Buffer } from 'node:buffer';

/** The secrets that passive reading of a server's side needs. */
export interface ServerSecrets {
  /** TLS 1.3. */
  readonly handshake?: Uint8Array;
  /** TLS 1.3. */
  readonly application?: Uint8Array;
}

const LABELS: Readonly<Record<string, keyof ServerSecrets>> = {
  SERVER_HANDSHAKE_TRAFFIC_SECRET: 'handshake',
  SERVER_TRAFFIC_SECRET_0: 'application',
};

const CLIENT_RANDOM = /^[0-9a-f]{64}$/i;
const SECRET = /^(?:[0-9a-f]{64}|[0-9a-f]{96})$/i;

/** Connections of which secrets are kept; what a key log has beyond is counted. */
const MAX_CONNECTIONS = 1_000_000;

/** The longest line that makes sense has 200 characters; what is longer is passed over. */
const MAX_LINE = 1024;

export class KeyLog {
  /** Lines that are neither comment nor secret. */
  malformed = 0;
  /** Secrets of connections beyond the bound. */
  dropped = 0;
  readonly #secrets = new Map<string, ServerSecrets>();
  /** Lines of which the end has not come, by what they are from. */
  readonly #begun = new Map<number, string>();

  /** How many connections there are secrets for. */
  get size(): number {
    return this.#secrets.size;
  }

  /** Takes one line. Comments, and labels of secrets that have no use here, are passed over. */
  addLine(line: string): void {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return;
    const [label = '', random = '', secret = '', ...more] = text.split(/\s+/);
    if (more.length > 0 || !CLIENT_RANDOM.test(random) || secret === '') {
      this.malformed++;
      return;
    }
    const key = LABELS[label];
    if (key === undefined) return;
    if (!SECRET.test(secret)) {
      this.malformed++;
      return;
    }
    const name = random.toLowerCase();
    const known = this.#secrets.get(name);
    if (known === undefined && this.#secrets.size >= MAX_CONNECTIONS) {
      this.dropped++;
      return;
    }
    this.#secrets.set(name, { ...known, [key]: Buffer.from(secret, 'hex') });
  }

  /** Takes a part of a text, cut anywhere. `from` tells texts apart that come at the same time. */
  addText(part: Uint8Array, from: number): void {
    const lines = ((this.#begun.get(from) ?? '') + Buffer.from(part).toString('latin1')).split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) this.addLine(line);
    // One character more than makes sense is enough to tell, at its end, that it was too long.
    if (last === '') this.#begun.delete(from);
    else this.#begun.set(from, last.slice(0, MAX_LINE));
  }

  /** The secrets of the connection that a ClientHello with this random began. */
  secretsOf(clientRandom: Uint8Array): ServerSecrets | null {
    return this.#secrets.get(Buffer.from(clientRandom).toString('hex')) ?? null;
  }
}
