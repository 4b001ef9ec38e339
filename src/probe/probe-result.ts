// What a probe of one server yields: one answer per Client Hello of the hello set, and what else was asked for.
import type { Jarm } from '../fingerprint/jarm.js';
import type { StartTlsProtocol } from './starttls/dialogue.js';

/** What happened to one handshake, in the field's words. */
export type ProbeOutcome =
  /** The handshake went to Finished in both directions, or as far as the fingerprint needs. */
  | 'ok'
  | 'alert'
  | 'refused'
  | 'reset'
  | 'timeout'
  | 'closed'
  | 'not_tls'
  /** No route, host unreachable, address family unavailable. */
  | 'unreachable'
  /** The server's bytes could not be decoded, or came where they must not. */
  | 'malformed'
  /** We ended the handshake: the server chose what we cannot go on with. */
  | 'unsupported'
  /** No connection was opened: the exclusion list names the address. */
  | 'excluded';

/** The server to probe. `serverName` goes into SNI; null: no server_name extension. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  readonly serverName: string | null;
  /** The protocol within which TLS begins; absent: TLS begins at once. */
  readonly startTls?: StartTlsProtocol;
  /** False: not of this one, though the prober finds it out of others. */
  readonly jarm?: boolean;
  readonly http?: boolean;
}

/** What a handshake showed besides its text, which leaves out what the paper's scanner does not note. Null: not shown. */
export interface HandshakeDetails {
  /** SHA-1 of the server's own certificate, 40 hexadecimal digits. */
  readonly certificateSha1: string | null;
  /** TLS 1.2 and lower: whether the server asked for a certificate. (Of TLS 1.3 the text says it.) */
  readonly certificateRequested: boolean | null;
  /** TLS 1.2 and lower: the curve of ECDHE. (Of TLS 1.3 the text says it.) */
  readonly keyExchangeGroup: number | null;
}

/** What a probe was asked to find out besides the fingerprint. A member that was not asked for is absent. */
export interface ProbeFindings {
  /** Null: jarm.py would end with an error, or the server was excluded. */
  readonly jarm?: Jarm | null;
  /** The Server header of the answer to HEAD /; null: none, or no answer. */
  readonly httpServer?: string | null;
}

/** The result of all handshakes of a hello set with one server. */
export interface ProbeResult extends ProbeFindings {
  readonly target: ProbeTarget;
  readonly helloSet: string;
  /** SHA-256 of the hello set's hellos: fingerprints of different digests cannot be compared. */
  readonly helloSetDigest: string;
  /** Text fingerprint per Client Hello name; null: nothing was received. */
  readonly hellos: Readonly<Record<string, string | null>>;
  readonly outcome: Readonly<Record<string, ProbeOutcome>>;
  /** By Client Hello name; absent where no handshake was tried. */
  readonly details: Readonly<Record<string, HandshakeDetails>>;
  /** The combined fingerprint, null where any of the hellos has none. */
  readonly fingerprint: string | null;
  readonly startedAt: Date;
  readonly durationMs: number;
}
