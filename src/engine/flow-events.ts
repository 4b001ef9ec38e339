// From what the engine knows to the events that go out. Pure; the shapes are declared in output/event.ts.
import type { FlowRecord } from '../capture/flow-record.js';
import { fingerprintId } from '../fingerprint/stack.js';
import type { Verdict } from '../match/verdict.js';
import type { EventInput, FingerprintEvent, FlowIdentity } from '../output/event.js';
import { formatTimestamp } from '../output/timestamp.js';
import type { ProbeResult } from '../probe/probe-result.js';
import { communityId } from './community-id.js';
import { tunnelFields } from './tunnel-fields.js';

/** The addresses and ids that every event of a flow carries. */
export function flowIdentity(record: FlowRecord, input: EventInput): FlowIdentity {
  const { clientAddress, clientPort, serverAddress, serverPort, vlan, tunnels } = record;
  return {
    flow_id: record.flowId,
    ...input,
    src_ip: clientAddress,
    src_port: clientPort,
    dest_ip: serverAddress,
    dest_port: serverPort,
    proto: 'TCP',
    ...(vlan.length === 0 ? {} : { vlan }),
    ...(tunnels === null ? {} : tunnelFields(tunnels)),
    community_id: communityId('TCP', clientAddress, clientPort, serverAddress, serverPort),
  };
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
