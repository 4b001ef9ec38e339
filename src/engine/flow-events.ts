// From what the engine knows to the events that go out. Pure; the shapes are declared in output/event.ts.
import type { FlowRecord } from '../capture/flow-record.js';
import type { ClientHelloShapes } from '../fingerprint/client-hello-shapes.js';
import { ja3s } from '../fingerprint/ja3s.js';
import { fingerprintId } from '../fingerprint/stack.js';
import type { PassiveKeys } from '../match/matcher.js';
import type { Verdict } from '../match/verdict.js';
import type { EventInput, FingerprintEvent, FlowIdentity, TlsEvent, TlsFields } from '../output/event.js';
import { formatTimestamp } from '../output/timestamp.js';
import type { ProbeResult } from '../probe/probe-result.js';
import type { CertificateSummaries } from '../tls/certificate-summary.js';
import type { ProtocolVersion } from '../tls/constants.js';
import { supportedGroupName } from '../tls/registry/names.js';
import { selectedGroup, selectedProtocols, selectedVersion } from '../tls/server-hello.js';
import { communityId } from './community-id.js';
import type { TlsFlow } from './tls-flow.js';
import { tunnelFields } from './tunnel-fields.js';

/** Suricata's names of versions. */
const VERSION_NAMES: ReadonlyMap<ProtocolVersion, string> = new Map([
  [0x0002, 'SSLv2'],
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1'],
  [0x0302, 'TLS 1.1'],
  [0x0303, 'TLS 1.2'],
  [0x0304, 'TLS 1.3'],
]);

/** Suricata's name of a version; drafts and unknown ones as `0x7f12`. */
export function versionName(version: ProtocolVersion): string {
  return VERSION_NAMES.get(version) ?? `0x${version.toString(16).padStart(4, '0')}`;
}

/** The addresses and ids that every event of a flow carries. */
export function flowIdentity(record: FlowRecord, input: EventInput): FlowIdentity {
  return {
    flow_id: record.flowId,
    ...input,
    src_ip: record.clientAddress,
    src_port: record.clientPort,
    dest_ip: record.serverAddress,
    dest_port: record.serverPort,
    proto: 'TCP',
    ...(record.vlan.length === 0 ? {} : { vlan: record.vlan }),
    ...tunnelFields(record.tunnels),
    community_id: communityId('TCP', record.clientAddress, record.clientPort, record.serverAddress, record.serverPort),
  };
}

/** What of a flow a label may stand on, besides its server. */
export function passiveKeys(fields: TlsFields): PassiveKeys {
  return {
    ...(fields.fingerprint === undefined ? {} : { certSha1: fields.fingerprint.replaceAll(':', '') }),
    ...(fields.ja3s === undefined ? {} : { ja3s: fields.ja3s.hash }),
    ...(fields.ja3 === undefined ? {} : { ja3: fields.ja3.hash }),
  };
}

export function tlsEvent(flow: TlsFlow, fields: TlsFields, identity: FlowIdentity, verdict: Verdict): TlsEvent {
  const { clientHello, serverHello } = flow;
  const group = serverHello === null ? null : selectedGroup(serverHello);
  return {
    timestamp: formatTimestamp(flow.record.timestamp),
    event_type: 'tls',
    ...identity,
    tls: fields,
    hellotap: {
      ...(serverHello === null ? {} : { cipher: serverHello.cipherSuite.toString(16).padStart(4, '0') }),
      ...(group === null ? {} : { group: supportedGroupName(group) }),
      ech: clientHello !== null && clientHello.encryptedClientHello !== null,
      ...(flow.handshake === null ? {} : { handshake: flow.handshake }),
      ...(flow.record.tunnels === null ? {} : { tunnels: flow.record.tunnels.layers }),
      client_hello: clientHello !== null,
      server_hello: serverHello !== null,
      verdict,
    },
  };
}

/** What is remembered from one flow to the next, each under its own bound. */
export interface FlowMemory {
  readonly shapes: ClientHelloShapes;
  readonly certificates: CertificateSummaries;
}

/** Suricata's `tls` object of a flow. */
export function tlsFields(flow: TlsFlow, memory: FlowMemory): TlsFields {
  const { clientHello, serverHello, certificate } = flow;
  const fields: { -readonly [Key in keyof TlsFields]: TlsFields[Key] } = {};
  if (clientHello !== null) {
    const name = clientHello.serverName;
    if (name !== null) fields.sni = name;
    const { ja3, ja4, alpn } = memory.shapes.fingerprints(clientHello);
    if (alpn !== null) fields.client_alpns = alpn;
    if (ja3 !== null) fields.ja3 = ja3;
    if (ja4 !== null) fields.ja4 = ja4;
  }
  if (serverHello !== null) {
    fields.version = versionName(selectedVersion(serverHello));
    const protocols = selectedProtocols(serverHello);
    if (protocols !== null) fields.server_alpns = protocols;
    fields.ja3s = ja3s(serverHello);
  }
  if (certificate !== null) {
    const { subject, issuer, serial, sha1, notBefore, notAfter } = memory.certificates.summarize(certificate);
    if (subject !== null) fields.subject = subject;
    if (issuer !== null) fields.issuerdn = issuer;
    if (serial !== null) fields.serial = serial;
    fields.fingerprint = sha1;
    if (notBefore !== null) fields.notbefore = notBefore;
    if (notAfter !== null) fields.notafter = notAfter;
  }
  if (flow.resumed !== null) fields.session_resumed = flow.resumed;
  return fields;
}

/** @param verdict what the database says of the server now, where it was asked */
export function fingerprintEvent(
  result: ProbeResult,
  timestamp: string,
  verdict: Verdict | undefined,
): FingerprintEvent {
  const { target, fingerprint, jarm, httpServer } = result;
  return {
    timestamp,
    event_type: 'fingerprint',
    hellotap: {
      ip: target.address,
      port: target.port,
      sni: target.serverName,
      ...(target.startTls === undefined ? {} : { starttls: target.startTls }),
      hello_set: result.helloSet,
      hello_set_digest: result.helloSetDigest,
      hellos: result.hellos,
      fingerprint,
      fingerprint_id: fingerprint === null ? null : fingerprintId(fingerprint),
      ...(httpServer === undefined ? {} : { http_server: httpServer }),
      ...(jarm === undefined ? {} : { jarm: jarm?.hash ?? null, jarm_raw: jarm?.raw ?? null }),
      outcome: result.outcome,
      started: formatTimestamp(result.startedAt.getTime() * 1000),
      duration_ms: Math.round(result.durationMs),
      ...(verdict === undefined ? {} : { verdict }),
    },
  };
}
