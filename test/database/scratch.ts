// Databases and files for one test, and the real servers' answers from test/golden as probes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { ProbeObservation } from '../../src/database/servers.js';
import { Store } from '../../src/database/store.js';

const folder = mkdtempSync(join(tmpdir(), 'hellotap-database-'));
const opened: Store[] = [];
let made = 0;

after(() => {
  for (const store of opened) store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A path in this test's folder that nothing has used yet. */
export function freshPath(suffix = '.db'): string {
  made += 1;
  return join(folder, `${made}${suffix}`);
}

export function freshStore(path = freshPath()): Store {
  const store = Store.open(path);
  opened.push(store);
  return store;
}

export function file(content: string | Uint8Array, suffix = '.csv'): string {
  const path = freshPath(suffix);
  writeFileSync(path, content);
  return path;
}

interface GoldenLine {
  deployment: string;
  ip: string;
  port: number;
  server_name: string | null;
  hellos: Record<string, string | null>;
  fingerprint: string | null;
}

export const golden = readFileSync(join(import.meta.dirname, '../golden/fingerprints.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as GoldenLine);

/** What the paper's scanner found at each deployment of the lab, as if probed at a time. */
export function goldenProbes(seenAt: Date): ProbeObservation[] {
  return golden.map((line) => ({
    server: { address: line.ip, port: line.port, serverName: line.server_name },
    helloSet: 'atsf-2022',
    hellos: line.hellos,
    fingerprint: line.fingerprint,
    seenAt,
  }));
}

/** The golden answer of a deployment without a server name. */
export function goldenLine(deployment: string): GoldenLine {
  return golden.find((line) => line.deployment === deployment && line.server_name === null)!;
}

/** Everything in the tables, to see that nothing changed. */
export function content(store: Store): unknown {
  const tables = ['fingerprint_kind', 'fingerprint', 'answers', 'http_server', 'source', 'label', 'profile', 'server'];
  return [...tables, 'tally', 'claim', 'meta'].map((name) =>
    store.prepare(`SELECT * FROM ${name} ORDER BY 1, 2`).all(),
  );
}
