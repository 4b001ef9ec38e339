// Writes seeds for the native fuzz target ring-block: blocks as the kernel fills them (TPACKET_V3), with the first frames of
// captures in them.   node --import tsx test/fuzz/ring-seeds.ts OUT [CAPTURE…]      CAPTURE: classic pcap, little-endian
// https://docs.kernel.org/networking/packet_mmap.html, <linux/if_packet.h>
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readFrames, WITH_SNI, type Frame } from '../capture/captures.js';

const FRAMES_PER_BLOCK = 4;
const PCAP_MAGIC = 0xa1b2c3d4;
const LINKTYPE_ETHERNET = 1;

const BLOCK_HEADER = 48;
const PACKET_HEADER = 48;
const SOCKET_ADDRESS = 20;
/** Room for a tag that is put back. */
const RESERVE = 4;
const VLAN_VALID = 0x10;
const TPID_VALID = 0x40;

const [out, ...captures] = process.argv.slice(2);
if (out === undefined) {
  process.stderr.write('usage: ring-seeds.ts OUT [CAPTURE…]\n');
  process.exit(2);
}
mkdirSync(out, { recursive: true });

function packet({ seconds, microseconds, data, original = data.length }: Frame, isLast: boolean): Buffer {
  const mac = PACKET_HEADER + SOCKET_ADDRESS + RESERVE;
  const length = (mac + data.length + 7) & ~7;
  const bytes = Buffer.alloc(length);
  const status = 1 | (data.length % 2 === 0 ? VLAN_VALID | TPID_VALID : 0);
  const words = [isLast ? 0 : length, seconds, microseconds * 1000, data.length, original, status];
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 4 * index);
  bytes.writeUInt16LE(mac, 24);
  bytes.writeUInt16LE(mac + 14, 26);
  bytes.writeUInt32LE(42, 32); // the tag
  bytes.writeUInt16LE(0x8100, 36);
  // Of the address: interface 1, and every other packet goes out.
  bytes.writeInt32LE(1, PACKET_HEADER + 4);
  bytes[PACKET_HEADER + 10] = data.length % 4 === 0 ? 4 : 0;
  data.copy(bytes, mac);
  return bytes;
}

function seed(name: string, frames: readonly Frame[], isEthernet: boolean, loopback: number): void {
  const packets = frames.map((frame, index) => packet(frame, index === frames.length - 1));
  const header = Buffer.alloc(BLOCK_HEADER);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(1, 8);
  header.writeUInt32LE(frames.length, 12);
  header.writeUInt32LE(BLOCK_HEADER, 16);
  header.writeUInt32LE(BLOCK_HEADER + packets.reduce((sum, { length }) => sum + length, 0), 20);
  writeFileSync(join(out!, name), Buffer.concat([Uint8Array.of(isEthernet ? 0 : 1, loopback), header, ...packets]));
}

const golden = readFrames(WITH_SNI);
for (let at = 0; at < 20; at++) {
  seed(`golden-${at}`, golden.slice(at * FRAMES_PER_BLOCK, (at + 1) * FRAMES_PER_BLOCK), true, at % 2);
}
for (const path of captures) {
  const header = readFileSync(path).subarray(0, 24);
  if (header.length < 24 || header.readUInt32LE(0) !== PCAP_MAGIC) continue;
  const isEthernet = header.readUInt16LE(20) === LINKTYPE_ETHERNET;
  seed(basename(path), readFrames(path).slice(0, FRAMES_PER_BLOCK), isEthernet, 0);
}
