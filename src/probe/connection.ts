// The edge to the network: carries one handshake over one TCP connection, with separate deadlines for connecting and for
// the handshake. Knows sockets and their errors, and nothing of TLS.
import { Socket } from 'node:net';
import type { DeadlineQueue, Expirable } from './deadlines.js';
import type { ProbeOutcome } from './probe-result.js';

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

/** All connections read into the same buffer: libuv fills it and hands it over within one turn of its loop. */
const readBuffer = Buffer.allocUnsafe(64 * 1024);

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
  new Connection(endpoint, conversation, deadlines, onEnd).open();
}

class Connection implements Expirable {
  private readonly socket: Socket;
  private connected = false;
  private over = false;
  private bytesReceived = 0;
  private localShortage = false;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly conversation: Conversation,
    private readonly deadlines: ConnectionDeadlines,
    private readonly onEnd: (end: ConnectionEnd) => void,
  ) {
    this.socket = new Socket({
      allowHalfOpen: true,
      onread: {
        buffer: readBuffer,
        callback: (length: number, buffer: Uint8Array) => {
          this.onRead(buffer, length);
          return true;
        },
      },
    } as ConstructorParameters<typeof Socket>[0]);
  }

  open(): void {
    const { socket, endpoint } = this;
    socket.on('connect', () => {
      this.onConnect();
    });
    socket.on('end', () => {
      this.finish('closed');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.localShortage = !this.connected && LOCAL_SHORTAGES.has(error.code ?? '');
      this.finish(OUTCOMES[error.code ?? ''] ?? (this.connected ? 'reset' : 'unreachable'));
    });
    this.deadlines.connect.start(this);
    socket.connect({
      host: endpoint.address,
      port: endpoint.port,
      noDelay: true,
      ...(endpoint.localAddress === null ? {} : { localAddress: endpoint.localAddress }),
      ...(endpoint.localPort === 0 ? {} : { localPort: endpoint.localPort }),
    });
    socket.resume();
  }

  onDeadline(): void {
    this.finish('timeout');
  }

  private onConnect(): void {
    this.connected = true;
    this.deadlines.connect.cancel(this);
    this.deadlines.handshake.start(this);
    this.conversation.onWake?.(() => {
      this.advance();
    });
    this.send();
  }

  private onRead(buffer: Uint8Array, length: number): void {
    if (this.over) return;
    this.bytesReceived += length;
    this.conversation.receive(Buffer.from(buffer.subarray(0, length)));
    this.advance();
  }

  private advance(): void {
    if (this.over) return;
    this.send();
    if (this.conversation.outcome !== null) this.finish(this.conversation.outcome);
  }

  private send(): void {
    const output = this.conversation.takeOutput();
    if (output !== null) this.socket.write(output);
  }

  private finish(outcome: ProbeOutcome): void {
    if (this.over) return;
    this.over = true;
    this.conversation.end(outcome);
    this.deadlines.connect.cancel(this);
    this.deadlines.handshake.cancel(this);
    this.socket.destroy();
    const { connected, bytesReceived, localShortage } = this;
    this.onEnd({ connected, bytesReceived, localShortage });
  }
}
