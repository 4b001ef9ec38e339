// Cuts IP packets over Ethernet into fragments (RFC 791 section 2.3, RFC 8200 section 4.5).
import type { Frame } from './captures.js';

const ETHERNET = 14;
const IPV6 = 40;
const FRAGMENT_HEADER = 44;

/** A piece of a packet: where it begins, its bytes, and whether it is the last. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

/** Pieces of so many bytes, a multiple of eight. */
export function pieces(payload: Buffer, size: number): Piece[] {
  return Array.from({ length: Math.ceil(payload.length / size) }, (_, index) => ({
    offset: index * size,
    bytes: payload.subarray(index * size, (index + 1) * size),
    isLast: (index + 1) * size >= payload.length,
  }));
}

/** What of a frame's packet can be cut: all behind the IP header. */
export function payloadOf({ data }: Frame): Buffer {
  const isIpv6 = data.readUInt16BE(12) === 0x86dd;
  return data.subarray(ETHERNET + (isIpv6 ? IPV6 : (data.readUInt8(ETHERNET) & 15) * 4));
}

/** A frame's packet with a piece of its payload in place of all of it. */
export function fragment(frame: Frame, id: number, { offset, bytes, isLast }: Piece): Frame {
  const { data } = frame;
  const header = Buffer.from(data.subarray(0, data.length - payloadOf(frame).length));
  if (data.readUInt16BE(12) === 0x86dd) {
    const extension = Buffer.alloc(8);
    extension.writeUInt8(header.readUInt8(ETHERNET + 6), 0);
    extension.writeUInt16BE(offset | (isLast ? 0 : 1), 2);
    extension.writeUInt32BE(id, 4);
    header.writeUInt8(FRAGMENT_HEADER, ETHERNET + 6);
    header.writeUInt16BE(8 + bytes.length, ETHERNET + 4);
    return framed(frame, Buffer.concat([header, extension, bytes]));
  }
  header.writeUInt16BE(header.length - ETHERNET + bytes.length, ETHERNET + 2);
  header.writeUInt16BE(id & 0xffff, ETHERNET + 4);
  header.writeUInt16BE((offset >> 3) | (isLast ? 0 : 0x2000), ETHERNET + 6);
  return framed(frame, Buffer.concat([header, bytes]));
}

/** The fragments of each frame's packet, in order. */
export function fragmented(frames: readonly Frame[], size: number): Frame[] {
  return frames.flatMap((frame, id) => {
    const cut = pieces(payloadOf(frame), size);
    return cut.length === 1 ? [frame] : cut.map((piece) => fragment(frame, id, piece));
  });
}

function framed({ seconds, microseconds }: Frame, data: Buffer): Frame {
  return { seconds, microseconds, data };
}
