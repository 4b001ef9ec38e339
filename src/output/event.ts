// The events: the public interface that logs and SIEMs read, in the shape of Suricata's EVE log.
// Each is declared once, here; docs/events.md documents the same names for readers. What is ours sits under `hellotap`.
import type { Change, Subject } from '../baseline/describe.js';
import type { BaselineStatus } from '../baseline/server-state.js';
import type { TunnelLayer } from '../capture/flow-record.js';
import type { ProbeOutcome } from '../probe/probe-result.js';
import type { C2Evidence, Verdict } from '../match/verdict.js';

/** What names the input: the capture (`-` for standard input) or the interface. */
export interface EventInput {
  readonly pcap_filename?: string | undefined;
  readonly in_iface?: string | undefined;
}

/** The addresses of a flow: source is the client, destination the server. */
export interface FlowIdentity extends EventInput {
  readonly flow_id: number;
  readonly src_ip: string;
  readonly src_port: number;
  readonly dest_ip: string;
  readonly dest_port: number;
  readonly proto: 'TCP' | 'UDP';
  /** Community ID, version 1, seed 0. */
  readonly community_id: string;
  /** VLAN ids, outermost first; absent where untagged. */
  readonly vlan?: readonly number[] | undefined;
  /** The outermost IP packet of a tunnel, as in EVE's alerts; absent where there is none. */
  readonly tunnel?: TunnelFields | undefined;
}

/** EVE's `tunnel` object. */
export interface TunnelFields {
  readonly src_ip: string;
  readonly src_port?: number;
  readonly dest_ip: string;
  readonly dest_port?: number;
  /** Suricata's name of the protocol. */
  readonly proto: string;
  /** IP packets around the flow's. */
  readonly depth: number;
}

interface EventHead {
  /** ISO 8601 with microseconds and `+0000`. */
  readonly timestamp: string;
}

/** A digest and the text that it was made of. */
export interface HashedText {
  readonly hash: string;
  readonly string: string;
}

/** Suricata's `tls` object; a key is absent where its value was not seen. */
export interface TlsFields {
  readonly sni?: string;
  /** `TLS 1.3`, `TLS 1.2`, `TLS 1.1`, `TLSv1`, `SSLv3`, … as Suricata writes them. */
  readonly version?: string;
  readonly subject?: string;
  readonly issuerdn?: string;
  readonly serial?: string;
  /** SHA-1 of the server's first certificate: hexadecimal pairs with colons. */
  readonly fingerprint?: string;
  readonly notbefore?: string;
  readonly notafter?: string;
  readonly client_alpns?: readonly string[];
  readonly server_alpns?: readonly string[];
  readonly ja3?: HashedText;
  readonly ja3s?: HashedText;
  readonly ja4?: string;
  readonly session_resumed?: boolean;
}

/** A handshake was seen. */
export interface TlsEvent extends EventHead, FlowIdentity {
  readonly event_type: 'tls';
  readonly tls: TlsFields;
  readonly hellotap: {
    /** Chosen cipher suite, four hexadecimal digits. */
    readonly cipher?: string;
    /** Name of the key exchange group of TLS 1.3. */
    readonly group?: string;
    /** Encrypted Client Hello was offered (or greased). */
    readonly ech: boolean;
    /** Text fingerprint of the handshake, as the prober writes it; with a key log alone. */
    readonly handshake?: string;
    /** What the flow was in, outermost first; absent: nothing. */
    readonly tunnels?: readonly TunnelLayer[];
    readonly client_hello: boolean;
    readonly server_hello: boolean;
    readonly verdict: Verdict;
  };
}

/** A client's QUIC Initials were read. */
export interface QuicEvent extends EventHead, FlowIdentity {
  readonly event_type: 'quic';
  readonly quic: {
    readonly sni?: string;
    /** `QUIC v1`, `QUIC v2`, `draft-29`, `mvfst-27`, `T051`; others in hexadecimal. */
    readonly version: string;
    readonly alpns?: readonly string[];
    readonly ja3?: HashedText;
    readonly ja4?: string;
  };
  readonly hellotap: {
    /** Encrypted Client Hello was offered (or greased). */
    readonly ech: boolean;
    /** As in a `tls` event. */
    readonly tunnels?: readonly TunnelLayer[];
    readonly verdict: Verdict;
  };
}

/** The verdict that came after the flow's own event. */
export interface TagEvent extends EventHead, FlowIdentity {
  readonly event_type: 'tag';
  readonly hellotap: { readonly sni: string | null; readonly verdict: Verdict };
}

/** A server was probed. */
export interface FingerprintEvent extends EventHead {
  readonly event_type: 'fingerprint';
  readonly hellotap: {
    readonly ip: string;
    readonly port: number;
    readonly sni: string | null;
    /** The protocol within which TLS began; absent: none. */
    readonly starttls?: string;
    readonly hello_set: string;
    /** SHA-256 of the hello set: fingerprints of different digests cannot be compared. */
    readonly hello_set_digest: string;
    readonly hellos: Readonly<Record<string, string | null>>;
    readonly fingerprint: string | null;
    readonly fingerprint_id: string | null;
    readonly jarm?: string | null;
    /** The JARM before it is hashed: `cipher|version|ALPN|extensions` per hello. */
    readonly jarm_raw?: string | null;
    readonly http_server?: string | null;
    readonly outcome: Readonly<Record<string, ProbeOutcome>>;
    /** ISO 8601, microseconds. */
    readonly started: string;
    readonly duration_ms: number;
    /** What the database says of the server now. */
    readonly verdict?: Verdict;
  };
}

