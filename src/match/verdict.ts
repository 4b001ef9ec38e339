// What is known of a server, as CONTRACT's `verdict` object. Plain data: it goes out in events as it stands.

/** What a label says of a server. */
export type LabelKind = 'software' | 'cdn' | 'c2' | 'own' | 'other';

/**
 * What a label was put on: `stack`, the server's ten-hello fingerprint; `jarm`, what an earlier scan has stored of it;
 * `endpoint`, its address and port; the others are
 * seen in the flow itself, so that a listed certificate shows before any probe.
 */
export type LabelledKey = 'stack' | 'jarm' | 'endpoint' | 'cert-sha1' | 'ja3s' | 'ja3';

/** One label: `share` is its part of the labelled observations of what it was put on, in (0, 1]; `count` their number. */
export interface VerdictLabel {
  readonly name: string;
  readonly kind: LabelKind;
  readonly share: number;
  readonly count: number;
  readonly key: LabelledKey;
  /** ISO 8601 dates or times, null where unknown. */
  readonly first_seen: string | null;
  readonly last_seen: string | null;
  /** The sources that say so, the one with most observations first, joined by ", ". */
  readonly source: string | null;
}

/** What a C2 score stands on: observations on block lists and top lists of the key with the highest score. */
export interface C2Evidence {
  readonly key: LabelledKey;
  readonly blocklist: number;
  readonly toplist: number;
}

/** The labelled fingerprint most like one without a label. */
export interface NearestLabel {
  readonly label: string;
  readonly kind: LabelKind;
  readonly fingerprint_id: string;
  /** Client Hellos that are answered otherwise, and in what: `random4520: cipher suite, alerts`. */
  readonly differing: readonly string[];
}

/** What is known without the server's fingerprint: labels of its endpoint and of what the flow showed. Absent: nothing. */
export interface KnownAnyway {
  readonly labels?: readonly VerdictLabel[];
  readonly c2_score?: number | null;
  readonly c2?: C2Evidence;
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
  /** B / (B + T) over block-list and top-list observations, the highest of all keys; null where too seldom seen on either. */
  readonly c2_score: number | null;
  readonly c2?: C2Evidence;
  /** Only where no label stands on the fingerprint, and one that is like it has some. */
  readonly nearest?: NearestLabel;
  /** Why the server's answer in this very flow cannot come from what has this fingerprint. Absent: it may. */
  readonly contradicted_by?: readonly string[];
  readonly cached: boolean;
  /** ISO 8601 time of the probe that the fingerprint stems from. */
  readonly probed_at: string | null;
  /** ISO 8601: since when the server has been seen with this fingerprint. */
  readonly first_seen: string | null;
}

/** Never fingerprinted, or (with `probed_at`) fingerprinted without a complete answer. */
export interface UnknownVerdict extends KnownAnyway {
  readonly status: 'unknown';
  readonly cached: boolean;
  readonly probed_at?: string;
}

/** A probe is under way; a `tag` event with the same flow_id follows. */
export interface PendingVerdict extends KnownAnyway {
  readonly status: 'pending';
  readonly cached: boolean;
}

export interface UnprobedVerdict extends KnownAnyway {
  readonly status: 'unprobed';
  readonly reason: UnprobedReason;
  readonly cached: boolean;
}

export type Verdict = KnownVerdict | UnknownVerdict | PendingVerdict | UnprobedVerdict;
