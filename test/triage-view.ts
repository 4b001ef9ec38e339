// What `hellotap triage` reports of a capture, in the fields in which the comparisons with other tools are made.
// Shared by compare-tshark.ts, compare-truth.ts and the tests that use them.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const TIME_LIMIT_MS = 120_000;

/** One TLS connection as one tool sees it. Null: the tool saw no such thing. */
export interface ConnectionView {
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  readonly sni: string | null;
  readonly clientAlpns: readonly string[];
  readonly ja3: string | null;
  readonly ja3s: string | null;
  /** Four hexadecimal digits. */
  readonly cipher: string | null;
  /** Four hexadecimal digits: what was negotiated. */
  readonly version: string | null;
  /** SHA-1 of the server's certificate, 40 hexadecimal digits. */
  readonly certificate: string | null;
}

/** The fields of a view that are compared. */
export const COMPARED_FIELDS = ['sni', 'clientAlpns', 'ja3', 'ja3s', 'cipher', 'version', 'certificate'] as const;
export type ComparedField = (typeof COMPARED_FIELDS)[number];

/** What a run of `triage` ended with. `code` null: it was killed by a signal, or took too long. */
export interface TriageRun {
  readonly views: readonly ConnectionView[];
  /** QUIC connections; `version` is that of the Initials, `0x` and eight hexadecimal digits. */
  readonly quicViews: readonly ConnectionView[];
  readonly code: number | null;
  readonly errors: string;
}

const VERSION_NUMBERS: Readonly<Record<string, string>> = {
  SSLv2: '0002',
  SSLv3: '0300',
  TLSv1: '0301',
  'TLS 1.1': '0302',
  'TLS 1.2': '0303',
  'TLS 1.3': '0304',
};

interface TlsEventLine {
  readonly event_type: string;
  readonly src_ip: string;
  readonly src_port: number;
  readonly dest_ip: string;
  readonly dest_port: number;
  readonly tls?: {
    readonly sni?: string;
    readonly version?: string;
    readonly fingerprint?: string;
    readonly client_alpns?: readonly string[];
    readonly ja3?: { readonly hash: string };
    readonly ja3s?: { readonly hash: string };
  };
  readonly quic?: {
    readonly sni?: string;
    readonly version: string;
    readonly alpns?: readonly string[];
    readonly ja3?: { readonly hash: string };
  };
  readonly hellotap?: { readonly cipher?: string };
}

/** Runs `triage --format jsonl` on a capture, against an empty database. */
export async function triageViews(capture: string, database: string): Promise<TriageRun> {
  const child = spawn(process.execPath, [MAIN, 'triage', '--format', 'jsonl', '--database', database, capture], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIME_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const lines = Buffer.concat(output).toString('utf8').split('\n');
  const events = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TlsEventLine);
  const views = events.filter((event) => event.event_type === 'tls').map(viewOf);
  const quicViews = events.filter((event) => event.event_type === 'quic').map(quicViewOf);
  return { views, quicViews, code, errors: Buffer.concat(errors).toString('utf8') };
}

function viewOf(event: TlsEventLine): ConnectionView {
  const { tls = {} } = event;
  const version = tls.version ?? null;
  return {
    client: event.src_ip,
    clientPort: event.src_port,
    server: event.dest_ip,
    serverPort: event.dest_port,
    sni: tls.sni ?? null,
    clientAlpns: tls.client_alpns ?? [],
    ja3: tls.ja3?.hash ?? null,
    ja3s: tls.ja3s?.hash ?? null,
    cipher: event.hellotap?.cipher ?? null,
    version: version === null ? null : (VERSION_NUMBERS[version] ?? version.replace(/^0x/, '')),
    certificate: tls.fingerprint?.replaceAll(':', '') ?? null,
  };
}

const QUIC_VERSION_NUMBERS: Readonly<Record<string, string>> = {
  'QUIC v1': '0x00000001',
  'QUIC v2': '0x6b3343cf',
  'mvfst-22': '0xfaceb001',
  'mvfst-27': '0xfaceb002',
  T050: '0x54303530',
  T051: '0x54303531',
};

function quicViewOf(event: TlsEventLine): ConnectionView {
  const { sni, version = '', alpns, ja3 } = event.quic ?? {};
  const draft = /^draft-(\d+)$/.exec(version)?.[1];
  return {
    ...viewOf(event),
    sni: sni ?? null,
    clientAlpns: alpns ?? [],
    ja3: ja3?.hash ?? null,
    version:
      draft === undefined
        ? (QUIC_VERSION_NUMBERS[version] ?? version)
        : `0xff0000${Number(draft).toString(16).padStart(2, '0')}`,
  };
}

/** One field in which two tools differ. */
export interface FieldDisagreement {
  readonly field: ComparedField;
  readonly ours: string;
  readonly theirs: string;
}

/** A connection that the other tool sees, and what ours says of it. Null: it has no such connection. */
export interface Pairing {
  readonly theirs: ConnectionView;
  readonly ours: ConnectionView | null;
  readonly disagreements: readonly FieldDisagreement[];
}

/**
 * Pairs another tool's connections with ours by addresses and ports. Ports are used again within a capture, so of
 * several with the same addresses the one that agrees most is taken, and each is taken once.
 */
export function pair(
  theirs: readonly ConnectionView[],
  ours: readonly ConnectionView[],
  fields: readonly ComparedField[] = COMPARED_FIELDS,
): Pairing[] {
  const left = new Map<string, ConnectionView[]>();
  for (const view of ours) left.set(addressKey(view), [...(left.get(addressKey(view)) ?? []), view]);
  return theirs.map((view) => {
    const candidates = left.get(addressKey(view)) ?? [];
    const ranked = candidates
      .map((candidate) => ({ candidate, disagreements: disagreements(view, candidate, fields) }))
      .sort((a, b) => a.disagreements.length - b.disagreements.length);
    const best = ranked[0];
    if (best === undefined) return { theirs: view, ours: null, disagreements: [] };
    left.set(
      addressKey(view),
      candidates.filter((candidate) => candidate !== best.candidate),
    );
    return { theirs: view, ours: best.candidate, disagreements: best.disagreements };
  });
}

/** `192.0.2.1:50000 > 198.51.100.2:443`. */
export function addressKey(view: ConnectionView): string {
  return `${view.client}:${view.clientPort} > ${view.server}:${view.serverPort}`;
}

function disagreements(
  theirs: ConnectionView,
  ours: ConnectionView,
  fields: readonly ComparedField[],
): FieldDisagreement[] {
  return fields.flatMap((field) => {
    const [a, b] = [JSON.stringify(ours[field]), JSON.stringify(theirs[field])];
    return a === b ? [] : [{ field, ours: a, theirs: b }];
  });
}
