// Stores what probes answered, many in one transaction: each waits a moment for others, because a commit costs a disk write.
import { recordProbes, type ProbeObservation } from '../database/servers.js';
import type { Store } from '../database/store.js';
import type { ProbeResult } from '../probe/probe-result.js';

const GATHER_MS = 50;
const GATHER_MOST = 256;

interface Pending {
  readonly observation: ProbeObservation;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Takes results one by one. */
export class ProbeRecorder {
  readonly #store: Store;
  #pending: Pending[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves when the result is on the disk; rejects with the database's error. */
  record(result: ProbeResult): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ observation: observationOf(result), resolve, reject });
      if (this.#pending.length >= GATHER_MOST) this.#flush();
      else
        this.#timer ??= setTimeout(() => {
          this.#flush();
        }, GATHER_MS);
    });
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
      for (const { resolve } of pending) resolve();
    } catch (error) {
      for (const { reject } of pending) reject(error);
    }
  }
}

function observationOf(result: ProbeResult): ProbeObservation {
  const failed = Object.values(result.outcome).find((outcome) => outcome !== 'ok' && outcome !== 'alert');
  return {
    server: result.target,
    helloSet: result.helloSet,
    hellos: result.hellos,
    fingerprint: result.fingerprint,
    seenAt: result.startedAt,
    outcome: result.fingerprint === null ? (failed ?? null) : null,
  };
}
