// The probe of one server: one handshake per Client Hello of the set, in any order, collected into one result.
// Decides when a handshake is tried again and when the rest is not worth trying; when to connect is the scheduler's.
import type { HandshakeObservation } from '../fingerprint/handshake-observation.js';
import { combineHandshakes, handshakeFingerprint } from '../fingerprint/stack.js';
import type { ConnectionEnd } from './connection.js';
import type { ProbeExtra } from './extra.js';
import type { HelloDefinition, HelloSet } from './hello-set.js';
import type { HandshakeDetails, ProbeFindings, ProbeOutcome, ProbeResult, ProbeTarget } from './probe-result.js';

export interface RetryPolicy {
  /** How often a handshake is tried again after a time-out that showed nothing. */
  readonly retries: number;
  /** Before the first retry; each further one waits twice as long as the one before. */
  readonly retryDelayMs: number;
  /** Connections in a row that could not be made, after which the server's other handshakes are given up. */
  readonly maxConnectFailures: number;
}

/** A local shortage (file descriptors, ports) says nothing of the server: such a handshake is tried again this often. */
const LOCAL_RETRIES = 20;
const LOCAL_RETRY_DELAY_MS = 250;

/**
 * Characters of one handshake's text. Real ones have some hundred; a hostile server can have its extension lists fill
 * messages of 64 KiB each, ten times over, and all of it would be stored. Such a server has no fingerprint.
 */
const MAX_TEXT_LENGTH = 32_768;

export class ServerProbe {
  /** Hellos and exchanges of extras that have not been answered for good. */
  private remaining: number;
  private finished = false;
  private readonly hellos: Record<string, string | null> = {};
  private readonly outcome: Record<string, ProbeOutcome> = {};
  private readonly details: Record<string, HandshakeDetails> = {};
  private readonly attempts = new Map<string, number>();
  private connectFailures = 0;
  private lastFailure: ProbeOutcome | null = null;
  private startedAt: Date | null = null;
  private startedAtMs = 0;

  constructor(
    readonly target: ProbeTarget,
    private readonly helloSet: HelloSet,
    private readonly policy: RetryPolicy,
    readonly extras: readonly ProbeExtra[] = [],
  ) {
    this.remaining = helloSet.hellos.length + extras.reduce((sum, { exchanges }) => sum + exchanges.length, 0);
  }

  /** Whether a connection to the server has been opened. */
  get begun(): boolean {
    return this.startedAt !== null;
  }

  /** Says that a connection is about to be opened. `nowMs`: on a monotonic clock. */
  begin(now: Date, nowMs: number): void {
    if (this.startedAt !== null) return;
    this.startedAt = now;
    this.startedAtMs = nowMs;
  }

  /** The outcome that all further handshakes have without being tried; null: go on. */
  get givenUp(): ProbeOutcome | null {
    return this.connectFailures >= this.policy.maxConnectFailures ? this.lastFailure : null;
  }

  /** Takes in how one handshake ended. Gives the milliseconds after which it is to be tried again; null: it is settled. */
  handshakeEnded(
    { name }: HelloDefinition,
    observation: HandshakeObservation,
    details: HandshakeDetails,
    outcome: ProbeOutcome,
    end: Pick<ConnectionEnd, 'connected' | 'localShortage'>,
  ): number | null {
    const text = handshakeFingerprint(observation);
    const again = this.retryDelay(name, text !== null, outcome, end);
    if (again !== null) return again;
    this.details[name] = details;
    if (text !== null && text.length > MAX_TEXT_LENGTH) this.settle(name, null, 'malformed');
    else this.settle(name, text, outcome);
    return null;
  }

  /** Takes in how an exchange of an extra ended, as `handshakeEnded` does. `answered`: the server said something. */
  extraEnded(
    name: string,
    answered: boolean,
    outcome: ProbeOutcome,
    end: Pick<ConnectionEnd, 'connected' | 'localShortage'>,
  ): number | null {
    const again = this.retryDelay(name, answered, outcome, end);
    if (again === null) this.remaining -= 1;
    return again;
  }

  /** Settles an exchange of an extra that is not going to be tried. */
  extraSkipped(): void {
    this.remaining -= 1;
  }

  /** Settles a handshake that is not going to be tried. */
  skip({ name }: HelloDefinition, outcome: ProbeOutcome): void {
    this.settle(name, null, outcome);
  }

  /** Gives one handshake up before anything of the server has begun. True: it was the last one. */
  abandonOne(): boolean {
    this.remaining -= 1;
    return this.takeFinished();
  }

  /** Whether all is settled; true only the first time. */
  takeFinished(): boolean {
    if (this.remaining > 0 || this.finished) return false;
    this.finished = true;
    return true;
  }

  /** The result, once all is settled. */
  result(now: Date, nowMs: number): ProbeResult {
    return {
      target: this.target,
      helloSet: this.helloSet.name,
      helloSetDigest: this.helloSet.digest,
      hellos: this.inOrder(this.hellos),
      outcome: this.inOrder(this.outcome),
      details: this.details,
      fingerprint: combineHandshakes(this.hellos),
      startedAt: this.startedAt ?? now,
      durationMs: this.startedAt === null ? 0 : Math.round(nowMs - this.startedAtMs),
      ...this.findings(),
    };
  }

  /** Handshakes end in any order; results of two probes are read side by side. */
  private inOrder<T>(byHello: Readonly<Record<string, T>>): Record<string, T> {
    return Object.fromEntries(
      this.helloSet.hellos.flatMap(({ name }) => {
        const value = byHello[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  private findings(): ProbeFindings {
    return this.extras.reduce<ProbeFindings>((found, extra) => ({ ...found, ...extra.findings() }), {});
  }

  /** After how many milliseconds a connection is tried again; null: never. */
  private retryDelay(
    name: string,
    answered: boolean,
    outcome: ProbeOutcome,
    end: Pick<ConnectionEnd, 'connected' | 'localShortage'>,
  ): number | null {
    const attempt = (this.attempts.get(name) ?? 0) + 1;
    this.attempts.set(name, attempt);
    if (end.localShortage && attempt <= LOCAL_RETRIES) return LOCAL_RETRY_DELAY_MS;
    if (outcome === 'timeout' && !answered && attempt <= this.policy.retries) {
      return this.policy.retryDelayMs * 2 ** (attempt - 1);
    }
    this.connectFailures = end.connected ? 0 : this.connectFailures + 1;
    this.lastFailure = outcome;
    return null;
  }

  private settle(name: string, text: string | null, outcome: ProbeOutcome): void {
    this.hellos[name] = text;
    this.outcome[name] = outcome;
    this.remaining -= 1;
  }
}
