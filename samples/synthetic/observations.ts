// SYNTHETIC observations: made up by a seeded generator, of no real server. For checking the rules of the experiments and
// for runs of any size (make.ts). Their weights are of published tables (README.md), their forms those of real answers.

import { TEN_HELLOS } from '../../src/fingerprint/stack.js';

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

type Weighted = readonly (readonly [value: string, weight: number])[];

/**
 * Share of targets that support a cipher suite, group or ALPN name, in percent: popularity tables of "DissecTLS" (PAM 2023),
 * github.com/tumi8/dissectls, branch gh_pages, _data/*_popularity_ranking.csv. Cipher suites as a fingerprint writes them.
 */
const TLS13: Weighted = [
  ['1302', 72.11],
  ['1303', 71.87],
  ['1301', 72.12],
];
const TLS12: Weighted = [
  ['c02f', 58.99],
  ['c030', 58.96],
  ['c02b', 50.73],
  ['c02c', 50.75],
  ['cca9', 50.52],
  ['c013', 50.06],
  ['c014', 50.44],
  ['9c', 47.61],
  ['2f', 46.18],
  ['35', 45.67],
  ['9f', 14.83],
  ['33', 10.03],
  ['a', 8.57],
];
const GROUPS: Weighted = [
  ['29', 76.17],
  ['23', 86.54],
  ['24', 81.93],
  ['25', 77.72],
];
const SHARE_OF_TLS13 = 0.7212;
const SHARE_OF_H2 = 0.8058;
/** Those of the ten Client Hellos that offer TLS 1.3. */
const OFFER_TLS13: ReadonlySet<string> = new Set(['random4520', 'random6306', 'random7225']);

/** Shares of servers among the sites whose server is known, in percent, rounded: W3Techs, "Usage statistics of web servers", 2024. */
const HEADERS: Weighted = [
  ['nginx', 34],
  ['Apache', 29],
  ['cloudflare', 22],
  ['LiteSpeed', 13],
  ['Microsoft-IIS/10.0', 5],
  ['', 12],
];
/** Names of nobody; some sort differently by code points, by UTF-16 and by alphabet. */
const NETWORKS = [
  'synthetic CDN',
  'Synthetic CDN',
  'Ångström (synthetic)',
  'zeta (synthetic)',
  '𝔘 (synthetic)',
  'constructor',
];
const FAMILIES = ['synthetic RAT', 'synthetic stealer', 'synthetic loader'];

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

function drawn(table: Weighted, next: () => number): string {
  let at = next() * table.reduce((sum, [, weight]) => sum + weight, 0);
  return table.find(([, weight]) => (at -= weight) < 0)?.[0] ?? '';
}

/**
 * The combined fingerprint of the stack of a rank, always the same: what a stack does or does not support is drawn once,
 * and what it answers to each Client Hello follows. Its last part names the rank, so that no two are equal.
 */
export function syntheticFingerprint(rank: number): string {
  const next = random(rank + 1);
  const tls13 = next() < SHARE_OF_TLS13;
  const h2 = next() < SHARE_OF_H2;
  const parts = TEN_HELLOS.map((hello) => {
    const refused = next();
    if (refused < 0.1) return `______<${refused < 0.05 ? 40 : 70}`;
    const alpn = next() < 0.5 ? `-16.${h2 ? 'AAMCaDI' : 'AAkIaHR0cC8xLjE'}` : '';
    if (tls13 && OFFER_TLS13.has(hello)) {
      return `771_${drawn(TLS13, next)}_43.AwQ-51.${drawn(GROUPS, next)}_${alpn.slice(1)}___`;
    }
    return `771_${drawn(TLS12, next)}_65281.${next() < 0.5 ? '-11.AwABAg' : ''}${alpn}____`;
  });
  // token_binding (24): an extension whose value is kept, and which servers hardly send any more.
  const mark = Buffer.from(`synthetic${rank}`).toString('base64').replace(/=+$/, '');
  return [...parts.slice(0, -1), `771_c02f_65281.-24.${mark}____`].join('|');
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
  const made = new Map<number, string>();
  const fingerprintOf = (rank: number): string => {
    const known = made.get(rank) ?? syntheticFingerprint(rank);
    made.set(rank, known);
    return known;
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
      // The range for documentation (RFC 3849): nobody's.
      ip: `2001:db8:${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`,
      port: 443,
      server_name: malicious ? '' : `s${n}.synthetic.example`,
      fingerprint: next() < 0.02 ? '' : fingerprintOf(rank),
      http_server: drawn(HEADERS, next),
      // Several stacks share a JARM.
      jarm: next() < 0.05 ? '0'.repeat(62) : (1 + Math.floor(rank / 3)).toString(16).padStart(62, '0'),
      source: malicious ? 'blocklist' : 'toplist',
      label: named ? own(malicious ? FAMILIES : NETWORKS) : '',
    };
  }
}

/** A row of the table. */
export function csvRow(row: Readonly<Record<(typeof COLUMNS)[number], string | number>>): string {
  return COLUMNS.map((column) => String(row[column])).join(',');
}
