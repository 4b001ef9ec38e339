// Makes captures for tests out of the golden ones: other containers, other link layers, other ways to cut a stream into segments.
// What is in the packets is always real traffic.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const GOLDEN = join(import.meta.dirname, '../golden');
export const WITH_SNI = join(GOLDEN, 'with-sni.pcap');

/** A captured frame. `original` is its length on the wire. */
export interface Frame {
  readonly seconds: number;
  readonly microseconds: number;
  readonly data: Buffer;
  readonly original?: number;
}

/** The frames of a little-endian pcap with microseconds; the plainest reader there can be, to test another against. */
export function readFrames(path: string): Frame[] {
  const file = readFileSync(path);
  const frames: Frame[] = [];
  for (let at = 24; at < file.length;) {
    const length = file.readUInt32LE(at + 8);
    frames.push({
      seconds: file.readUInt32LE(at),
      microseconds: file.readUInt32LE(at + 4),
      data: file.subarray(at + 16, at + 16 + length),
      original: file.readUInt32LE(at + 12),
    });
    at += 16 + length;
  }
  return frames;
}

export type ByteOrder = 'little' | 'big';

/** Writes 32-bit and 16-bit numbers in a byte order. */
function numbers(order: ByteOrder) {
  const write = (bytes: number, value: number): Buffer => {
    const out = Buffer.alloc(bytes);
    if (order === 'little') out.writeUIntLE(value, 0, bytes);
    else out.writeUIntBE(value, 0, bytes);
    return out;
  };
  return {
    u8: (value: number) => write(1, value),
    u16: (value: number) => write(2, value),
    u32: (value: number) => write(4, value),
    u64: (value: bigint) => {
      const out = Buffer.alloc(8);
      if (order === 'little') out.writeBigUInt64LE(value);
      else out.writeBigUInt64BE(value);
      return out;
    },
  };
}

export interface PcapOptions {
  readonly order?: ByteOrder;
  readonly nanoseconds?: boolean;
  readonly kuznetzov?: boolean;
  readonly linkType?: number;
}

/** A classic pcap. */
export function pcap(frames: readonly Frame[], options: PcapOptions = {}): Buffer {
  const { order = 'little', nanoseconds = false, kuznetzov = false, linkType = 1 } = options;
  const { u16, u32 } = numbers(order);
  const magic = kuznetzov ? 0xa1b2cd34 : nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
  const header = [u32(magic), u16(2), u16(4), u32(0), u32(0), u32(262144), u32(linkType)];
  const records = frames.flatMap(({ seconds, microseconds, data, original = data.length }) => [
    u32(seconds),
    u32(nanoseconds ? microseconds * 1000 + 999 : microseconds),
    u32(data.length),
    u32(original),
    ...(kuznetzov ? [u32(1), u16(0x0800), u16(0)] : []),
    data,
  ]);
  return Buffer.concat([...header, ...records]);
}

export type PacketBlock = 'enhanced' | 'simple' | 'obsolete';

/** Builds a pcapng block by block. */
export class PcapngBuilder {
  readonly #parts: Buffer[] = [];
  readonly #numbers: ReturnType<typeof numbers>;

  constructor(readonly order: ByteOrder = 'little') {
    this.#numbers = numbers(order);
    const { u16, u32, u64 } = this.#numbers;
    this.block(0x0a0d0d0a, Buffer.concat([u32(0x1a2b3c4d), u16(1), u16(0), u64(0xffffffffffffffffn)]));
  }

  /** Any block; the body is padded to a multiple of four. */
  block(type: number, body: Buffer): this {
    const { u32 } = this.#numbers;
    const padding = Buffer.alloc((4 - (body.length % 4)) % 4);
    const length = u32(12 + body.length + padding.length);
    this.#parts.push(u32(type), length, body, padding, length);
    return this;
  }

