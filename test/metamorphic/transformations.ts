// Changes of a capture that leave what it says as it is: packets twice, packets that overtook one another, streams cut into
// other segments, packets in a tunnel. Frames in, frames out; nothing else. Only IP right behind its link layer is looked
// into; frames in which it is not found stay as they are.
import type { LinkFrame } from './frames.js';

const ETHERNET = 1;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const PSH = 0x08;

/** Each packet twice. */
export function* duplicated(frames: Iterable<LinkFrame>): Iterable<LinkFrame> {
  for (const frame of frames) {
    yield frame;
    yield frame;
  }
}

/**
 * Packets in other orders within windows of so many. TCP packets of the same addresses and ports stay in order where that
 * would be another conversation: around a SYN, a FIN or a RST, and as long as no SYN was seen of them, because what is before
 * the hello of a connection whose beginning was not captured belongs to nothing that is known.
 */
export function* reordered(frames: Iterable<LinkFrame>, size: number, random: () => number): Iterable<LinkFrame> {
  const begun = new Set<string>();
  let window: LinkFrame[] = [];
  for (const frame of frames) {
    window.push(frame);
    if (window.length < size) continue;
    yield* shuffled(window, random, begun);
    window = [];
  }
  yield* shuffled(window, random, begun);
}

function shuffled(window: readonly LinkFrame[], random: () => number, begun: Set<string>): LinkFrame[] {
  const order = [...window.keys()];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
  }
  const packets = window.map(describePacket);
  const kept = packets.flatMap((packet) => {
    if (packet === null) return [];
    const isKept = packet.isEdge || !begun.has(packet.connection);
    if (packet.isSyn) begun.add(packet.connection);
    return isKept ? [packet.connection] : [];
  });
  for (const connection of new Set(kept)) {
    const places = order.flatMap((from, place) => (packets[from]?.connection === connection ? [place] : []));
    const inOrder = places.map((place) => order[place] ?? 0).sort((a, b) => a - b);
    places.forEach((place, at) => {
      order[place] = inOrder[at] ?? 0;
    });
  }
  return order.flatMap((from) => window[from] ?? []);
}

/** The connection of a TCP packet, and whether it begins or ends it. */
function describePacket({ linkType, data }: LinkFrame): { connection: string; isSyn: boolean; isEdge: boolean } | null {
  const tcp = findTcp(linkType, data);
  if (tcp === null) return null;
  const { ip, addressBytes, segment } = tcp;
  const ends = [0, 1].map((side) => {
    const at = ip + addressBytes.at + side * addressBytes.length;
    return `${data.toString('hex', at, at + addressBytes.length)} ${data.readUInt16BE(segment + 2 * side)}`;
  });
  const flags = data[segment + 13] ?? 0;
  return {
    connection: ends.sort().join(' '),
    isSyn: (flags & SYN) !== 0,
    isEdge: (flags & (SYN | RST | FIN)) !== 0,
  };
}

/** Each TCP segment cut into segments of at most `size` bytes. */
export function* cut(frames: Iterable<LinkFrame>, size: number): Iterable<LinkFrame> {
  for (const frame of frames) {
    const tcp = findTcp(frame.linkType, frame.data);
    if (tcp === null || tcp.payloadEnd - tcp.payload <= size) yield frame;
    else yield* pieces(frame, tcp, size);
  }
}

function* pieces(frame: LinkFrame, tcp: TcpPlace, size: number): Iterable<LinkFrame> {
  const { data } = frame;
  const { ip, version, segment, payload, payloadEnd, missing } = tcp;
  const sequence = data.readUInt32BE(segment + 4);
  const flags = data[segment + 13] ?? 0;
  for (let at = payload; at < payloadEnd; at += size) {
    const end = Math.min(at + size, payloadEnd);
    const isLast = end === payloadEnd;
    const piece = Buffer.allocUnsafe(payload + end - at);
    data.copy(piece, 0, 0, payload);
    data.copy(piece, payload, at, end);
    // What was not captured stays behind the last piece.
    const length = piece.length + (isLast ? missing : 0);
    if (version === 4) piece.writeUInt16BE((length - ip) & 0xffff, ip + 2);
    else piece.writeUInt16BE(length - ip - 40, ip + 4);
    const isAfterSyn = (flags & SYN) !== 0 && at > payload ? 1 : 0;
    piece.writeUInt32BE((sequence + at - payload + isAfterSyn) >>> 0, segment + 4);
    piece[segment + 13] = flags & ~(at > payload ? SYN : 0) & ~(isLast ? 0 : FIN | RST | PSH);
    yield { ...frame, data: piece, original: length };
  }
}

const OUTER_ETHERNET = Buffer.from('0200000000030200000000040800', 'hex');
const INNER_MACS = Buffer.from('020000000001020000000002', 'hex');
const VXLAN_PORT = 4789;

/** Each frame in VXLAN (RFC 7348), Ethernet frames as they are, IP packets of other link layers in an Ethernet frame. */
export function* inVxlan(frames: Iterable<LinkFrame>): Iterable<LinkFrame> {
  for (const frame of frames) {
    const inner = frame.linkType === ETHERNET ? frame : asEthernet(frame);
    if (inner === null) {
      yield frame;
      continue;
    }
    const header = Buffer.alloc(20 + 8 + 8);
    header[0] = 0x45;
    header.writeUInt16BE(Math.min(header.length + inner.original, 0xffff), 2);
    header[8] = 64;
    header[9] = 17;
    header.set([203, 0, 113, 1, 203, 0, 113, 2], 12);
    header.writeUInt16BE(50_000, 20);
    header.writeUInt16BE(VXLAN_PORT, 22);
    header.writeUInt16BE(Math.min(16 + inner.original, 0xffff), 24);
    header[28] = 0x08; // the VNI is valid
    header.writeUInt32BE(4711 << 8, 32);
    const data = Buffer.concat([OUTER_ETHERNET, header, inner.data]);
    const original = inner.original + data.length - inner.data.length;
    yield { ...frame, linkType: ETHERNET, data, original };
  }
}