/** Suricata's `alert` object. */
export interface AlertFields {
  readonly action: 'allowed';
  readonly gid: 1;
  readonly signature_id: number;
  readonly rev: 1;
  readonly signature: string;
  readonly category: string;
  /** 1 is the gravest, as Suricata has it. */
  readonly severity: 1 | 2;
}

/**
 * A server that is most probably a command-and-control server, by its C2 score. Once per server and reason within an
 * hour, not for each flow.
 */
export interface C2AlertEvent extends EventHead, FlowIdentity {
  readonly event_type: 'alert';
  readonly alert: AlertFields;
  /** Absent where a probe found it out, after the flow. */
  readonly tls?: TlsFields;
  readonly hellotap: {
    readonly sni: string | null;
    readonly c2_score: number;
    /** What the score stands on. */
    readonly c2?: C2Evidence;
    /** Where the label of the key comes from. */
    readonly source: string | null;
    readonly verdict: Verdict;
  };
}

/** A server of one's own that deviates from its recorded state. No flow showed it: there is no client. */
export interface BaselineAlertEvent extends EventHead {
  readonly event_type: 'alert';
  readonly dest_ip: string;
  readonly dest_port: number;
  readonly proto: 'TCP';
  readonly alert: AlertFields;
  readonly hellotap: { readonly sni: string | null; readonly baseline: BaselineFindings };
}

/** A ServerHello that the stored fingerprint of its server cannot explain, after some others. Once an hour per server. */
export interface ContradictionAlertEvent extends EventHead, FlowIdentity {
  readonly event_type: 'alert';
  readonly alert: AlertFields;
  readonly tls: TlsFields;
  readonly hellotap: {
    readonly sni: string | null;
    /** Handshakes so far that the fingerprint cannot explain. */
    readonly suspicions: number;
    readonly verdict: Verdict;
  };
}

export type AlertEvent = C2AlertEvent | BaselineAlertEvent | ContradictionAlertEvent;

/** What was found out of a server whose state is recorded, or has just been. */
export interface BaselineFindings {
  readonly status: BaselineStatus;
  /** When the state was recorded that it was held against, ISO 8601; null: there was none. */
  readonly recorded: string | null;
  /** How often it was probed now. */
  readonly probes: number;
  /** What the changes are about, the gravest first. */
  readonly subjects: readonly Subject[];
  readonly changes: readonly Change[];
  /** What one probe showed and others did not. */
  readonly unsteady: readonly Change[];
  /** Client Hellos that had no answer now. */
  readonly unanswered: readonly string[];
  /** Why it could not be reached. */
  readonly reason?: ProbeOutcome;
}

/** The state of a server was recorded, or checked. */
export interface BaselineEvent extends EventHead {
  readonly event_type: 'baseline';
  readonly hellotap: {
    readonly ip: string;
    readonly port: number;
    readonly sni: string | null;
    /** The protocol within which TLS began; absent: none. */
    readonly starttls?: string;
  } & BaselineFindings;
}

/** Damaged or hostile input that was survived. Rate-limited per kind: `count` says how often it happened so far. */
export interface AnomalyEvent extends EventHead, EventInput {
  readonly event_type: 'anomaly';
  readonly anomaly: {
    readonly type: 'capture' | 'decode' | 'stream';
    readonly code: string;
    readonly layer: string;
    /** Byte offset in the capture. */
    readonly offset?: number;
    readonly detail: string;
    readonly count: number;
  };
}

/** Counters by room; each grows only. Kernel, ring, queue and output drops are apart. */
export interface StatsEvent extends EventHead, EventInput {
  readonly event_type: 'stats';
  readonly stats: Readonly<Record<string, number | Readonly<Record<string, number>>>>;
}

export type HellotapEvent =
  TlsEvent | QuicEvent | TagEvent | FingerprintEvent | AlertEvent | BaselineEvent | AnomalyEvent | StatsEvent;

/** Memory for lines of JSON, an event each, that somebody else puts together. */
export interface LineRoom {
  /** At least so many bytes that are free. */
  room(bytes: number): Uint8Array;
  /** So many of them have been filled, with so many lines. */
  filled(bytes: number, lines: number): void;
}

/** Takes events and never reaches back. */
export interface EventSink {
  /** Never throws; what cannot be written is counted by the sink. */
  write(event: HellotapEvent): void;
  /** Where events may be put as lines that are ready; absent: the sink takes events only. */
  readonly lines?: LineRoom;
  /** Resolves when the sink can take more; null when it can right now. */
  ready(): Promise<void> | null;
  /** Writes what is left. Rejects with ERR_OUTPUT when something could not be written. */
  close(): Promise<void>;
}
