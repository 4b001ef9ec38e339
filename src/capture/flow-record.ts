// One TLS flow as the packet core hands it over: who talked to whom, and the opening bytes of each direction.

/** Why the opening bytes of a direction end where they do. */
export type DirectionEnd =
  /** Nothing was seen in this direction. */
  | 'none'
  /** The flow went on, but the capture or the idle time-out came first. */
  | 'open'
  /** The handshake in clear text is over: ChangeCipherSpec was followed by protected bytes. */
  | 'change_cipher_spec'
  /** The handshake in clear text is over: an application_data record came. */
  | 'application_data'
  | 'fin'
  | 'rst'
  /** Segments are missing from the capture and never came. */
  | 'gap'
  /** The per-direction limit (64 KiB) was reached. */
  | 'limit'
  /** The bytes stopped being TLS records. */
  | 'not_tls';

/** The opening bytes of one direction, in order, from the first TLS record on. */
export interface FlowDirection {
  /** Valid until the next batch is asked for: copy what has to live longer. */
  readonly bytes: Uint8Array;
  readonly end: DirectionEnd;
  /** Payload length of the first application_data record, 0 where none came; a bare encrypted alert has 19 or less. */
  readonly firstApplicationDataLength: number;
  /** Whether a ChangeCipherSpec record was seen in this direction. */
  readonly changeCipherSpec: boolean;
}

/** A tunnel's name, and its id where it has one: the key, label, session, call or network identifier. */
export interface TunnelLayer {
  readonly type: TunnelType;
  readonly id?: number;
}

export type TunnelType =
  'mpls' | 'pppoe' | 'gre' | 'erspan' | 'pptp' | 'vxlan' | 'geneve' | 'gtp' | 'ipip' | 'teredo' | 'capwap';

/** The outermost IP packet around another, from the client's side to the server's. */
export interface OuterPacket {
  readonly sourceAddress: string;
  readonly destinationAddress: string;
  /** Null where it is no UDP. */
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  /** Number of the IP protocol. */
  readonly protocol: number;
  /** IP packets around the innermost. */
  readonly depth: number;
}

/** What a packet was wrapped in besides VLAN tags. */
export interface TunnelPath {
  /** Outermost first. */
  readonly layers: readonly TunnelLayer[];
  /** Null for MPLS and PPPoE that no IP is around. */
  readonly outer: OuterPacket | null;
}

/** A flow that begins like TLS. Numbers that come from the wire are as they stood there. */
export interface FlowRecord {
  readonly kind: 'flow';
  /** Positive integer, unique within a run, at most 2^53 - 1. */
  readonly flowId: number;
  /** Microseconds since 1970 of the packet with the first TLS byte of the client (of the server, where it alone was seen). */
  readonly timestamp: number;
  /** Which input of its source that packet was in; see `CaptureSource.inputName`. */
  readonly input: number;
  /** Canonical text; IPv6 as RFC 5952 has it. Client and server are told apart by their hellos. */
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** VLAN ids, outermost first. */
  readonly vlan: readonly number[];
  /** Null: it was in none. Like `vlan` it is of the packet with the first TLS byte. */
  readonly tunnels: TunnelPath | null;
  readonly client: FlowDirection;
  readonly server: FlowDirection;
  /** Numbers of the stencils that the openings fit (FlowBatch.recognise); 0: none. */
  readonly clientStencil: number;
  readonly serverStencil: number;
}

/** Damaged or hostile input that was survived: counted, and reported once per kind and file. */
export interface CaptureAnomaly {
  readonly kind: 'anomaly';
  /** Stable, machine-readable: `truncated_record`, `bad_record_length`, `snaplen_cut`, … */
  readonly code: string;
  readonly layer: 'capture' | 'link' | 'network' | 'transport' | 'tls';
  /** Which input of its source it was met in. */
  readonly input: number;
  /** Byte offset in the capture file, where it is one; in a compressed one after unpacking, unless it is about that. */
  readonly offset: number | null;
  /** Microseconds since 1970 of the packet, null where it has none. */
  readonly timestamp: number | null;
  /** Whether part of the input could not be read because of it (exit code 3). */
  readonly damage: boolean;
  readonly detail: string;
}

/** A UDP datagram that begins with a QUIC Initial, of either direction: only its keys tell who the client is. */
export interface QuicRecord {
  readonly kind: 'quic';
  /** The same for all datagrams between two endpoints, unique within a run. */
  readonly flowId: number;
  /** Microseconds since 1970. */
  readonly timestamp: number;
  /** Which input of its source it was in. */
  readonly input: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** VLAN ids, outermost first. */
  readonly vlan: readonly number[];
  /** Null: it was in none. */
  readonly tunnels: TunnelPath | null;
  /** The payload. Valid until the next batch is asked for. */
  readonly datagram: Uint8Array;
}

/** A part of a key log (NSS format) that stands in a capture. Parts of one input belong together, wherever a line is cut. */
export interface SecretsRecord {
  readonly kind: 'secrets';
  readonly input: number;
  /** Valid until the next batch is asked for. */
  readonly text: Uint8Array;
}

export type CaptureRecord = FlowRecord | QuicRecord | CaptureAnomaly | SecretsRecord;
