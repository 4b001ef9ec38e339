// What a prober can be told, in one object, with the defaults that keep it harmless.
import type { HandshakeObservation } from '../fingerprint/handshake-observation.js';
import type { HelloSet } from './hello-set.js';
import type { OwnHelloMark } from './own-hello.js';
import type { ProbeOutcome, ProbeTarget } from './probe-result.js';

export interface ProberOptions {
  readonly helloSet: HelloSet;
  /** JARM's hellos, where the JARM of each server is wanted as well; null: it is not. Default null. */
  readonly jarm: HelloSet | null;
  /** The set whose first hello is to complete a handshake for HTTP, where the Server header is wanted. Default null. */
  readonly http: HelloSet | null;
  /** Connections per second in all; 0: no limit. Default 100. */
  readonly rate: number;
  /** Connections per second to one address; 0: no limit. Default 10. */
  readonly perServerRate: number;
  /** Connections per second to one prefix (/24, /48); 0: no limit. Default 0. */
  readonly perPrefixRate: number;
  /** Handshakes at once with one address. Default 1. */
  readonly perServerConcurrency: number;
  /** Connections open at once in all. Default 1,000. */
  readonly concurrency: number;
  /** Servers whose probes are under way at once, at most: what bounds memory. Default 20,000. */
  readonly maxActiveServers: number;
  /**
   * Servers among which connections are shuffled, as far as there are that many; null: as many as the rate gives in a
   * second, at least 16, so that `stop` has finished within some ten seconds. Default null.
   */
  readonly shuffleOver: number | null;
  /** Milliseconds until a TCP connection has to stand. Default 10,000. */
  readonly connectTimeoutMs: number;
  /** Milliseconds from there until the handshake has to be over; what was seen until then counts. Default 10,000. */
  readonly handshakeTimeoutMs: number;
  /** How often a handshake that timed out without showing anything is tried again. Default 1. */
  readonly retries: number;
  /** Milliseconds before the first retry; each further one waits twice as long. Default 2,000. */
  readonly retryDelayMs: number;
  /** Connections to a server in a row that could not be made, after which it is given up. Default 3. */
  readonly maxConnectFailures: number;
  /** Source address; null: the system chooses. Default null. */
  readonly sourceAddress: string | null;
  /** Source ports, first and last; null: the system chooses. Default null. */
  readonly sourcePorts: readonly [first: number, last: number] | null;
  /** Asked immediately before every connection; true: no packet goes to that address. Default: nothing is excluded. */
  readonly isExcluded: (address: string) => boolean;
  /** How our own hellos are recognised on a tap. Default: a key that only this process has. */
  readonly mark: OwnHelloMark;
  /** Told of every handshake as it ends, for those who need more than the texts of the result. Default: nobody. */
  readonly onHandshake: ((report: HandshakeReport) => void) | null;
}

/** One handshake that has ended, whatever became of it. */
export interface HandshakeReport {
  readonly target: ProbeTarget;
  /** Name of the Client Hello. */
  readonly hello: string;
  /** Valid for as long as it is kept. */
  readonly observation: HandshakeObservation;
  readonly outcome: ProbeOutcome;
  readonly connected: boolean;
  /** When the connection was begun, and when it had ended. */
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** Whether it is going to be tried again. */
  readonly retried: boolean;
}

/** The defaults of everything that has one. */
export const PROBER_DEFAULTS = {
  jarm: null,
  http: null,
  rate: 100,
  perServerRate: 10,
  perPrefixRate: 0,
  perServerConcurrency: 1,
  concurrency: 1_000,
  maxActiveServers: 20_000,
  shuffleOver: null,
  connectTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  retries: 1,
  retryDelayMs: 2_000,
  maxConnectFailures: 3,
  sourceAddress: null,
  sourcePorts: null,
  isExcluded: () => false,
  onHandshake: null,
} as const satisfies Omit<ProberOptions, 'helloSet' | 'mark'>;

/** Counters of a prober since its start; each grows only, but for the last three. */
export interface ProberCounters {
  /** Connections begun. */
  connections: number;
  /** Servers whose probe is over. */
  servers: number;
  /** Servers with a combined fingerprint. */
  fingerprinted: number;
  /** Handshakes tried again. */
  retries: number;
  /** Connections that were not opened because the exclusion list names the address. */
  excluded: number;
  /** Handshakes not tried because their server could not be reached before. */
  given_up: number;
  /** Servers that had not begun when the prober was stopped. */
  stopped: number;
  /** Handshakes by how they ended. */
  readonly outcomes: Record<ProbeOutcome, number>;
  /** Right now: connections open, servers under way, servers waiting. */
  open: number;
  active: number;
  waiting: number;
}
