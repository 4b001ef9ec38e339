// SYNTHETIC observations: made up by a seeded generator, of no real server. For checking the rules of the experiments,
// and for runs of any size (main at the end: node --import tsx test/evaluate/synthetic.ts ROWS SEED > synthetic.csv).

import { pathToFileURL } from 'node:url';

export interface SyntheticRow {
  readonly week: number;
  readonly ip: string;
  readonly port: number;
  readonly server_name: string;
  readonly fingerprint: string;
  readonly http_server: string;
  readonly jarm: string;
  readonly source: 'toplist' | 'blocklist';
  readonly label: string;
}

export const COLUMNS = [
  'week',
  'ip',
  'port',
  'server_name',
  'fingerprint',
  'http_server',
  'jarm',
  'source',
  'label',
] as const;

export interface SyntheticOptions {
  readonly rows: number;
  readonly weeks: number;
  readonly fingerprints: number;
  readonly seed: number;
  /** Weeks in which nothing was seen, though others around them have rows. */
  readonly emptyWeeks?: readonly number[];
}

/** Shares of servers among the sites whose server is known, in percent, rounded: W3Techs, "Usage statistics of web servers", 2024. */
const HEADERS: readonly (readonly [string, number])[] = [
  ['nginx', 34],
  ['Apache', 29],
  ['cloudflare', 22],
  ['LiteSpeed', 13],
  ['Microsoft-IIS/10.0', 5],
  ['', 12],
];
const NETWORKS = ['Akamai', 'Cloudflare', 'Fastly', 'Ångström', 'zeta', '𝔘nicode', 'constructor'];
const FAMILIES = ['Dridex', 'QakBot', 'AsyncRAT'];

/** mulberry32: a small seeded generator, uniform in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Rows in no order of weeks; popular fingerprints are far more frequent than others (Zipf), as in the paper's figure 4. */
export function* synthetic({
  rows,
  weeks,
  fingerprints,
  seed,
  emptyWeeks = [],
}: SyntheticOptions): Generator<SyntheticRow> {
  const next = random(seed);
  const whole = (below: number): number => Math.floor(next() * below);
  const header = (): string => {
    let at = next() * HEADERS.reduce((sum, [, share]) => sum + share, 0);
    return HEADERS.find(([, share]) => (at -= share) < 0)?.[0] ?? '';
  };
  for (let n = 0; n < rows; n++) {
    const rank = Math.floor(fingerprints ** next()) - 1;
    const malicious = next() < (rank % 5 === 0 ? 0.5 : 0.05);
    let week = 1 + whole(weeks);
    while (emptyWeeks.includes(week)) week = 1 + whole(weeks);
    const named = next() < 0.7;
    const own = (list: readonly string[]): string => list[(next() < 0.8 ? rank : whole(100)) % list.length] ?? '';
    yield {
      week,
      ip: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
      port: 443,
      server_name: malicious ? '' : `s${n}.example`,
      fingerprint: next() < 0.02 ? '' : `synthetic-${rank}_1301_|<40`,
      http_server: header(),
      // Several stacks share a JARM.
      jarm: next() < 0.05 ? '0'.repeat(62) : (1 + Math.floor(rank / 3)).toString(16).padStart(62, '0'),
      source: malicious ? 'blocklist' : 'toplist',
      label: named ? own(malicious ? FAMILIES : NETWORKS) : '',
    };
  }
}

/** A row of the table. */
export function csvRow(row: SyntheticRow): string {
  return COLUMNS.map((column) => String(row[column])).join(',');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [rows = 1000, seed = 1] = process.argv.slice(2).map(Number);
  process.stdout.write(`# SYNTHETIC observations of no real server\n${COLUMNS.join(',')}\n`);
  let text = '';
  for (const row of synthetic({ rows, weeks: 30, fingerprints: Math.max(10, rows / 20), seed })) {
    text += `${csvRow(row)}\n`;
    if (text.length > 1 << 20) {
      process.stdout.write(text);
      text = '';
    }
  }
  process.stdout.write(text);
}
