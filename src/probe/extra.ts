// What a probe may find out of a server besides its fingerprint, on connections of its own: JARM, the HTTP Server header.
// An extra says what is exchanged and what it makes of the answers; when to connect is the scheduler's, as ever.
import type { Conversation } from './connection.js';
import type { ProbeFindings, ProbeOutcome } from './probe-result.js';

/** One extra of one server's probe. */
export interface ProbeExtra {
  /** Connections that it needs, in any order. */
  readonly exchanges: readonly ExtraExchange[];
  /** What came out, once every exchange has ended or was skipped. */
  findings(): ProbeFindings;
}

/** One connection of an extra. */
export interface ExtraExchange {
  /** Unique among the connections of a probe. */
  readonly name: string;
  /** Begins an attempt. */
  start(): Conversation;
  /** Takes how the attempt ended. True: the server said something, so that a time-out is not tried again. */
  ended(outcome: ProbeOutcome): boolean;
}
