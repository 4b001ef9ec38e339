// Checks recorded servers at intervals while a watch runs, by the same door as its other probes: the gate decides whether
// a server may be probed, and the prober keeps to the rates.
import { setTimeout as sleep } from 'node:timers/promises';
import { aspectsOf, checkState, type BaselineReport, type BaselineStatus } from '../baseline/server-state.js';
import type { Baseline } from '../database/baselines.js';
import type { UnprobedReason } from '../match/verdict.js';
import type { EventSink } from '../output/event.js';
import { formatTimestamp } from '../output/timestamp.js';
import type { ProbeResult } from '../probe/probe-result.js';
import { probeStream } from '../probe/probe-stream.js';
import { isStartTlsProtocol } from '../probe/starttls/dialogue.js';
import { baselineEvents } from './baseline-events.js';
import type { ProbePort } from './engine.js';

export interface BaselineWatchOptions {
  readonly probes: ProbePort;
  readonly sink: EventSink;
  /** The recorded states, read anew for each round. */
  readonly baselines: () => Baseline[];
  /** Of what the probes send: states that were recorded with another set are left out. */
  readonly helloSetDigest: string;
  /** Keeps what a probe said. */
  readonly learn: (result: ProbeResult) => Promise<void>;
  readonly warn: (text: string) => void;
  /** From the beginning of a round to that of the next. */
  readonly intervalMs: number;
  /** Before a server that deviates is probed again. */
  readonly confirmAfterMs?: number;
  /** Before a server is asked for again that was over a budget. */
  readonly retryMs?: number;
  readonly signal: AbortSignal;
}

/** Servers under way at once: the budgets are for newly seen ones in the first place. */
const AT_ONCE = 4;
const CONFIRM_AFTER_MS = 5_000;
const RETRY_MS = 1_000;

export class BaselineWatch {
  /** Checks by what came of them; `refused`: servers that were not probed, see the warning; `rounds` begun. */
  readonly counters: Record<Exclude<BaselineStatus, 'recorded'> | 'refused' | 'rounds', number> = {
    rounds: 0,
    unchanged: 0,
    changed: 0,
    unsteady: 0,
    incomplete: 0,
    unreachable: 0,
    refused: 0,
  };
  readonly #options: BaselineWatchOptions;
  /** Why servers are not checked, as far as that was said. */
  readonly #told = new Set<string>();

  constructor(options: BaselineWatchOptions) {
    this.#options = options;
  }

  /** Checks until the signal. Rejects with what reading the recorded states throws. */
  async run(): Promise<void> {
    const { signal, intervalMs, baselines, helloSetDigest } = this.#options;
    while (!signal.aborted) {
      const begun = performance.now();
      this.counters.rounds++;
      const all = baselines();
      const own = all.filter((baseline) => baseline.helloSetDigest === helloSetDigest);
      for (let left = all.length - own.length; left > 0; left--) this.#refuse('recorded with another hello set');
      const checks = probeStream({ probe: (baseline: Baseline) => this.#check(baseline) }, own, AT_ONCE);
      for await (const report of checks) await this.#tell(report);
      await this.#pause(Math.max(0, begun + intervalMs - performance.now()));
    }
  }

  #check(baseline: Baseline): Promise<BaselineReport | null> {
    const { confirmAfterMs = CONFIRM_AFTER_MS } = this.#options;
    return checkState(
      baseline,
      () => this.#probe(baseline),
      () => this.#pause(confirmAfterMs),
    );
  }

  /** Null: not allowed, or the program stops. */
  async #probe({ server, traits }: Baseline): Promise<ProbeResult | null> {
    const { probes, signal, retryMs = RETRY_MS } = this.#options;
    const { address, port, serverName, startTls } = server;
    const aspects = aspectsOf(traits);
    const target = {
      ...{ address, port, serverName, jarm: aspects.has('jarm'), http: aspects.has('http_server') },
      ...(isStartTlsProtocol(startTls) ? { startTls } : {}),
    };
    while (!signal.aborted) {
      // Whoever recorded it knows that it speaks TLS: there is no client that has to show so.
      const answer = probes.request(target, { completed: true, oneSided: false });
      if (answer instanceof Promise) return answer;
      if (answer !== 'rate') {
        this.#refuse(REASONS[answer] ?? answer);
        return null;
      }
      await this.#pause(retryMs);
    }
    return null;
  }

  async #tell(report: BaselineReport): Promise<void> {
    const { sink, learn } = this.#options;
    if (report.status !== 'recorded') this.counters[report.status]++;
    if (report.result !== null) await learn(report.result);
    for (const event of baselineEvents(report, formatTimestamp(Date.now() * 1000))) sink.write(event);
  }

  #refuse(reason: string): void {
    this.counters.refused++;
    if (this.#told.has(reason)) return;
    this.#told.add(reason);
    this.#options.warn(`recorded servers are left out of --baseline: ${reason}`);
  }

  async #pause(ms: number): Promise<void> {
    // A timer takes 24 days at most; a round that comes late by a check of the time is early enough.
    for (let left = ms; left > 0 && !this.#options.signal.aborted; left -= LONGEST_PAUSE_MS) {
      await sleep(Math.min(left, LONGEST_PAUSE_MS), undefined, { signal: this.#options.signal }).catch(() => undefined);
    }
  }
}

const LONGEST_PAUSE_MS = 86_400_000;

const REASONS: Partial<Record<UnprobedReason, string>> = {
  network: 'not in --probe-networks',
  excluded: 'named in --exclude',
};
