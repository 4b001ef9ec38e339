// Benchmark: the database at scale, as a Markdown table. SYNTHETIC servers: addresses and names from a seeded generator,
// fingerprints mixed hello by hello from the real answers in test/golden, their popularity heavily skewed.
//   node --import tsx test/bench/database.ts [--fingerprints N] [--keep DIR] [SERVERS…]
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { addressText } from '../../src/database/address.js';
import { ATSF_2022 } from '../../src/database/hello-set.js';
import type { ServerKey } from '../../src/database/server-key.js';
import { findServer } from '../../src/database/servers.js';
import { Store } from '../../src/database/store.js';
import { Matcher } from '../../src/match/matcher.js';
import { measured, type Run } from './measure.js';

const { values: flags, positionals } = parseArgs({
  options: { fingerprints: { type: 'string', default: '50000' }, keep: { type: 'string' } },
  allowPositionals: true,
});
const sizes = positionals.length === 0 ? [100_000, 500_000] : positionals.map(Number);
const folder = flags.keep ?? mkdtempSync(join(tmpdir(), 'hellotap-bench-'));
mkdirSync(folder, { recursive: true });

/** mulberry32: small, seeded, good enough to spread addresses. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `random4520,…,fingerprint` of distinct fingerprints. */
function fingerprintColumns(count: number): string[] {
  const golden = readFileSync(join(import.meta.dirname, '../golden/fingerprints.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { hellos: Record<string, string>; fingerprint: string | null })
    .filter((line) => line.fingerprint !== null);
  const next = random(1);
  const made = new Set<string>();
  while (made.size < count) {
    const parts = ATSF_2022.hellos.map((hello) => golden[Math.floor(next() * golden.length)]!.hellos[hello]!);
    const combined = parts
      .join('|')
      .replaceAll('-5.', '')
      .replaceAll(/_5\.-?/g, '_');
    made.add(`${parts.join(',')},${combined}`);
  }
  return [...made];
}

/** One weekly scan: nine in ten servers are those of week 0 as they were then, one in ten has another fingerprint. */
function writeScan(path: string, servers: number, week: number, columns: readonly string[]): void {
  const next = random(2);
  const change = random(100 + week);
  const file = openSync(path, 'w');
  let text = ['ip', 'port', 'server_name', ...ATSF_2022.hellos, 'fingerprint'].join(',') + '\n';
  for (let i = 0; i < servers; i++) {
    const host = Math.floor(next() * 0xe0_00_00_00);
    const v4 = `${host >>> 24}.${(host >>> 16) & 255}.${(host >>> 8) & 255}.${host & 255}`;
    const ip = next() < 0.1 ? `2001:db8:${(host >>> 16).toString(16)}:${(host & 0xffff).toString(16)}::1` : v4;
    const name = next() < 0.8 ? `www.example-${Math.floor(next() * 1e7)}.com` : '';
    const popular = next();
    const which = week > 0 && change() < 0.1 ? change() : popular;
    text += `${ip},443,${name},${columns[Math.floor(columns.length * which ** 3)]!}\n`;
    if (text.length > 1 << 20) {
      writeSync(file, text);
      text = '';
    }
  }
  writeSync(file, text);
  // So that no import is measured while the disk is still busy with its table.
  fsyncSync(file);
  closeSync(file);
}

/** Imports a table with the program itself. */
function imported(database: string, table: string, seen: string): Run {
  const program = [process.execPath, join(import.meta.dirname, '../../dist/cli/main.js')];
  const run = measured('/dev/null', [...program, 'db', 'import', table, '--database', database, '--seen', seen]);
  if (run.status !== 0) throw new Error(`importing ${table} ended with ${run.status}`);
  return run;
}

/** p50 and p99 in microseconds. */
function percentiles(keys: readonly ServerKey[], look: (key: ServerKey) => unknown): string {
  const times = new Float64Array(keys.length);
  keys.forEach((key, i) => {
    const start = performance.now();
    look(key);
    times[i] = (performance.now() - start) * 1000;
  });
  times.sort();
  return [0.5, 0.99].map((part) => times[Math.floor(times.length * part)]!.toFixed(1)).join(' / ');
}

function cachedPerSecond(matcher: Matcher, keys: readonly ServerKey[]): string {
  for (let warm = 0; warm < 3; warm++) for (const key of keys) matcher.verdict(key);
  const rounds = Math.ceil(10_000_000 / keys.length);
  const cpu = process.cpuUsage();
  for (let round = 0; round < rounds; round++) for (const key of keys) matcher.verdict(key);
  const { user, system } = process.cpuUsage(cpu);
  return ((rounds * keys.length) / (user + system)).toFixed(1);
}

const columns = fingerprintColumns(Number(flags.fingerprints));
const rows: string[][] = [];
for (const servers of sizes) {
  const path = join(folder, `${servers}.db`);
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  const scans = [0, 1].map((week) => {
    const scan = join(folder, `${servers}-week${week}.csv`);
    writeScan(scan, servers, week, columns);
    return scan;
  });
  const [first, second] = scans as [string, string];
  const week0 = '2022-06-27';
  const imports = [imported(path, first, week0), imported(path, first, week0), imported(path, second, '2022-07-04')];
  const store = Store.open(path);
  const [size] = store
    .prepare<[], { server: number; all: number; n: number }>(
      `SELECT (SELECT sum(pgsize) FROM dbstat WHERE name IN ('server', 'server_by_profile')) AS server,
         (SELECT sum(pgsize) FROM dbstat) AS "all", (SELECT count(*) FROM server) AS n`,
    )
    .all();
  const keys = store
    .prepare<[], { address: Uint8Array; port: number; name: string }>(
      'SELECT address, port, name FROM server ORDER BY random() LIMIT 50000',
    )
    .all()
    .map(({ address, port, name }) => ({
      address: addressText(address),
      port,
      serverName: name === '' ? null : name,
    }));
  store.close();
  // A new connection knows no page yet; the operating system may.
  const reader = Store.open(path);
  const cold = percentiles(keys.slice(0, 10_000), (key) => findServer(reader, key));
  for (const key of keys) findServer(reader, key);
  const warm = percentiles(keys, (key) => findServer(reader, key));
  const matcher = new Matcher(reader);
  const miss = percentiles(keys, (key) => matcher.verdict(key));
  const perSecond = ({ wall, user, system }: Run): string =>
    `${Math.round(servers / wall).toLocaleString('en')} (${(((user + system) / servers) * 1e6).toFixed(1)})`;
  rows.push([
    servers.toLocaleString('en'),
    String(Math.round(statSync(first).size / 1e6)),
    ...imports.map(perSecond),
    String(Math.round(Math.max(...imports.map(({ rss }) => rss)))),
    `${(size!.server / size!.n).toFixed(0)} / ${(size!.all / size!.n).toFixed(0)}`,
    cold,
    warm,
    miss,
    `${cachedPerSecond(matcher, keys.slice(0, 10_000))} / ${cachedPerSecond(matcher, keys)}`,
  ]);
  reader.close();
  if (flags.keep === undefined) for (const scan of scans) rmSync(scan);
}
const head = [
  'servers',
  'CSV MB',
  'first import, rows/s (CPU µs/row)',
  'same again',
  'next week',
  'peak MiB',
  'bytes per row: servers / all',
  'cold lookup µs p50 / p99',
  'warm',
  'verdict from the database',
  'from the cache, M per CPU second: 10,000 / 50,000 servers',
];
console.log(
  `SYNTHETIC data, ${columns.length} distinct fingerprints; ${cpus()[0]?.model ?? '?'}, Node ${process.version}`,
);
for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
if (flags.keep === undefined) rmSync(folder, { recursive: true, force: true });
