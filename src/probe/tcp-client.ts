// The typed shell around the native TCP client: many short connections, whose events come in one call per turn of the event
// loop. node:net would do the same at several times the cost per connection (docs/performance.md). Knows nothing of TLS.
import { getSystemErrorName } from 'node:util';
import { loadNativeAddon } from '../native-addon.js';

/** What is told of a connection. Nothing is told any more once it is closed. */
export interface TcpConnectionEvents {
  onConnected(): void;
  /** `bytes` are good until this returns. */
  onData(bytes: Uint8Array): void;
  /** The other side has sent its FIN. */
  onEnd(): void;
  /** The connection could not be made, or broke. `code`: as `ECONNREFUSED`. */
  onError(code: string): void;
}

interface NativeTcpClient {
  connect(address: string, port: number, localAddress: string | null, localPort: number): number;
  write(connection: number, bytes: Uint8Array): number;
  close(connection: number): void;
}

interface Addon {
  readonly TcpClient: new (events: Int32Array, bytes: Uint8Array, onEvents: (count: number) => void) => NativeTcpClient;
}

/** The kinds of native/tcp/tcp-loop.h. */
enum EventKind {
  Connected,
  Data,
  End,
}

/** Of an event: connection, kind, offset (or errno), length. */
const EVENT_WORDS = 4;
const MAX_EVENTS = 1024;
const MAX_BYTES = 512 * 1024;

/** Connections of one thread. */
export class TcpClient {
  readonly #words = new Int32Array(MAX_EVENTS * EVENT_WORDS);
  readonly #bytes = new Uint8Array(MAX_BYTES);
  readonly #native: NativeTcpClient;
  /** By number; numbers come again. */
  readonly #connections: (TcpConnectionEvents | undefined)[] = [];

  /** Throws ERR_CAPTURE_UNAVAILABLE where the addon is not built. */
  constructor() {
    const { TcpClient: Native } = loadNativeAddon() as Addon;
    this.#native = new Native(this.#words, this.#bytes, (count) => {
      this.#dispatch(count);
    });
  }

  /**
   * Begins to connect. `address` and `localAddress`: IPv4 or IPv6 text; `localAddress` null and `localPort` 0: the system
   * chooses. The connection's number, or the code of the error that kept it from even beginning.
   */
  connect(
    address: string,
    port: number,
    localAddress: string | null,
    localPort: number,
    events: TcpConnectionEvents,
  ): number | string {
    const connection = this.#native.connect(address, port, localAddress, localPort);
    if (connection < 0) return getSystemErrorName(connection);
    this.#connections[connection] = events;
    return connection;
  }

  /** Sends; what the system does not take at once is copied. Null, or the code of an error. */
  write(connection: number, bytes: Uint8Array): string | null {
    const error = this.#native.write(connection, bytes);
    return error === 0 ? null : getSystemErrorName(error);
  }

  close(connection: number): void {
    this.#connections[connection] = undefined;
    this.#native.close(connection);
  }

  #dispatch(count: number): void {
    const words = this.#words;
    for (let at = 0; at < count * EVENT_WORDS; at += EVENT_WORDS) {
      const events = this.#connections[words[at] ?? 0];
      if (events === undefined) continue; // closed by what came before
      const value = words[at + 2] ?? 0;
      switch (words[at + 1]) {
        case EventKind.Connected:
          events.onConnected();
          break;
        case EventKind.Data:
          events.onData(this.#bytes.subarray(value, value + (words[at + 3] ?? 0)));
          break;
        case EventKind.End:
          events.onEnd();
          break;
        default:
          events.onError(getSystemErrorName(value));
      }
    }
  }
}