  interface(options: { linkType?: number; snaplen?: number; resolution?: number; offsetSeconds?: bigint } = {}): this {
    const { linkType = 1, snaplen = 262144, resolution, offsetSeconds } = options;
    const { u8, u16, u32, u64 } = this.#numbers;
    const option = (code: number, value: Buffer): Buffer[] => [
      u16(code),
      u16(value.length),
      value,
      Buffer.alloc((4 - (value.length % 4)) % 4),
    ];
    const body = [
      u16(linkType),
      u16(0),
      u32(snaplen),
      ...option(2, Buffer.from('if0')),
      ...(resolution === undefined ? [] : option(9, u8(resolution))),
      ...(offsetSeconds === undefined ? [] : option(14, u64(BigInt.asUintN(64, offsetSeconds)))),
      ...option(0, Buffer.alloc(0)),
    ];
    return this.block(1, Buffer.concat(body));
  }

  /** `ticks`: the time stamp as the interface counts; microseconds by default. */
  packet(frame: Frame, options: { interface?: number; kind?: PacketBlock; ticks?: bigint } = {}): this {
    const { kind = 'enhanced', interface: id = 0 } = options;
    const { u16, u32 } = this.#numbers;
    const { data, original = data.length } = frame;
    const ticks = options.ticks ?? BigInt(frame.seconds) * 1_000_000n + BigInt(frame.microseconds);
    const time = [u32(Number(ticks >> 32n)), u32(Number(ticks & 0xffffffffn))];
    switch (kind) {
      case 'simple':
        return this.block(3, Buffer.concat([u32(original), data]));
      case 'obsolete':
        return this.block(2, Buffer.concat([u16(id), u16(0xffff), ...time, u32(data.length), u32(original), data]));
      case 'enhanced':
        return this.block(6, Buffer.concat([u32(id), ...time, u32(data.length), u32(original), data]));
    }
  }

