// Compares `hellotap triage` with tshark on any captures, connection by connection: SNI, JA3, JA3S, cipher suite, version.
//   node --import tsx test/compare-tshark.ts CAPTURE…
// Prints each difference and the tally. Exit 0: all equal; 1: something differs; 2: wrong usage, or there is no tshark.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressKey, pair, triageViews } from './triage-view.js';
import type { ConnectionView } from './triage-view.js';

const FIELDS = [
  'tcp.stream',
  'ip.src',
  'ip.dst',
  'ipv6.src',
  'ipv6.dst',
  'tcp.srcport',
  'tcp.dstport',
  'tls.handshake.type',
  'tls.handshake.extensions_server_name',
  'tls.handshake.ja3',
  'tls.handshake.ja3s',
  'tls.handshake.ciphersuite',
  'tls.handshake.version',
  'tls.handshake.extensions.supported_version',
  'tls.handshake.random',
] as const;

const CLIENT_HELLO = '1';
const SERVER_HELLO = '2';
/** RFC 8446 section 4.1.3. */
const HELLO_RETRY_REQUEST = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';

type Frame = Readonly<Record<(typeof FIELDS)[number], readonly string[]>>;

/** tshark's view: SNI and JA3 of the first ClientHello, the rest of the last ServerHello that is no HelloRetryRequest. */
function tsharkViews(capture: string): ConnectionView[] {
  const options = ['tcp.try_heuristic_first:TRUE', 'tcp.reassemble_out_of_order:TRUE'].flatMap((option) => [
    '-o',
    option,
  ]);
  const columns = FIELDS.flatMap((field) => ['-e', field]);
  const shape = ['-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=;'];
  const text = execFileSync(
    'tshark',
    ['-n', '-r', capture, ...options, '-Y', 'tcp && tls.handshake.type in {1,2}', ...shape, ...columns],
    { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const connections = new Map<string, ConnectionView>();
  for (const line of text.split('\n')) {
    const cells = line.split('\t');
    if (cells.length !== FIELDS.length) continue;
    const frame = Object.fromEntries(
      FIELDS.map((field, index) => [field, cells[index] === '' ? [] : (cells[index] ?? '').split(';')]),
    ) as unknown as Frame;
    const stream = frame['tcp.stream'].at(-1) ?? '';
    const isClient = frame['tls.handshake.type'].includes(CLIENT_HELLO);
    const known = connections.get(stream) ?? newConnection(frame, isClient);
    connections.set(stream, isClient ? withClientHello(known, frame) : withServerHello(known, frame));
  }
  return [...connections.values()];
}

/** Of frames in tunnels the innermost addresses count. */
function newConnection(frame: Frame, isClient: boolean): ConnectionView {
  const source = [...frame['ip.src'], ...frame['ipv6.src']].at(-1) ?? '';
  const destination = [...frame['ip.dst'], ...frame['ipv6.dst']].at(-1) ?? '';
  const sourcePort = Number(frame['tcp.srcport'].at(-1));
  const destinationPort = Number(frame['tcp.dstport'].at(-1));
  return {
    client: isClient ? source : destination,
    clientPort: isClient ? sourcePort : destinationPort,
    server: isClient ? destination : source,
    serverPort: isClient ? destinationPort : sourcePort,
    sni: null,
    clientAlpns: [],
    ja3: null,
    ja3s: null,
    cipher: null,
    version: null,
    certificate: null,
  };
}

function withClientHello(view: ConnectionView, frame: Frame): ConnectionView {
  if (view.ja3 !== null) return view;
  return {
    ...view,
    sni: frame['tls.handshake.extensions_server_name'][0] ?? null,
    ja3: frame['tls.handshake.ja3'][0] ?? null,
  };
}

function withServerHello(view: ConnectionView, frame: Frame): ConnectionView {
  const last = frame['tls.handshake.type'].filter((type) => type === SERVER_HELLO).length - 1;
  if (frame['tls.handshake.random'][last] === HELLO_RETRY_REQUEST) return view;
  const version = frame['tls.handshake.extensions.supported_version'][0] ?? frame['tls.handshake.version'][last];
  return {
    ...view,
    ja3s: frame['tls.handshake.ja3s'][last] ?? null,
    cipher: withoutPrefix(frame['tls.handshake.ciphersuite'][last]),
    version: withoutPrefix(version),
  };
}

function withoutPrefix(text: string | undefined): string | null {
  return text?.replace(/^0x/, '') ?? null;
}

const captures = process.argv.slice(2);
if (captures.length === 0) {
  process.stderr.write('usage: compare-tshark.ts CAPTURE…\n');
  process.exit(2);
}
try {
  execFileSync('tshark', ['--version'], { stdio: 'ignore' });
} catch {
  process.stderr.write('tshark is not installed (Debian: apt-get install tshark)\n');
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), 'hellotap-compare-'));
let all = 0;
let equal = 0;
let ownEvents = 0;
try {
  for (const capture of captures) {
    const { views, code, errors } = await triageViews(capture, join(scratch, 'empty.db'));
    if (code !== 0 && code !== 3) process.stdout.write(`${capture}: exit ${code ?? 'killed'}: ${errors}`);
    ownEvents += views.length;
    for (const { theirs, ours, disagreements } of pair(tsharkViews(capture), views, [
      'sni',
      'ja3',
      'ja3s',
      'cipher',
      'version',
    ])) {
      all += 1;
      if (ours !== null && disagreements.length === 0) {
        equal += 1;
        continue;
      }
      const what = disagreements.map(({ field, ours: a, theirs: b }) => `${field} ${a}, tshark ${b}`).join('; ');
      process.stdout.write(`${capture}: ${addressKey(theirs)}: ${ours === null ? 'not reported' : what}\n`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(
  `tshark sees ${all} TLS connections; ${equal} of them are reported with the same SNI, JA3, JA3S, cipher suite and version. ` +
    `${ownEvents} tls events in all.\n`,
);
process.exitCode = equal === all ? 0 : 1;
