// QUIC connections as a passive reader sees them: gathers the Initials of each flow under a bound, and turns each
// complete ClientHello into an event. Whose verdict it carries is the engine's business.
import { LRUCache } from 'lru-cache';
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

/** Flows that are kept in mind; each takes at most four hellos of 16 KiB, mostly one of 2 to 4 KiB, or a few datagrams. */
const MAX_FLOWS = 2048;

/** Counters since the start; each grows only. */
export interface QuicCounters {
  /** Datagrams with Initials that were looked at. */
  datagrams: number;
  /** Hellos that were read. */
  hellos: number;
  /** Hellos that were put together, and are no ClientHello that can be decoded. */
  undecodable: number;
  /** Flows forgotten with a hello that had begun. */
  evicted: number;
}

/** A flow: both directions by `address port` of the sender, until one of them turned out to be the client's. */
interface Flow {
  /** Of the client, once known. */
  client: string | null;
  readonly directions: Map<string, ClientInitials>;
}

/** A ClientHello over QUIC, and what it says of its flow. */
export interface QuicHello {
  readonly server: ServerKey;
  readonly passive: PassiveKeys;
  readonly identity: FlowIdentity;
  event(verdict: Verdict): QuicEvent;
}

export class QuicFlows {
  readonly counters: QuicCounters = { datagrams: 0, hellos: 0, undecodable: 0, evicted: 0 };
  readonly #shapes = new ClientHelloShapes('q');
  readonly #flows = new LRUCache<number, Flow>({
    max: MAX_FLOWS,
    dispose: (flow, _, reason) => {
      const isSettled = [...flow.directions.values()].every((initials) => initials.isSettled);
      if (reason === 'evict' && !isSettled) this.counters.evicted++;
    },
  });

  /** Takes a datagram; gives the hellos that it completes. */
  accept(record: QuicRecord, input: EventInput): QuicHello[] {
    this.counters.datagrams++;
    let flow = this.#flows.get(record.flowId);
    if (flow === undefined) {
      flow = { client: null, directions: new Map() };
      this.#flows.set(record.flowId, flow);
    }
    const source = `${record.sourceAddress} ${record.sourcePort}`;
    if (flow.client !== null && flow.client !== source) return [];
    let initials = flow.directions.get(source);
    if (initials === undefined) {
      initials = new ClientInitials();
      flow.directions.set(source, initials);
    }
    const hellos = initials.add(record.datagram);
    if (!initials.isClient) return [];
    if (flow.client === null) {
      flow.client = source;
      flow.directions.clear();
      flow.directions.set(source, initials);
    }
    return hellos.flatMap((hello) => this.#read(hello, record, input) ?? []);
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
