// Wraps IP packets into tunnels, as the RFCs lay them out. Packets from the server (port 8443 of the golden captures) come
// back the way that those of the client go.
import { linkLayers } from './captures.js';

const HERE = { 4: Buffer.from([203, 0, 113, 1]), 6: Buffer.from('20010db8ffff00000000000000000001', 'hex') };
const THERE = { 4: Buffer.from([203, 0, 113, 2]), 6: Buffer.from('20010db8ffff00000000000000000002', 'hex') };

/** What a tunnel's outermost packet says of itself, as seen from the client. */
export const OUTER_4 = { sourceAddress: '203.0.113.1', destinationAddress: '203.0.113.2', depth: 1 };
export const OUTER_6 = { sourceAddress: '2001:db8:ffff::1', destinationAddress: '2001:db8:ffff::2', depth: 1 };

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const join = (...parts: (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : part)));
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);

/** Whether an IPv4 packet with TCP comes from the server of the golden captures. */
function isAnswer(packet: Buffer): boolean {
  return packet.readUInt16BE((packet.readUInt8(0) & 15) * 4) === 8443;
}

interface Way {
  readonly answer: boolean;
  readonly version?: 4 | 6;
}

export function ip(protocol: number, payload: Buffer, { answer, version = 4 }: Way): Buffer {
  const [from, to] = answer ? [THERE[version], HERE[version]] : [HERE[version], THERE[version]];
  if (version === 6) return join('60000000', u16(payload.length), Buffer.from([protocol, 64]), from, to, payload);
  return join('4500', u16(20 + payload.length), '0001000040', Buffer.from([protocol]), '0000', from, to, payload);
}

export function udp(port: number, payload: Buffer, way: Way, from = 50_000): Buffer {
  return ip(17, join(u16(from), u16(port), u16(8 + payload.length), '0000', payload), way);
}

/** From a packet to the IP packet that carries it. */
type Wrap = (packet: Buffer) => Buffer;

const over =
  (wrap: (packet: Buffer, way: Way) => Buffer, version: 4 | 6 = 4): Wrap =>
  (packet) =>
    wrap(packet, { answer: isAnswer(packet), version });

const gre = (header: string, content: (packet: Buffer) => Buffer = (packet) => packet): Wrap =>
  over((packet, way) => ip(47, join(header, content(packet)), way));

/** A data frame of a station to its access point: with or without QoS, in the byte order of a vendor or the standard's. */
export function wireless(packet: Buffer, control = '0801', qos = ''): Buffer {
  return join(control, '0000', '020000000001 020000000002 020000000003', '0000', qos, 'aaaa030000000800', packet);
}

export const tunnels = {
  ipInIp: over((packet, way) => ip(4, packet, way)),
  ipInIpv6: over((packet, way) => ip(4, packet, way), 6),
  gre: gre('00000800'),
  greAllFields: gre('b0000800 00000000 0000002a 00000007'),
  greBridging: gre('20006558 0000002a', linkLayers.ethernet),
  greVlan: gre('00006558', linkLayers.vlan),
  greMpls: gre('00008847', (packet) => join('00010140', packet)),
  wccp: gre('0000883e 00000000'),
  erspan1: gre('000088be', linkLayers.ethernet),
  erspan2: gre('100088be 00000001 1064 1009 00000000', linkLayers.ethernet),
  erspan3: gre('100022eb 00000001 2000 0009 00000000 0000 0000', linkLayers.ethernet),
  erspan3Ip: gre('100022eb 00000001 2000 0009 00000000 0000 0801 0000000000000000'),
  pptp: gre('3081880b 00000007 00000001 00000002', (packet) => join('ff030021', packet)),
  pptpCompressed: gre('3001880b 00000007 00000001', (packet) => join('21', packet)),
  vxlan: over((packet, way) => udp(4789, join('08000000 00002a00', linkLayers.ethernet(packet)), way)),
  vxlanLinux: over((packet, way) => udp(8472, join('08000000 00002a00', linkLayers.ethernet(packet)), way)),
  vxlanPolicy: over((packet, way) => udp(4789, join('88000007 00002a00', linkLayers.ethernet(packet)), way)),
  vxlanGpe: over((packet, way) => udp(4790, join('0c000001 00002a00', packet), way)),
  vxlanOverIpv6: over((packet, way) => udp(4789, join('08000000 00002a00', linkLayers.ethernet(packet)), way), 6),
  geneve: over((packet, way) => udp(6081, join('00006558 00002a00', linkLayers.ethernet(packet)), way)),
  geneveOptions: over((packet, way) => udp(6081, join('02000800 00002a00 0102030400000000', packet), way)),
  gtp: over((packet, way) => udp(2152, join('30ff', u16(packet.length), '0000002a', packet), way, 2152)),
  gtpExtended: over((packet, way) =>
    udp(2152, join('34ff', u16(packet.length + 8), '0000002a 00010085 01000900', packet), way),
  ),
  greInUdp: over((packet, way) => udp(4754, join('00000800', packet), way)),
  capwap: over((packet, way) => udp(5247, join('00100000 00000000', linkLayers.ethernet(packet)), way)),
  capwapNative: over((packet, way) => udp(5247, join('00100300 00000000', wireless(packet)), way)),
  capwapSwapped: over((packet, way) => udp(5247, join('00100300 00000000', wireless(packet, '0188', '0000')), way)),
  mplsInIp: over((packet, way) => ip(137, join('00010140', packet), way)),
} satisfies Record<string, Wrap>;

/** An IPv6 packet with a TCP segment, for tunnels that carry nothing else. */
export const ipv6Tunnels = {
  sixInFour: (packet: Buffer, way: Way) => ip(41, packet, way),
  teredo: (packet: Buffer, way: Way) => udp(3544, packet, way),
  teredoIndications: (packet: Buffer, way: Way) =>
    udp(3544, join('00010000 0000000000000000 00', '0000 1234 00000000', packet), way),
} as const;