function asEthernet(frame: LinkFrame): LinkFrame | null {
  const ip = findIp(frame.linkType, frame.data);
  if (ip === null) return null;
  const type = Buffer.from((frame.data[ip] ?? 0) >> 4 === 4 ? '0800' : '86dd', 'hex');
  const data = Buffer.concat([INNER_MACS, type, frame.data.subarray(ip)]);
  return { ...frame, linkType: ETHERNET, data, original: frame.original + data.length - frame.data.length };
}

/** Where a frame has its TCP segment. */
interface TcpPlace {
  readonly version: 4 | 6;
  readonly ip: number;
  readonly addressBytes: { readonly at: number; readonly length: number };
  readonly segment: number;
  readonly payload: number;
  /** Behind what was captured of the payload. */
  readonly payloadEnd: number;
  /** Bytes of the payload that were not captured. */
  readonly missing: number;
}

function findTcp(linkType: number, data: Buffer): TcpPlace | null {
  const ip = findIp(linkType, data);
  if (ip === null) return null;
  const version = (data[ip] ?? 0) >> 4;
  if (version === 4) {
    if (data.length < ip + 20 || data[ip + 9] !== 6 || (data.readUInt16BE(ip + 6) & 0x3fff) !== 0) return null;
    const total = data.readUInt16BE(ip + 2);
    const segment = ip + ((data[ip] ?? 0) & 15) * 4;
    if (segment < ip + 20) return null;
    // Offloading leaves a length of 0 to the network card.
    return placeOf(data, 4, ip, segment, total === 0 ? data.length : ip + total);
  }
  if (version !== 6 || data.length < ip + 40 || data[ip + 6] !== 6) return null;
  return placeOf(data, 6, ip, ip + 40, ip + 40 + data.readUInt16BE(ip + 4));
}

function placeOf(data: Buffer, version: 4 | 6, ip: number, segment: number, end: number): TcpPlace | null {
  if (data.length < segment + 20) return null;
  const payload = segment + ((data[segment + 12] ?? 0) >> 4) * 4;
  const payloadEnd = Math.min(end, data.length);
  if (payload < segment + 20 || payload > payloadEnd) return null;
  const addressBytes = version === 4 ? { at: 12, length: 4 } : { at: 8, length: 16 };
  return { version, ip, addressBytes, segment, payload, payloadEnd, missing: Math.max(end - data.length, 0) };
}

const IPV4_TYPE = 0x0800;
const IPV6_TYPE = 0x86dd;
const VLAN_TYPES = [0x8100, 0x88a8, 0x9100];
const CISCO_META_DATA = 0x8909;

/** Where the IP header begins; null: not right behind a link layer that is known here. */
function findIp(linkType: number, data: Buffer): number | null {
  const typed = (at: number): number | null => {
    let next = at;
    while (next + 2 <= data.length && VLAN_TYPES.includes(data.readUInt16BE(next))) next += 4;
    if (next + 2 <= data.length && data.readUInt16BE(next) === CISCO_META_DATA) next += 8;
    if (next + 3 > data.length) return null;
    const type = data.readUInt16BE(next);
    return type === IPV4_TYPE || type === IPV6_TYPE ? next + 2 : null;
  };
  switch (linkType) {
    case ETHERNET:
      return typed(12);
    case 113: // Linux cooked
      return typed(14);
    case 276: {
      const isIp = data.length > 20 && [IPV4_TYPE, IPV6_TYPE].includes(data.readUInt16BE(0));
      return isIp ? 20 : null;
    }
    case 12:
    case 101: // raw IP
    case 228:
    case 229:
      return data.length > 0 ? 0 : null;
    case 0:
    case 108: // null and loop
      return data.length > 4 && [4, 6].includes((data[4] ?? 0) >> 4) ? 4 : null;
    default:
      return null;
  }
}

/** Windows in which packets are reordered. */
const WINDOW = 4;

/** A change of a capture after which the same has to be seen. It gives the same frames every time. */
export interface Transformation {
  readonly name: string;
  readonly apply: (frames: Iterable<LinkFrame>) => Iterable<LinkFrame>;
  /**
   * Whether it can bring a hello that stood inside of a segment, behind a protocol that is not known, to the beginning of
   * one, where it is known by itself: then a connection of which nothing was seen may show up.
   */
  readonly reveals: boolean;
}

export const transformations: readonly Transformation[] = [
  { name: 'duplicated', apply: duplicated, reveals: false },
  { name: 'reordered', apply: (frames) => reordered(frames, WINDOW, pseudoRandom(1)), reveals: false },
  { name: 'one-byte', apply: (frames) => cut(frames, 1), reveals: true },
  { name: 'seven-byte', apply: (frames) => cut(frames, 7), reveals: true },
  { name: 'vxlan', apply: inVxlan, reveals: false },
];

/** Numbers from 0 to 1 (mulberry32). */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
