// Compares the text fingerprints that `hellotap triage --keylog` makes of the captures in test/golden with those that the
// paper's scanner wrote down while it made them: node --import tsx test/compare-keylog.ts
// A connection's Client Hello is told by its JA3. Prints each handshake that differs, then the tally.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface GoldenLine {
  readonly deployment: string;
  readonly ip: string;
  readonly server_name: string | null;
  readonly hellos: Readonly<Record<string, string | null>>;
}

interface TlsEventLine {
  readonly event_type: string;
  readonly dest_ip: string;
  readonly tls: { readonly ja3?: { readonly hash: string } };
  readonly hellotap: { readonly handshake?: string };
}

const GOLDEN = fileURLToPath(new URL('golden', import.meta.url));
const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'hellotap-keylog-'));
const parse = <T>(text: string): T[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

const golden = parse<GoldenLine>(readFileSync(join(GOLDEN, 'fingerprints.jsonl'), 'utf8'));
let all = 0;
let equal = 0;
try {
  for (const name of ['with-sni', 'without-sni']) {
    const run = spawnSync(
      process.execPath,
      [MAIN, 'triage', '--format', 'jsonl', '--database', join(scratch, `${name}.db`)].concat([
        '--keylog',
        join(GOLDEN, `${name}.keylog`),
        join(GOLDEN, `${name}.pcap`),
      ]),
      { encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    const events = parse<TlsEventLine>(run.stdout).filter((event) => event.event_type === 'tls');
    const servers = golden.filter((line) => (line.server_name !== null) === (name === 'with-sni'));
    const hashes = helloHashes(events, servers);
    for (const { deployment, ip, hellos } of servers) {
      for (const [hello, expected] of Object.entries(hellos)) {
        const found = events.filter((event) => event.dest_ip === ip && event.tls.ja3?.hash === hashes.get(hello));
        all += 1;
        const ours = found.length === 1 ? (found[0]?.hellotap.handshake ?? null) : null;
        if (ours === expected) equal += 1;
        else process.stdout.write(`${name} ${deployment} ${hello} (${found.length} flows)\n  ${ours}\n  ${expected}\n`);
      }
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(`${equal} of ${all} handshakes have the same text\n`);

/** JA3 of each hello: the one under which most servers answered as the scanner noted. */
function helloHashes(events: readonly TlsEventLine[], servers: readonly GoldenLine[]): Map<string, string> {
  const votes = new Map<string, Map<string, number>>();
  const byServer = new Map(servers.map((server) => [server.ip, server]));
  for (const { dest_ip: ip, tls, hellotap } of events) {
    const hash = tls.ja3?.hash;
    if (hash === undefined) continue;
    for (const [hello, text] of Object.entries(byServer.get(ip)?.hellos ?? {})) {
      if (text === null || text !== hellotap.handshake) continue;
      const counts = votes.get(hello) ?? new Map<string, number>();
      counts.set(hash, (counts.get(hash) ?? 0) + 1);
      votes.set(hello, counts);
    }
  }
  return new Map([...votes].map(([hello, counts]) => [hello, [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '']));
}
