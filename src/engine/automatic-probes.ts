// Probing of servers that were seen, by itself: asks whether it may, and has the prober do it.
import type { UnprobedReason } from '../match/verdict.js';
import type { ProbeGate, SeenHandshake } from '../probe/gate.js';
import type { Prober } from '../probe/prober.js';
import type { ProbeResult, ProbeTarget } from '../probe/probe-result.js';
import type { ProbePort } from './engine.js';

/** The prober behind its gate. */
export class AutomaticProbes implements ProbePort {
  readonly #prober: Prober;
  readonly #gate: ProbeGate;

  constructor(prober: Prober, gate: ProbeGate) {
    this.#prober = prober;
    this.#gate = gate;
  }

  get ownKey(): Uint8Array {
    return this.#prober.mark.key;
  }

  request(server: ProbeTarget, seen: SeenHandshake): UnprobedReason | Promise<ProbeResult | null> {
    return this.#gate.refusal(server, seen) ?? this.#prober.probe(server);
  }

  isOwn(random: Uint8Array, sessionId: Uint8Array): boolean {
    return this.#prober.mark.isOwnHello(random, sessionId);
  }

  stats(): Record<string, number> {
    const { outcomes, ...counters } = this.#prober.counters;
    const prefixed = Object.entries(outcomes).map(([outcome, count]): [string, number] => [
      `outcome_${outcome}`,
      count,
    ]);
    const refused = Object.entries(this.#gate.counters).map(([reason, count]): [string, number] => [
      `refused_${reason}`,
      count,
    ]);
    return { ...counters, ...Object.fromEntries([...prefixed, ...refused]) };
  }

  /** Takes no more requests; resolves when the probes that have begun are done. */
  async stop(): Promise<void> {
    await this.#prober.stop();
  }
}
