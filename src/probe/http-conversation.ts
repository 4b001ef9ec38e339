// A handshake, and on the same connection one HEAD / over HTTP/1.1, or over HTTP/2 where the server chose that by ALPN.
// Ends with the header section of the answer; everything that the server may send on the way is bounded.
import { ApplicationRecords } from './application-records.js';
import type { Conversation } from './connection.js';
import type { Handshake } from './handshake.js';
import type { HttpHead } from './http-head.js';
import { Http1Head } from './http1-head.js';
import { Http2Head } from './http2-head.js';
import type { ProbeOutcome } from './probe-result.js';

/** Application data that is taken, at most: header sections of more are cut off by servers and clients alike. */
const MAX_DATA_LENGTH = 64 * 1024;

export class HttpConversation implements Conversation {
  outcome: ProbeOutcome | null = null;
  private records: ApplicationRecords | null = null;
  private head: HttpHead | null = null;
  private dataLength = 0;
  private saidGoodbye = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly handshake: Handshake,
    private readonly authority: string,
  ) {}

  get server(): string | null {
    return this.head?.server ?? null;
  }

  get answered(): boolean {
    return this.head?.answered === true;
  }

  onWake(wake: () => void): void {
    this.wake = wake;
  }

  takeOutput(): Uint8Array | null {
    const { handshake, records, head } = this;
    const output = [handshake.takeOutput()];
    const data = head?.takeOutput() ?? null;
    if (records !== null && data !== null) output.push(records.seal(data));
    if (records !== null && this.outcome !== null && !this.saidGoodbye) {
      this.saidGoodbye = true;
      output.push(records.sealClose());
    }
    const parts = output.filter((part) => part !== null);
    return parts.length === 0 ? null : Buffer.concat(parts);
  }

  receive(bytes: Uint8Array): void {
    if (this.outcome !== null) return;
    if (this.records === null) this.receiveHandshake(bytes);
    else this.receiveData(this.records, bytes);
  }

  end(outcome: ProbeOutcome): void {
    this.handshake.end(outcome);
    this.outcome ??= this.answered ? 'ok' : outcome;
    this.head?.close();
  }

  private receiveHandshake(bytes: Uint8Array): void {
    const { handshake } = this;
    handshake.receive(bytes);
    if (handshake.outcome === null) return;
    const connection = handshake.handOver();
    if (connection === null) {
      this.outcome = handshake.outcome;
      return;
    }
    this.records = new ApplicationRecords(connection);
    this.head =
      connection.protocol === 'h2'
        ? new Http2Head(this.authority, () => {
            this.onProgress();
          })
        : new Http1Head(this.authority);
    this.receiveData(this.records, new Uint8Array(0));
  }

  private receiveData(records: ApplicationRecords, bytes: Uint8Array): void {
    const { head } = this;
    if (head === null) return;
    for (const data of records.receive(bytes)) {
      this.dataLength += data.length;
      if (!head.done) head.receive(data);
    }
    if (records.ended || this.dataLength > MAX_DATA_LENGTH) head.close();
    this.settle();
  }

  private onProgress(): void {
    this.settle();
    this.wake();
  }

  private settle(): void {
    if (this.head?.done === true) this.outcome ??= this.head.answered ? 'ok' : 'closed';
  }
}
