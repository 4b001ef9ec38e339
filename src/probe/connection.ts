// The edge to the network: carries one handshake over one TCP connection, with separate deadlines for connecting and for
// the handshake. Knows sockets and their errors, and nothing of TLS.
import type { DeadlineQueue, Expirable } from './deadlines.js';
import type { ProbeOutcome } from './probe-result.js';
import { TcpClient } from './tcp-client.js';
import type { TcpConnectionEvents } from './tcp-client.js';

/** Where a connection goes, and where it comes from. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** Source address; null: the system chooses. */
  readonly localAddress: string | null;
  /** Source port; 0: the system chooses. */
  readonly localPort: number;
}

/** What talks over the connection: a Handshake, or whatever else takes bytes and gives bytes. */
export interface Conversation {
  /** What has to be sent now; null: nothing. */
  takeOutput(): Uint8Array | null;
  /** Takes what came. The bytes are the conversation's own. */
  receive(bytes: Uint8Array): void;
  /** Non-null once there is nothing more to say. */
  readonly outcome: ProbeOutcome | null;
  /** Says that the connection ended from outside. */
  end(outcome: ProbeOutcome): void;
  /** Where it acts of its own accord: gets what it has to call whenever there is output, or an outcome, without input. */
  onWake?(wake: () => void): void;
}

/** How far a connection got before it ended: a connection that was never made says nothing of TLS. */
export interface ConnectionEnd {
  readonly connected: boolean;
  readonly bytesReceived: number;
  /** We ran out of descriptors, ports or memory: nothing was learnt of the server. */
  readonly localShortage: boolean;
}

export interface ConnectionDeadlines {
  readonly connect: DeadlineQueue;
  readonly handshake: DeadlineQueue;
}

/** What an errno of connect or read means, in the words of ProbeOutcome. */
const OUTCOMES: Readonly<Record<string, ProbeOutcome>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'timeout',
};

const LOCAL_SHORTAGES: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
]);

/** Made with the first connection. */
let client: TcpClient | undefined;

/**
 * Opens a connection and carries `conversation` over it until that has an outcome. `onEnd` is called exactly once,
 * never before this returns.
 */
export function converse(
  endpoint: Endpoint,
  conversation: Conversation,
  deadlines: ConnectionDeadlines,
  onEnd: (end: ConnectionEnd) => void,
): void {
  client ??= new TcpClient();
  new Connection(client, conversation, deadlines, onEnd).open(endpoint);
}

class Connection implements Expirable, TcpConnectionEvents {
  /** The client's number for it; -1: it could not even be begun. */
  private number = -1;
  private connected = false;
  private over = false;
  private bytesReceived = 0;
  private localShortage = false;

  constructor(
    private readonly tcp: TcpClient,
    private readonly conversation: Conversation,
    private readonly deadlines: ConnectionDeadlines,
    private readonly onOver: (end: ConnectionEnd) => void,
  ) {}

  open({ address, port, localAddress, localPort }: Endpoint): void {
    const number = this.tcp.connect(address, port, localAddress, localPort, this);
    if (typeof number === 'number') {
      this.number = number;
      this.deadlines.connect.start(this);
    } else {
      setImmediate(() => {
        this.onError(number);
      });
    }
  }

  onDeadline(): void {
    this.finish('timeout');
  }

  onConnected(): void {
    this.connected = true;
    this.deadlines.connect.cancel(this);
    this.deadlines.handshake.start(this);
    this.conversation.onWake?.(() => {
      this.advance();
    });
    this.advance();
  }

  onData(bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    this.conversation.receive(Buffer.from(bytes));
    this.advance();
  }

  onEnd(): void {
    this.finish('closed');
  }

  onError(code: string): void {
    this.localShortage = !this.connected && LOCAL_SHORTAGES.has(code);
    this.finish(OUTCOMES[code] ?? (this.connected ? 'reset' : 'unreachable'));
  }

  private advance(): void {
    if (this.over) return;
    const output = this.conversation.takeOutput();
    const error = output === null ? null : this.tcp.write(this.number, output);
    if (this.conversation.outcome !== null) this.finish(this.conversation.outcome);
    else if (error !== null) this.onError(error);
  }

  private finish(outcome: ProbeOutcome): void {
    if (this.over) return;
    this.over = true;
    this.conversation.end(outcome);
    this.deadlines.connect.cancel(this);
    this.deadlines.handshake.cancel(this);
    if (this.number >= 0) this.tcp.close(this.number);
    const { connected, bytesReceived, localShortage } = this;
    this.onOver({ connected, bytesReceived, localShortage });
  }
}
