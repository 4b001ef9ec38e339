// Compares `hellotap triage` with a truth.json (what tshark saw in a folder of captures, see its SOURCES.md):
//   node --import tsx test/compare-truth.ts FOLDER/truth.json… [--only NAME] [--tls-only] [--quic]
// With --quic it is about QUIC connections, and captures that have some. Every capture named there has to end with exit 0 or 3; every connection in it is compared field by field. Prints each
// difference, with its explanation where truth-explanations.ts can prove one, then the tally. Exit 1: a crash, a hang or another
// exit code; differences alone are for the reader to judge.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { addressKey, pair, triageViews } from './triage-view.js';
import type { ConnectionView, Pairing } from './triage-view.js';
import { isCutJa3, withoutSecrets } from './truth-explanations.js';

interface TruthConnection {
  readonly client: string;
  readonly client_port: number;
  readonly server: string;
  readonly server_port: number;
  readonly sni: string | null;
  readonly client_alpns: readonly string[] | null;
  readonly ja3: { readonly hash: string | null; readonly string: string | null };
  readonly ja3s: { readonly hash: string | null };
  readonly cipher: string | null;
  readonly selected_version: string | null;
  readonly cert_sha1: string | null;
  readonly starttls: boolean;
  readonly tunnelled: boolean;
  readonly damaged: boolean;
}

interface TruthQuic {
  readonly client: string;
  readonly client_port: number;
  readonly server: string;
  readonly server_port: number;
  readonly version: string;
  readonly sni: string | null;
  readonly client_alpns: readonly string[] | null;
  readonly ja3: { readonly hash: string | null; readonly string: string | null };
  readonly tunnelled: boolean;
}

type Truth = Readonly<
  Record<string, { readonly tls?: readonly TruthConnection[]; readonly quic?: readonly TruthQuic[] }>
>;

/** Of a QUIC connection only the client's Initials are compared. */
const QUIC_FIELDS = ['sni', 'clientAlpns', 'ja3', 'version'] as const;

/** A connection of the truth. */
interface Expected {
  readonly view: ConnectionView;
  readonly group: Group;
  readonly damaged: boolean;
  readonly ja3Text: string | null;
}

/** Which connections a number is about. */
type Group = 'plain' | 'STARTTLS' | 'tunnelled';

class Tally {
  all = 0;
  equal = 0;
  explained = 0;
  missing = 0;
  damaged = 0;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    'tls-only': { type: 'boolean', default: false },
    quic: { type: 'boolean', default: false },
  },
});
if (positionals.length === 0) {
  process.stderr.write('usage: compare-truth.ts FOLDER/truth.json… [--only NAME] [--tls-only] [--quic]\n');
  process.exit(2);
}

const tallies: Record<Group, Tally> = { plain: new Tally(), STARTTLS: new Tally(), tunnelled: new Tally() };
const exits = new Map<string, number>();
let failures = 0;
const scratch = mkdtempSync(join(tmpdir(), 'hellotap-compare-'));

async function compareCapture(folder: string, file: string, connections: readonly Expected[]): Promise<void> {
  const capture = join(folder, file);
  const { views, quicViews, code, errors } = await triageViews(capture, join(scratch, `${file}.db`));
  const exit = code === null ? 'killed' : String(code);
  exits.set(exit, (exits.get(exit) ?? 0) + 1);
  if (code !== 0 && code !== 3) {
    failures += 1;
    process.stdout.write(`${file}: exit ${exit}: ${errors.trim().split('\n').at(-1) ?? ''}\n`);
  }
  const expected = connections.map((connection) => connection.view);
  const pairings = values.quic ? pair(expected, quicViews, QUIC_FIELDS) : pair(expected, views);
  const keyless = pairings.some(isDifferent) ? await keylessPairings(capture, expected) : null;
  for (const [index, { theirs, ours, disagreements }] of pairings.entries()) {
    const connection = connections[index];
    if (connection === undefined) continue;
    const { group } = connection;
    const tally = tallies[group];
    const label = `${file}: ${addressKey(theirs)} (${group}${connection.damaged ? ', damaged' : ''})`;
    tally.all += 1;
    if (ours !== null && disagreements.length === 0) {
      tally.equal += 1;
      continue;
    }
    if (connection.damaged) tally.damaged += 1;
    if (ours === null) tally.missing += 1;
    const reason = explanation(disagreements, connection, keyless?.[index]);
    if (reason !== null) tally.explained += 1;
    const what = disagreements.map(({ field, ours: a, theirs: b }) => `${field} ${a}, tshark ${b}`).join('; ');
    const why = reason === null ? '' : ` (explained: ${reason})`;
    process.stdout.write(`${label}: ${ours === null ? 'not reported' : what}${why}\n`);
  }
}

