// HEAD / over HTTP/2 (RFC 9113): node:http2 does the frames and HPACK, over a stream that carries no bytes of a socket but
// those that the records of a handshake's connection hold.
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { Duplex } from 'node:stream';
import { cleanValue, type HttpHead } from './http-head.js';

/** Of a server's header list. RFC 9113 section 6.5.2. */
const MAX_HEADER_LIST = 32 * 1024;

export class Http2Head implements HttpHead {
  done = false;
  answered = false;
  server: string | null = null;
  private readonly stream: PlainStream;
  private readonly session: ClientHttp2Session;
  private output: Uint8Array[] = [];

  /** `onProgress`: called when there is output, or the end, without anything having been received. */
  constructor(
    authority: string,
    private readonly onProgress: () => void,
  ) {
    this.stream = new PlainStream((bytes) => {
      this.output.push(bytes);
      this.onProgress();
    });
    // The authority of the request is its own; this one has only to be one.
    this.session = connect('https://localhost', {
      createConnection: () => this.stream,
      maxSessionMemory: 1,
      maxReservedRemoteStreams: 0,
      settings: { enablePush: false, maxHeaderListSize: MAX_HEADER_LIST },
    });
    const end = (): void => {
      this.close();
    };
    this.session.on('error', end).on('close', end).on('goaway', end);
    const request = this.session.request({
      ':method': 'HEAD',
      ':path': '/',
      ':authority': authority,
      'user-agent': 'hellotap',
      accept: '*/*',
    });
    request.on('response', (headers) => {
      if (this.done) return;
      this.answered = true;
      const { server } = headers;
      this.server = server === undefined ? null : cleanValue([server].flat().join(', '));
      this.close();
    });
    request.on('error', end).on('close', end);
    request.resume();
  }

  takeOutput(): Uint8Array | null {
    const { output } = this;
    if (output.length === 0) return null;
    this.output = [];
    return Buffer.concat(output);
  }

  receive(data: Uint8Array): void {
    if (!this.done) this.stream.push(data);
  }

  close(): void {
    if (this.done) return;
    this.done = true;
    this.session.destroy();
    this.stream.destroy();
    this.onProgress();
  }
}

/** What node:http2 takes for its connection. */
class PlainStream extends Duplex {
  constructor(private readonly send: (bytes: Uint8Array) => void) {
    super();
    // An end that comes with an error is no news: the session says so as well.
    this.on('error', () => undefined);
  }

  override _read(): void {
    // Data is pushed as it comes; how much that may be is limited before.
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    this.send(chunk);
    callback();
  }
}
