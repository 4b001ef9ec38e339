// The frames of a capture in any container, as far as they can be read, and the way back: one pcapng stream in pieces. A
// reader of its own, so that the one under test does not judge itself.
import type { Frame } from '../capture/captures.js';

/** A captured frame with its link type (LINKTYPE_ value of tcpdump.org). */
export interface LinkFrame extends Frame {
  readonly linkType: number;
  readonly original: number;
}

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

/** Frames up to the first place that cannot be read. Time stamps become microseconds. */
export function readCapture(file: Buffer): LinkFrame[] {
  if (file.length < 12) return [];
  return file.readUInt32LE(0) === SECTION ? readPcapng(file) : readPcap(file);
}

function readPcap(file: Buffer): LinkFrame[] {
  const magic = file.readUInt32LE(0);
  const isLittle = [0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34].includes(magic);
  const u32 = (at: number): number => (isLittle ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const isNanoseconds = u32(0) === 0xa1b23c4d;
  const headerBytes = u32(0) === 0xa1b2cd34 ? 24 : 16;
  const frames: LinkFrame[] = [];
  if (file.length < 24) return frames;
  const linkType = u32(20) & 0xffff;
  for (let at = 24; at + headerBytes <= file.length;) {
    const captured = u32(at + 8);
    const data = file.subarray(at + headerBytes, at + headerBytes + captured);
    if (captured > 262_144 || data.length < captured) break;
    const fraction = u32(at + 4);
    const microseconds = Math.floor(isNanoseconds ? fraction / 1000 : fraction);
    frames.push({ seconds: u32(at), microseconds, data, original: Math.max(u32(at + 12), captured), linkType });
    at += headerBytes + captured;
  }
  return frames;
}

interface CaptureInterface {
  readonly linkType: number;
  readonly snaplen: number;
  /** Ticks per second. */
  readonly resolution: bigint;
  readonly offsetSeconds: bigint;
}

function readPcapng(file: Buffer): LinkFrame[] {
  const frames: LinkFrame[] = [];
  let interfaces: CaptureInterface[] = [];
  let isLittle = true;
  const u16 = (at: number): number => (isLittle ? file.readUInt16LE(at) : file.readUInt16BE(at));
  const u32 = (at: number): number => (isLittle ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const u64 = (at: number): bigint =>
    (BigInt(u32(at + (isLittle ? 4 : 0))) << 32n) | BigInt(u32(at + (isLittle ? 0 : 4)));

  const readInterface = (at: number, end: number): CaptureInterface => {
    let resolution = 1_000_000n;
    let offsetSeconds = 0n;
    for (let option = at + 8; option + 4 <= end && u16(option) !== 0; option += 4 + ((u16(option + 2) + 3) & ~3)) {
      if (u16(option) === 9) {
        const value = file[option + 4] ?? 6;
        resolution = value & 0x80 ? 1n << BigInt(value & 0x7f) : 10n ** BigInt(value);
      }
      if (u16(option) === 14) offsetSeconds = BigInt.asIntN(64, u64(option + 4));
    }
    return { linkType: u16(at), snaplen: u32(at + 4), resolution, offsetSeconds };
  };
  const add = (id: number, ticks: bigint, start: number, captured: number, original: number): void => {
    const from = interfaces[id];
    if (from === undefined) return;
    const microseconds = (ticks * 1_000_000n) / from.resolution + from.offsetSeconds * 1_000_000n;
    frames.push({
      seconds: Number(microseconds / 1_000_000n),
      microseconds: Number(microseconds % 1_000_000n),
      data: file.subarray(start, start + captured),
      original: Math.max(original, captured),
      linkType: from.linkType,
    });
  };

  for (let at = 0; at + 12 <= file.length;) {
    const isSection = file.readUInt32LE(at) === SECTION;
    if (isSection) {
      isLittle = file.readUInt32LE(at + 8) === 0x1a2b3c4d;
      interfaces = [];
    }
    const [type, length] = [u32(at), u32(at + 4)];
    if (length < 12 || length % 4 !== 0 || at + length > file.length) break;
    const [body, end] = [at + 8, at + length - 4];
    if (type === INTERFACE && !isSection) interfaces.push(readInterface(body, end));
    if (type === ENHANCED_PACKET || type === OBSOLETE_PACKET) {
      const id = type === ENHANCED_PACKET ? u32(body) : u16(body);
      const ticks = (BigInt(u32(body + 4)) << 32n) | BigInt(u32(body + 8));
      if (body + 20 + u32(body + 12) <= end) add(id, ticks, body + 20, u32(body + 12), u32(body + 16));
    }
    if (type === SIMPLE_PACKET) {
      const snaplen = interfaces[0]?.snaplen ?? 0;
      const captured = Math.min(u32(body), snaplen === 0 ? Infinity : snaplen, end - body - 4);
      add(0, 0n, body + 4, captured, u32(body));
    }
    at += length;
  }
  return frames;
}

/** Bytes of a piece before it is handed on. */
const PIECE_BYTES = 1 << 18;

/** Frames as a pcapng stream with one interface per link type. */
export function* writeCapture(frames: Iterable<LinkFrame>): Iterable<Buffer> {
  const interfaces = new Map<number, number>();
  let piece = Buffer.allocUnsafe(2 * PIECE_BYTES);
  let at = 0;
  const u32 = (value: number): void => {
    at = piece.writeUInt32LE(value >>> 0, at);
  };
  for (const value of [SECTION, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28]) u32(value);
  for (const { linkType, seconds, microseconds, data, original } of frames) {
    if (at > PIECE_BYTES || at + data.length + 128 > piece.length) {
      yield piece.subarray(0, at);
      piece = Buffer.allocUnsafe(Math.max(2 * PIECE_BYTES, data.length + 128));
      at = 0;
    }
    let id = interfaces.get(linkType);
    if (id === undefined) {
      interfaces.set(linkType, (id = interfaces.size));
      for (const value of [INTERFACE, 20, linkType, 0, 20]) u32(value);
    }
    const ticks = seconds * 1_000_000 + microseconds;
    const padding = (4 - (data.length % 4)) % 4;
    const length = 32 + data.length + padding;
    for (const value of [ENHANCED_PACKET, length, id, Math.floor(ticks / 2 ** 32), ticks, data.length, original]) {
      u32(value);
    }
    at += data.copy(piece, at);
    piece.fill(0, at, at + padding);
    at += padding;
    u32(length);
  }
  yield piece.subarray(0, at);
}