function isDifferent({ ours, disagreements }: Pairing): boolean {
  return ours === null || disagreements.length > 0;
}

/** The same of a capture without the keys that it brings along, which the truth was made without; null: it brings none. */
async function keylessPairings(capture: string, expected: readonly ConnectionView[]): Promise<Pairing[] | null> {
  const bytes = withoutSecrets(readFileSync(capture));
  if (bytes === null) return null;
  const copy = join(scratch, `keyless-${basename(capture)}`);
  writeFileSync(copy, bytes);
  return pair(expected, (await triageViews(copy, `${copy}.db`)).views);
}

/** Null: nothing proves that the difference is no fault of ours. */
function explanation(
  disagreements: Pairing['disagreements'],
  { ja3Text }: Expected,
  keyless: Pairing | undefined,
): string | null {
  if (keyless !== undefined && !isDifferent(keyless)) return 'the capture brings keys; without them all is equal';
  const [only] = disagreements;
  if (only !== undefined && disagreements.length === 1 && isCutJa3(only, ja3Text)) {
    return `tshark's JA3 text is "${ja3Text}", without the commas of its empty fields`;
  }
  return null;
}

function expectedTls(connection: TruthConnection): Expected {
  const view = {
    client: connection.client,
    clientPort: connection.client_port,
    server: connection.server,
    serverPort: connection.server_port,
    sni: connection.sni,
    clientAlpns: connection.client_alpns ?? [],
    ja3: connection.ja3.hash,
    ja3s: connection.ja3s.hash,
    cipher: connection.cipher,
    version: connection.selected_version,
    certificate: connection.cert_sha1,
  };
  const group = connection.tunnelled ? 'tunnelled' : connection.starttls ? 'STARTTLS' : 'plain';
  return { view, group, damaged: connection.damaged, ja3Text: connection.ja3.string };
}

function expectedQuic(connection: TruthQuic): Expected {
  const view = {
    client: connection.client,
    clientPort: connection.client_port,
    server: connection.server,
    serverPort: connection.server_port,
    sni: connection.sni,
    clientAlpns: connection.client_alpns ?? [],
    ja3: connection.ja3.hash,
    ja3s: null,
    cipher: null,
    version: connection.version,
    certificate: null,
  };
  return { view, group: connection.tunnelled ? 'tunnelled' : 'plain', damaged: false, ja3Text: connection.ja3.string };
}

const work = positionals.flatMap((path) => {
  const truth = JSON.parse(readFileSync(path, 'utf8')) as Truth;
  const folder = dirname(path);
  return Object.entries(truth)
    .filter(([file]) => (values.only === undefined || file.includes(values.only)) && existsSync(join(folder, file)))
    .filter(([, { tls = [] }]) => !values['tls-only'] || tls.length > 0)
    .filter(([, { quic = [] }]) => !values.quic || quic.length > 0)
    .map(([file, { tls = [], quic = [] }]) => ({
      folder,
      file,
      expected: values.quic ? quic.map(expectedQuic) : tls.map(expectedTls),
    }));
});
const queue = work.values();
async function worker(): Promise<void> {
  for (const { folder, file, expected } of queue) await compareCapture(folder, file, expected);
}
try {
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

const exitCounts = [...exits].map(([code, count]) => `${count} with ${code}`).join(', ');
process.stdout.write(`\n${work.length} captures: exit ${exitCounts}\n`);
for (const [group, { all, equal, explained, missing, damaged }] of Object.entries(tallies)) {
  if (all === 0) continue;
  process.stdout.write(
    `${group}: ${equal} of ${all} connections with all fields equal (${((100 * equal) / all).toFixed(2)} %), ` +
      `${explained} of the others explained; ${missing} not reported, ${damaged} of those that differ marked as damaged\n`,
  );
}
process.exitCode = failures === 0 ? 0 : 1;
