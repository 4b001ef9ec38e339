// QUIC connections as a passive reader sees them: gathers the Initials of each flow under bounds of bytes and of time, and
// turns each complete ClientHello into an event. Whose verdict it carries is the engine's business.
import type { QuicRecord } from '../capture/flow-record.js';
import type { ServerKey } from '../database/server-key.js';
import { ClientHelloShapes } from '../fingerprint/client-hello-shapes.js';
import type { PassiveKeys } from '../match/matcher.js';
import type { Verdict } from '../match/verdict.js';
import type { EventInput, FlowIdentity, QuicEvent } from '../output/event.js';
import { formatTimestamp } from '../output/timestamp.js';
import { decodeClientHello } from '../tls/client-hello.js';
import { ClientInitials, type QuicClientHello } from '../tls/quic/client-initials.js';
import { quicVersionName } from '../tls/quic/versions.js';
import { communityId } from './community-id.js';
import { tunnelFields } from './tunnel-fields.js';

/** What all flows that are kept in mind may take: hellos that are not complete, mostly of 2 to 4 KiB, and early datagrams. */
const MAX_BYTES = 8 * 1024 * 1024;
/** What a flow takes besides: addresses, maps and objects. */
const FLOW_BYTES = 1024;
/** Of the packets' time; the packet core forgets a flow as soon, and begins another with what comes then. */
const IDLE_MICROSECONDS = 60_000_000;

/** Counters since the start; each grows only. */
export interface QuicCounters {
  /** Datagrams with Initials that were looked at. */
  datagrams: number;
  /** Hellos that were read. */
  hellos: number;
  /** Hellos that were put together, and are no ClientHello that can be decoded. */
  undecodable: number;
  /**
   * Flows forgotten while a hello was incomplete or its keys had not come: because all flows took too many bytes, and because
   * nothing came for a minute.
   */
  evicted: number;
  expired: number;
}

/** A flow: both directions by `address port` of the sender, until one of them turned out to be the client's. */
interface Flow {
  /** Of the client, once known. */
  client: string | null;
  readonly directions: Map<string, ClientInitials>;
  /** Time of its newest packet, microseconds since 1970. */
  latest: number;
  /** What it was last reckoned with. */
  bytes: number;
}

/** A ClientHello over QUIC, and what it says of its flow. */
export interface QuicHello {
  readonly server: ServerKey;
  readonly passive: PassiveKeys;
  readonly identity: FlowIdentity;
  event(verdict: Verdict): QuicEvent;
}

export class QuicFlows {
  readonly counters: QuicCounters = { datagrams: 0, hellos: 0, undecodable: 0, evicted: 0, expired: 0 };
  readonly #shapes = new ClientHelloShapes('q');
  /** What was idle for longest comes first. */
  readonly #flows = new Map<number, Flow>();
  #bytes = 0;

  /** Bytes that the flows take that are kept in mind, about. */
  get size(): number {
    return this.#bytes;
  }

  /** Takes a datagram; gives the hellos that it completes. */
  accept(record: QuicRecord, input: EventInput): QuicHello[] {
    this.counters.datagrams++;
    this.#expire(record.timestamp);
    const flow = this.#flowOf(record);
    const source = `${record.sourceAddress} ${record.sourcePort}`;
    if (flow.client !== null && flow.client !== source) return [];
    let initials = flow.directions.get(source);
    if (initials === undefined) {
      initials = new ClientInitials();
      flow.directions.set(source, initials);
    }
    const hellos = initials.add(record.datagram);
    if (initials.isClient && flow.client === null) {
      flow.client = source;
      flow.directions.clear();
      flow.directions.set(source, initials);
    }
    this.#reckon(flow);
    return hellos.flatMap((hello) => this.#read(hello, record, input) ?? []);
  }

  /** The flow of a datagram, which is now the newest. */
  #flowOf({ flowId, timestamp }: QuicRecord): Flow {
    const flow = this.#flows.get(flowId) ?? { client: null, directions: new Map(), latest: 0, bytes: 0 };
    flow.latest = timestamp;
    this.#flows.delete(flowId);
    this.#flows.set(flowId, flow);
    return flow;
  }

  #reckon(flow: Flow): void {
    let bytes = FLOW_BYTES;
    for (const initials of flow.directions.values()) bytes += initials.size;
    this.#bytes += bytes - flow.bytes;
    flow.bytes = bytes;
    for (const [id, oldest] of this.#flows) {
      if (this.#bytes <= MAX_BYTES) return;
      this.#forget(id, oldest, 'evicted');
    }
  }

  #expire(now: number): void {
    for (const [id, oldest] of this.#flows) {
      if (now - oldest.latest <= IDLE_MICROSECONDS) return;
      this.#forget(id, oldest, 'expired');
    }
  }

  #forget(id: number, flow: Flow, reason: 'evicted' | 'expired'): void {
    this.#flows.delete(id);
    this.#bytes -= flow.bytes;
    for (const initials of flow.directions.values()) {
      if (initials.isSettled) continue;
      this.counters[reason]++;
      return;
    }
  }

  #read({ version, body }: QuicClientHello, record: QuicRecord, input: EventInput): QuicHello | null {
    const decoded = decodeClientHello(body);
    if (decoded.kind !== 'message') {
      this.counters.undecodable++;
      return null;
    }
    this.counters.hellos++;
    const hello = decoded.value;
    const { sourceAddress, sourcePort, destinationAddress, destinationPort } = record;
    const { serverName } = hello;
    const { ja3, ja4, alpn } = this.#shapes.fingerprints(hello);
    const identity: FlowIdentity = {
      flow_id: record.flowId,
      ...input,
      src_ip: sourceAddress,
      src_port: sourcePort,
      dest_ip: destinationAddress,
      dest_port: destinationPort,
      proto: 'UDP',
      ...(record.vlan.length === 0 ? {} : { vlan: record.vlan }),
      ...tunnelFields(record.tunnels),
      community_id: communityId('UDP', sourceAddress, sourcePort, destinationAddress, destinationPort),
    };
    const quic: QuicEvent['quic'] = {
      ...(serverName === null ? {} : { sni: serverName }),
      version: quicVersionName(version),
      ...(alpn === null ? {} : { alpns: alpn }),
      ...(ja3 === null ? {} : { ja3 }),
      ...(ja4 === null ? {} : { ja4 }),
    };
    return {
      server: {
        address: destinationAddress,
        port: destinationPort,
        serverName: serverName?.toLowerCase() ?? null,
      },
      passive: ja3 === null ? {} : { ja3: ja3.hash },
      identity,
      event: (verdict) => ({
        timestamp: formatTimestamp(record.timestamp),
        event_type: 'quic',
        ...identity,
        quic,
        hellotap: {
          ech: hello.encryptedClientHello !== null,
          ...(record.tunnels === null ? {} : { tunnels: record.tunnels.layers }),
          verdict,
        },
      }),
    };
  }
}
