// Results as TUM goscanner writes them, so that pipelines made for it go on working: fingerprints.csv as its
// `generate-fingerprints` makes it, and, with a folder to write to, hosts.csv and tls_verbose.csv of every handshake.
import { stringify } from 'csv-stringify/sync';
import { handshakeFingerprint } from '../fingerprint/stack.js';
import type { ExtensionList } from '../fingerprint/handshake-observation.js';
import type { ProbeOutcome } from '../probe/probe-result.js';
import type { HandshakeReport } from '../probe/prober-options.js';
import { ExtensionType } from '../tls/constants.js';
import type { EventSink, HellotapEvent } from './event.js';
import type { LineWriter } from './line-writer.js';

/** Columns of goscanner's scanner/results/TLSResult.go. Those of certificates stay empty: certificates are not kept. */
const HOSTS = [
  ...['id', 'ip', 'port', 'server_name', 'synStart', 'synEnd', 'scanEnd', 'protocol', 'cipher', 'resultString'],
  ...['error_data', 'cert_id', 'cert_hash', 'pub_key_hash', 'cert_valid', 'tls_alerts_send', 'peer_certificates'],
  ...['tls_alerts_received', 'client_hello'],
] as const;

/** Columns of goscanner's scanner/results/TLSExtendedResult.go. */
const TLS_VERBOSE = [
  ...['id', 'server_hello_protocol', 'server_hello_cipher', 'handshake_key_share_group_13', 'server_hello_extensions'],
  ...['encrypted_extensions', 'cert_request_extensions', 'hello_retry_extensions', 'certificate_extensions'],
  'fingerprint',
] as const;

/** goscanner's words (HandshakeErrorLookup) for how a handshake ended. */
const RESULTS: Readonly<Record<ProbeOutcome, string>> = {
  ok: 'SUCCESS',
  alert: 'SSL HANDSHAKE FAILURE',
  malformed: 'SSL HANDSHAKE FAILURE',
  unsupported: 'SSL HANDSHAKE FAILURE',
  not_tls: 'SSL HANDSHAKE FAILURE',
  refused: 'CONNECTION REFUSED',
  reset: 'CONNECTION RESET BY PEER',
  timeout: 'TIMEOUT',
  unreachable: 'NO ROUTE',
  closed: 'OTHER FAILURE',
  excluded: 'OTHER FAILURE',
};

/** Where the tables go; the last two are null where results go to standard output. */
export interface GoscannerFiles {
  readonly fingerprints: LineWriter;
  readonly hosts: LineWriter | null;
  readonly tlsVerbose: LineWriter | null;
}

export class GoscannerSink implements EventSink {
  private nextId = 1;
  private readonly hellos: readonly string[];

  /** @param helloNames the hello set's; the columns of fingerprints.csv */
  constructor(
    private readonly files: GoscannerFiles,
    helloNames: readonly string[],
  ) {
    this.hellos = [...helloNames].sort();
    files.fingerprints.line(row(['ip', 'port', 'server_name', ...this.hellos, 'fingerprint']));
    files.hosts?.line(row(HOSTS));
    files.tlsVerbose?.line(row(TLS_VERBOSE));
  }

  /** As generate-fingerprints: a server that lacks one of the texts has no line. */
  write(event: HellotapEvent): void {
    if (event.event_type !== 'fingerprint' || event.hellotap.fingerprint === null) return;
    const { ip, port, sni, hellos, fingerprint } = event.hellotap;
    const texts = this.hellos.map((name) => hellos[name] ?? '');
    this.files.fingerprints.line(row([ip, String(port), sni ?? '', ...texts, fingerprint]));
  }

  /** One line in hosts.csv, and in tls_verbose.csv where the connection stood. */
  handshake({ target, hello, observation, outcome, connected, startedAt, endedAt, retried }: HandshakeReport): void {
    if (retried) return;
    const id = String(this.nextId++);
    const { serverHello, alerts } = observation;
    const version = serverHello === null ? '' : String(serverHello.version);
    const cipher = serverHello === null ? '' : serverHello.cipher.toString(16);
    const started = unixSeconds(startedAt);
    this.files.hosts?.line(
      row([
        ...[id, target.address, String(target.port), target.serverName ?? '', started, started],
        ...(connected ? [unixSeconds(endedAt), version || '0', cipher || '0'] : ['', '', '']),
        ...[RESULTS[outcome], outcome === 'ok' ? '' : JSON.stringify([outcome]), '', '', '', '', '', ''],
        ...[alerts.length === 0 ? '' : JSON.stringify(alerts), `${hello}.json`],
      ]),
    );
    if (!connected) return;
    this.files.tlsVerbose?.line(
      row([
        ...[id, version, cipher, keyShareGroup(observation.serverHelloExtensions)],
        extensionsJson(observation.serverHelloExtensions),
        extensionsJson(observation.encryptedExtensions),
        extensionsJson(observation.certificateRequestExtensions),
        extensionsJson(observation.helloRetryRequestExtensions),
        extensionsJson(observation.certificateExtensions),
        handshakeFingerprint(observation) ?? '',
      ]),
    );
  }

  ready(): Promise<void> | null {
    const { fingerprints, hosts, tlsVerbose } = this.files;
    return fingerprints.ready() ?? hosts?.ready() ?? tlsVerbose?.ready() ?? null;
  }

  async close(): Promise<void> {
    for (const writer of Object.values(this.files) as (LineWriter | null)[]) await writer?.close();
  }
}

function row(cells: readonly string[]): string {
  return stringify([cells], { eof: false });
}

function unixSeconds(date: Date): string {
  return String(Math.floor(date.getTime() / 1000));
}

/** `[[type,"base64"],…]`; empty where the message never came. */
function extensionsJson(list: ExtensionList): string {
  if (list === null) return '';
  return JSON.stringify(list.map(({ type, data }) => [type, Buffer.from(data).toString('base64').replace(/=+$/, '')]));
}

/** RFC 8446 section 4.2.8: the group stands first in the ServerHello's key_share. */
function keyShareGroup(list: ExtensionList): string {
  const data = list?.find(({ type }) => type === ExtensionType.KeyShare)?.data;
  return data === undefined || data.length < 2 ? '' : String(((data[0] ?? 0) << 8) | (data[1] ?? 0));
}
