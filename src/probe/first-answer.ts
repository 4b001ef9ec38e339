// A conversation of one question: sends a Client Hello, takes the server's first bytes, and ends without another word.
import type { Conversation } from './connection.js';
import type { ProbeOutcome } from './probe-result.js';

export class FirstAnswer implements Conversation {
  outcome: ProbeOutcome | null = null;
  /** What came in the first read, at most `limit` bytes; empty: nothing. */
  answer: Uint8Array = new Uint8Array(0);

  constructor(
    private hello: Uint8Array | null,
    private readonly limit: number,
  ) {}

  takeOutput(): Uint8Array | null {
    const { hello } = this;
    this.hello = null;
    return hello;
  }

  receive(bytes: Uint8Array): void {
    if (this.outcome !== null || bytes.length === 0) return;
    this.answer = bytes.slice(0, this.limit);
    this.outcome = 'ok';
  }

  end(outcome: ProbeOutcome): void {
    this.outcome ??= outcome;
  }
}