  packets(frames: readonly Frame[], options: { interface?: number; kind?: PacketBlock } = {}): this {
    for (const frame of frames) this.packet(frame, options);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** A pcapng with one section and one interface. */
export function pcapng(frames: readonly Frame[], order: ByteOrder = 'little'): Buffer {
  return new PcapngBuilder(order).interface().packets(frames).bytes();
}

/** The same frames with another link layer: `wrap` gets the IP packet. */
export function rewrap(frames: readonly Frame[], wrap: (packet: Buffer) => Buffer): Frame[] {
  return frames
    .map((frame) => ({ ...frame, data: wrap(frame.data.subarray(14)), original: undefined as never }))
    .map(({ seconds, microseconds, data }) => ({ seconds, microseconds, data }));
}

const MACS = Buffer.from('020000000001020000000002', 'hex');

const SNAP = Buffer.from('aaaa030000000800', 'hex');

/** Frame control and so many bytes more behind the duration. */
function wireless(control: string, rest: number): Buffer {
  return Buffer.concat([Buffer.from(`${control}0000`, 'hex'), MACS, Buffer.alloc(rest - 10, 0)]);
}

export const linkLayers = {
  ethernet: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('0800', 'hex'), packet]),
  vlan: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('8100206408' + '00', 'hex'), packet]),
  qinq: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('88a8000a8100f0140800', 'hex'), packet]),
  oldQinq: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('9100000a810000140800', 'hex'), packet]),
  snap: (packet: Buffer) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(8 + packet.length > 1500 ? 1500 : 8 + packet.length);
    return Buffer.concat([MACS, length, Buffer.from('aaaa030000000800', 'hex'), packet]);
  },
  pppoe: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('88641100000100000021', 'hex'), packet]),
  mpls: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('88470001004000011140', 'hex'), packet]),
  /** An Ethernet frame below the labels. */
  pseudowire: (packet: Buffer) =>
    Buffer.concat([MACS, Buffer.from('884700011140', 'hex'), MACS, Buffer.from('0800', 'hex'), packet]),
  controlWord: (packet: Buffer) =>
    Buffer.concat([MACS, Buffer.from('88470001114000000007', 'hex'), MACS, Buffer.from('0800', 'hex'), packet]),
  ciscoMetaData: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('89090101000100640800', 'hex'), packet]),
  vnTag: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('8926' + '80010002' + '0800', 'hex'), packet]),
  fabricPath: (packet: Buffer) =>
    Buffer.concat([MACS, Buffer.from('8903' + '0420', 'hex'), MACS, Buffer.from('0800', 'hex'), packet]),
  linuxSll: (packet: Buffer) => Buffer.concat([Buffer.from('00000001000602000000000100000800', 'hex'), packet]),
  linuxSll2: (packet: Buffer) =>
    Buffer.concat([Buffer.from('0800000000000002000100060200000000010000', 'hex'), packet]),
  ppp: (packet: Buffer) => Buffer.concat([Buffer.from('ff030021', 'hex'), packet]),
  pppBare: (packet: Buffer) => Buffer.concat([Buffer.from('0021', 'hex'), packet]),
  pppCompressed: (packet: Buffer) => Buffer.concat([Buffer.from('ff0321', 'hex'), packet]),
  pppMpls: (packet: Buffer) => Buffer.concat([Buffer.from('ff03028100011140', 'hex'), packet]),
  pppd: (packet: Buffer) => Buffer.concat([Buffer.from('01030021', 'hex'), packet]),
  pppDirection: (packet: Buffer) => Buffer.concat([Buffer.from('01ff030021', 'hex'), packet]),
  pppEther: (packet: Buffer) => Buffer.concat([Buffer.from('1100000100000021', 'hex'), packet]),
  ciscoHdlc: (packet: Buffer) => Buffer.concat([Buffer.from('0f000800', 'hex'), packet]),
  fddi: (packet: Buffer) => Buffer.concat([Buffer.from('50', 'hex'), MACS, SNAP, packet]),
  ieee80211: (packet: Buffer) => Buffer.concat([wireless('0801', 18), SNAP, packet]),
  ieee80211Qos: (packet: Buffer) => Buffer.concat([wireless('8802', 20), SNAP, packet]),
  ieee80211Wds: (packet: Buffer) => Buffer.concat([wireless('0803', 24), SNAP, packet]),
  ieee80211Aggregated: (packet: Buffer) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(8 + packet.length);
    const second = Buffer.alloc(40);
    return Buffer.concat([wireless('8801', 18), Buffer.from('8000', 'hex'), MACS, length, SNAP, packet, second]);
  },
  /** With a time, two words of bits, and flags that say nothing. */
  radiotap: (packet: Buffer) =>
    Buffer.concat([
      Buffer.from('00001900' + '03000080' + '00000000' + '00000000' + '0000000000000000' + '00', 'hex'),
      wireless('0801', 18),
      SNAP,
      packet,
    ]),
  radiotapPadded: (packet: Buffer) =>
    Buffer.concat([Buffer.from('000009000200000020', 'hex'), wireless('8801', 22), SNAP, packet]),
  ppi: (packet: Buffer) =>
    Buffer.concat([Buffer.from('000010000100000008000400000000aa', 'hex'), MACS, Buffer.from('0800', 'hex'), packet]),
  /** The packet behind an option of five bytes and its padding. */
  nflog: (packet: Buffer) => {
    const length = Buffer.alloc(2);
    length.writeUInt16LE(4 + packet.length);
    return Buffer.concat([
      Buffer.from('02000000' + '05000a0000000000', 'hex'),
      length,
      Buffer.from('0900', 'hex'),
      packet,
    ]);
  },
  nflogBig: (packet: Buffer) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(4 + packet.length);
    return Buffer.concat([
      Buffer.from('02000000' + '0005000a00000000', 'hex'),
      length,
      Buffer.from('0009', 'hex'),
      packet,
    ]);
  },
  mpacket: (packet: Buffer) =>
    Buffer.concat([Buffer.from('55555555555555d5', 'hex'), MACS, Buffer.from('0800', 'hex'), packet]),
  raw: (packet: Buffer) => packet,
  nullLittle: (packet: Buffer) => Buffer.concat([Buffer.from('02000000', 'hex'), packet]),
  nullBig: (packet: Buffer) => Buffer.concat([Buffer.from('00000002', 'hex'), packet]),
} as const;
