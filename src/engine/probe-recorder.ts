// Stores what probes answered, many in one transaction: each waits a moment for others, because a commit costs a disk write.
// While another process holds the database (an import), they wait here, under a bound, and nobody else waits for them.
import { recordProbes, type ProbeObservation } from '../database/servers.js';
import type { Store } from '../database/store.js';
import { UNRESOLVED_JARM } from '../fingerprint/jarm.js';
import { HellotapError } from '../errors.js';
import type { ProbeResult } from '../probe/probe-result.js';

const GATHER_MS = 50;
const GATHER_MOST = 256;
/** Between attempts while the database is held. */
const RETRY_MS = 500;
/** How long an import may hold the database before a result is given up, and how many may wait for it. */
const PATIENCE_MS = 600_000;
const WAIT_MOST = 10_000;

interface Pending {
  readonly observation: ProbeObservation;
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface RecorderOptions {
  readonly retryMs?: number;
  readonly patienceMs?: number;
  readonly waitMost?: number;
}

/** Takes results one by one. */
export class ProbeRecorder {
  /** `retries`: attempts that met another process's write; `given_up`: results that waited in vain, or were too many. */
  readonly counters = { retries: 0, given_up: 0 };
  readonly #store: Store;
  readonly #retryMs: number;
  readonly #patienceMs: number;
  readonly #waitMost: number;
  #pending: Pending[] = [];
  #timer: NodeJS.Timeout | null = null;
  #held = false;

  constructor(store: Store, options: RecorderOptions = {}) {
    this.#store = store;
    this.#retryMs = options.retryMs ?? RETRY_MS;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.#waitMost = options.waitMost ?? WAIT_MOST;
  }

  /** Results that are not on the disk yet. */
  get waiting(): number {
    return this.#pending.length;
  }

  /** Resolves when the result is on the disk; rejects with the database's error. */
  record(result: ProbeResult): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ observation: observationOf(result), since: performance.now(), resolve, reject });
      if (this.#pending.length >= GATHER_MOST && !this.#held) this.#flush();
      else this.#later(GATHER_MS);
    });
  }

  #later(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#flush();
    }, ms);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const pending = this.#pending;
    this.#pending = [];
    try {
      recordProbes(
        this.#store,
        pending.map(({ observation }) => observation),
      );
      this.#held = false;
      for (const { resolve } of pending) resolve();
    } catch (error) {
      this.#held = error instanceof HellotapError && error.code === 'ERR_DATABASE_BUSY';
      if (this.#held) this.#keep(pending, error);
      else for (const { reject } of pending) reject(error);
    }
  }

  /** Puts results back for another attempt, but for those that have waited too long or are too many: the oldest go. */
  #keep(pending: readonly Pending[], error: unknown): void {
    this.counters.retries++;
    const oldest = performance.now() - this.#patienceMs;
    const surplus = pending.length - this.#waitMost;
    for (const [index, one] of pending.entries()) {
      if (index < surplus || one.since <= oldest) {
        this.counters.given_up++;
        one.reject(error);
      } else {
        this.#pending.push(one);
      }
    }
    if (this.#pending.length > 0) this.#later(this.#retryMs);
  }
}

function observationOf(result: ProbeResult): ProbeObservation {
  const failed = Object.values(result.outcome).find((outcome) => outcome !== 'ok' && outcome !== 'alert');
  return {
    server: result.target,
    helloSet: result.helloSet,
    helloSetDigest: result.helloSetDigest,
    hellos: result.hellos,
    fingerprint: result.fingerprint,
    seenAt: result.startedAt,
    outcome: result.fingerprint === null ? (failed ?? null) : null,
    httpServer: result.httpServer,
    // All zeros would make servers alike that have nothing in common but their silence.
    jarm: result.jarm?.hash === UNRESOLVED_JARM ? null : result.jarm?.hash,
  };
}
