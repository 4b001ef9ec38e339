// The three-way answer of every decoder of a stream: a message, "need more bytes", or malformed at an offset.
// Incomplete and malformed are different answers: the first is settled by the next segment, the second never.

/** A value was decoded; `end` is the offset behind its last byte. */
export interface Message<T> {
  readonly kind: 'message';
  readonly value: T;
  readonly end: number;
}

/** The bytes end inside of the value; at least `missing` more are needed. */
export interface NeedMore {
  readonly kind: 'need_more';
  readonly missing: number;
}

/** The bytes can never become a valid value: `reason` says why, `offset` where. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly offset: number;
  readonly reason: string;
}

export type Decoded<T> = Message<T> | NeedMore | Malformed;
