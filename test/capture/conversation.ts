// One TCP connection as frames, with every segment where a test wants it: IPv4 or IPv6 over Ethernet.
import type { Frame } from './captures.js';

const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

export type Side = 'client' | 'server';

export interface ConversationOptions {
  readonly clientPort?: number;
  readonly serverPort?: number;
  readonly clientIsn?: number;
  readonly serverIsn?: number;
  readonly ipv6?: boolean;
  /** Headers between IPv6 and TCP, the first of type `first`, the last of which names TCP as the next. */
  readonly extensions?: { readonly first: number; readonly bytes: Buffer };
  /** Bytes of IPv4 options, a multiple of four. */
  readonly ipOptions?: Buffer;
  /** Microseconds since 1970. */
  readonly start?: number;
}

interface SegmentOptions {
  readonly flags?: number;
  /** Bytes behind the IP packet, as Ethernet pads short frames. */
  readonly padding?: number;
  /** So many bytes of the frame are captured. */
  readonly snaplen?: number;
}

const ADDRESSES = {
  4: { client: Buffer.from([192, 0, 2, 1]), server: Buffer.from([198, 51, 100, 2]) },
  6: {
    client: Buffer.from('20010db8000000000000000000000001', 'hex'),
    server: Buffer.from('20010db8000100000000000000000002', 'hex'),
  },
} as const;

/** Makes frames one by one; a millisecond passes between them. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #isn: Record<Side, number>;
  /** Bytes that each side has sent in order so far, its SYN not counted. */
  readonly #sent: Record<Side, number> = { client: 0, server: 0 };
  #time: number;
  readonly frames: Frame[] = [];

  constructor(options: ConversationOptions = {}) {
    this.#options = options;
    this.#isn = { client: options.clientIsn ?? 1000, server: options.serverIsn ?? 2000 };
    this.#time = options.start ?? 1_700_000_000_000_000;
  }

  /** SYN, SYN-ACK, ACK. */
  handshake(): this {
    return this.syn('client').syn('server').ack('client');
  }

  syn(from: Side, data: Buffer = Buffer.alloc(0), isn: number = this.#isn[from]): this {
    this.#add(from, isn, SYN | (from === 'server' ? ACK : 0), data);
    if (isn === this.#isn[from]) this.#sent[from] = Math.max(this.#sent[from], data.length);
    return this;
  }

  ack(from: Side): this {
    return this.at(from, this.#sent[from], Buffer.alloc(0));
  }

  /** The next bytes of a side, in one segment. */
  send(from: Side, data: Buffer, options: SegmentOptions = {}): this {
    this.at(from, this.#sent[from], data, options);
    this.#sent[from] += data.length;
    return this;
  }

  /** The next bytes of a side, in segments of so many bytes. */
  sendIn(from: Side, data: Buffer, size: number): this {
    for (let at = 0; at < data.length; at += size) this.send(from, data.subarray(at, at + size));
    return this;
  }

  /** Bytes at an offset of a side's stream, whatever was sent before. */
  at(from: Side, offset: number, data: Buffer, options: SegmentOptions = {}): this {
    this.#add(from, this.#isn[from] + 1 + offset, (options.flags ?? 0) | ACK, data, options);
    return this;
  }

  fin(from: Side): this {
    return this.at(from, this.#sent[from], Buffer.alloc(0), { flags: FIN });
  }

  rst(from: Side): this {
    return this.at(from, this.#sent[from], Buffer.alloc(0), { flags: RST });
  }

  /** What comes next comes so much later. */
  wait(seconds: number): this {
    this.#time += seconds * 1_000_000;
    return this;
  }

  #add(from: Side, sequence: number, flags: number, data: Buffer, options: SegmentOptions = {}): void {
    const to = from === 'client' ? 'server' : 'client';
    const { clientPort = 40_000, serverPort = 443 } = this.#options;
    const tcp = Buffer.alloc(20);
    tcp.writeUInt16BE(from === 'client' ? clientPort : serverPort, 0);
    tcp.writeUInt16BE(from === 'client' ? serverPort : clientPort, 2);
    tcp.writeUInt32BE(sequence >>> 0, 4);
    if (flags & ACK) tcp.writeUInt32BE((this.#isn[to] + 1 + this.#sent[to]) >>> 0, 8);
    tcp.writeUInt8(5 << 4, 12);
    tcp.writeUInt8(flags, 13);
    const frame = Buffer.concat([this.#network(from, Buffer.concat([tcp, data])), Buffer.alloc(options.padding ?? 0)]);
    this.frames.push({
      seconds: Math.floor(this.#time / 1_000_000),
      microseconds: this.#time % 1_000_000,
      data: frame.subarray(0, options.snaplen ?? frame.length),
      original: frame.length,
    });
    this.#time += 1000;
  }

  #network(from: Side, segment: Buffer): Buffer {
    const to = from === 'client' ? 'server' : 'client';
    const macs = Buffer.from('020000000001020000000002', 'hex');
    if (this.#options.ipv6) {
      const { first = 6, bytes = Buffer.alloc(0) } = this.#options.extensions ?? {};
      const header = Buffer.alloc(8);
      header.writeUInt8(0x60, 0);
      header.writeUInt16BE(bytes.length + segment.length, 4);
      header.writeUInt8(first, 6);
      header.writeUInt8(64, 7);
      const type = Buffer.from('86dd', 'hex');
      return Buffer.concat([macs, type, header, ADDRESSES[6][from], ADDRESSES[6][to], bytes, segment]);
    }
    const { ipOptions = Buffer.alloc(0) } = this.#options;
    const header = Buffer.alloc(12);
    header.writeUInt8(0x45 + ipOptions.length / 4, 0);
    header.writeUInt16BE(20 + ipOptions.length + segment.length, 2);
    header.writeUInt16BE(0x4000, 6);
    header.writeUInt8(64, 8);
    header.writeUInt8(6, 9);
    const type = Buffer.from('0800', 'hex');
    return Buffer.concat([macs, type, header, ADDRESSES[4][from], ADDRESSES[4][to], ipOptions, segment]);
  }
}
