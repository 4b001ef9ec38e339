// What is known of a server, as CONTRACT's `verdict` object. Plain data: it goes out in events as it stands.

/** What a label says of a server. */
export type LabelKind = 'software' | 'cdn' | 'c2' | 'own' | 'other';

/** One label of a fingerprint: `share` is its part of the fingerprint's labelled observations, in (0, 1]. */
export interface VerdictLabel {
  readonly name: string;
  readonly kind: LabelKind;
  readonly share: number;
  /** ISO 8601 dates or times, null where unknown. */
  readonly first_seen: string | null;
  readonly last_seen: string | null;
  readonly source: string | null;
}

/** Why a server was not probed. */
export type UnprobedReason =
  | 'excluded'
  | 'rate'
  | 'network'
  | 'disabled'
  | 'unreachable'
  | 'one-sided'
  /** The client and the server were not seen to complete a handshake. */
  | 'incomplete'
  /** The program was stopped before the probe began. */
  | 'stopped';

/** What the database says of a server whose fingerprint is stored. */
export interface KnownVerdict {
  readonly status: 'known';
  readonly fingerprint_id: string;
  readonly labels: readonly VerdictLabel[];
  /** B / (B + T) over block-list and top-list observations, null where never seen on either. */
  readonly c2_score: number | null;
  readonly cached: boolean;
  /** ISO 8601 time of the probe that the fingerprint stems from. */
  readonly probed_at: string | null;
}

/** Never fingerprinted, or (with `probed_at`) fingerprinted without a complete answer. */
export interface UnknownVerdict {
  readonly status: 'unknown';
  readonly cached: boolean;
  readonly probed_at?: string;
}

/** A probe is under way; a `tag` event with the same flow_id follows. */
export interface PendingVerdict {
  readonly status: 'pending';
  readonly cached: boolean;
}

export interface UnprobedVerdict {
  readonly status: 'unprobed';
  readonly reason: UnprobedReason;
  readonly cached: boolean;
}

export type Verdict = KnownVerdict | UnknownVerdict | PendingVerdict | UnprobedVerdict;
