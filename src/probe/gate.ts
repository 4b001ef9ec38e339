// Whether a server that was seen may be probed by itself. Pure but for its counters and the clock that it is given.
import type { Clock } from './deadlines.js';
import type { ReachableNetworks } from './networks.js';
import { TokenBucket } from './token-bucket.js';

/** Why a server may not be probed. */
export type GateRefusal = 'excluded' | 'network' | 'one-sided' | 'incomplete' | 'rate';

/** What was seen of a handshake between a client and the server. */
export interface SeenHandshake {
  /** Both sides went on to protected data: the client accepted the server. */
  readonly completed: boolean;
  /** Only one direction was seen. */
  readonly oneSided: boolean;
}

export interface GatePolicy {
  readonly networks: ReachableNetworks;
  readonly isExcluded: (address: string) => boolean;
  readonly allowOneSided: boolean;
  /** Servers that may be let through per minute, at least 1; after a quiet time a minute's worth may come at once. */
  readonly newProbesPerMinute: number;
  readonly clock: Clock;
}

/** Lets servers through, or says why not. */
export class ProbeGate {
  /** Refusals by reason, and those let through. */
  readonly counters: Record<GateRefusal | 'allowed', number> = {
    allowed: 0,
    excluded: 0,
    network: 0,
    'one-sided': 0,
    incomplete: 0,
    rate: 0,
  };
  private readonly bucket: TokenBucket;

  constructor(private readonly policy: GatePolicy) {
    this.bucket = new TokenBucket(policy.newProbesPerMinute / 60, policy.clock(), policy.newProbesPerMinute);
  }

  /** Null: it may be probed now, and that has been counted against the budget. */
  refusal(server: { readonly address: string }, seen: SeenHandshake): GateRefusal | null {
    const reason = this.reason(server.address, seen);
    this.counters[reason ?? 'allowed'] += 1;
    return reason;
  }

  private reason(address: string, seen: SeenHandshake): GateRefusal | null {
    const { policy } = this;
    if (policy.isExcluded(address)) return 'excluded';
    if (!policy.networks.allows(address)) return 'network';
    if (seen.oneSided && !policy.allowOneSided) return 'one-sided';
    if (!seen.oneSided && !seen.completed) return 'incomplete';
    return this.bucket.take(policy.clock()) ? null : 'rate';
  }
}
