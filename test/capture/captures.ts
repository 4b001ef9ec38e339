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
  ciscoMetaData: (packet: Buffer) => Buffer.concat([MACS, Buffer.from('89090101000100640800', 'hex'), packet]),
  linuxSll: (packet: Buffer) => Buffer.concat([Buffer.from('00000001000602000000000100000800', 'hex'), packet]),
  linuxSll2: (packet: Buffer) =>
    Buffer.concat([Buffer.from('0800000000000002000100060200000000010000', 'hex'), packet]),
  raw: (packet: Buffer) => packet,
  nullLittle: (packet: Buffer) => Buffer.concat([Buffer.from('02000000', 'hex'), packet]),
  nullBig: (packet: Buffer) => Buffer.concat([Buffer.from('00000002', 'hex'), packet]),
} as const;
