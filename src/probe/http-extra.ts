// The HTTP Server header as an extra of a probe: one connection of its own, whose hello is chosen to complete a handshake
// (samples/hello-sets/ordinary), because many of a fingerprint's hellos never do.
import type { Conversation } from './connection.js';
import type { ExtraExchange, ProbeExtra } from './extra.js';
import type { Handshake } from './handshake.js';
import { HttpConversation } from './http-conversation.js';
import type { ProbeFindings, ProbeOutcome, ProbeTarget } from './probe-result.js';

export class HttpExtra implements ProbeExtra, ExtraExchange {
  readonly name = 'HTTP';
  readonly exchanges: readonly ExtraExchange[] = [this];
  private conversation: HttpConversation | null = null;
  private server: string | null = null;

  constructor(
    private readonly target: ProbeTarget,
    /** Begins a handshake that hands its connection over. */
    private readonly shakeHands: () => Handshake,
  ) {}

  start(): Conversation {
    this.conversation = new HttpConversation(this.shakeHands(), authorityOf(this.target));
    return this.conversation;
  }

  ended(outcome: ProbeOutcome): boolean {
    this.server = this.conversation?.server ?? null;
    const answered = outcome !== 'timeout' || this.conversation?.answered === true;
    this.conversation = null;
    return answered;
  }

  findings(): ProbeFindings {
    return { httpServer: this.server };
  }
}

/** What may be written into a request. A server name that was seen in somebody's hello may be anything. */
const PLAIN_NAME = /^[A-Za-z0-9._-]+$/;

/** What the request names: the server name, else the address; and the port, unless that is HTTPS's own. RFC 9110 section 7.2. */
function authorityOf({ address, port, serverName }: ProbeTarget): string {
  const named = serverName !== null && PLAIN_NAME.test(serverName);
  const host = named ? serverName : address.includes(':') ? `[${address}]` : address;
  return port === 443 ? host : `${host}:${port}`;
}
