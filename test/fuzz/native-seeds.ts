// Writes seeds for the native fuzz target decode-packet: golden frames in each link layer and tunnel that the tests make, and the
// first frames of other captures.
//   node --import tsx test/fuzz/native-seeds.ts OUT [CAPTURE…]      CAPTURE: classic pcap, little-endian
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readFileSync } from 'node:fs';
import { linkLayers, readFrames, WITH_SNI } from '../capture/captures.js';
import { Conversation } from '../capture/conversation.js';
import { fragmented } from '../capture/fragments.js';
import { ipv6Tunnels, tunnels } from '../capture/tunnels.js';

const FRAMES_PER_CAPTURE = 10;
const PCAP_MAGIC = 0xa1b2c3d4;
const RAW = 101;
const LINK_TYPES: Partial<Record<keyof typeof linkLayers, number>> = {
  ppp: 9,
  pppBare: 9,
  pppCompressed: 9,
  pppMpls: 50,
  pppd: 166,
  pppDirection: 204,
  pppEther: 51,
  ciscoHdlc: 104,
  fddi: 10,
  ieee80211: 105,
  ieee80211Qos: 105,
  ieee80211Wds: 105,
  ieee80211Aggregated: 105,
  radiotap: 127,
  radiotapPadded: 127,
  ppi: 192,
  nflog: 239,
  nflogBig: 239,
  mpacket: 274,
  linuxSll: 113,
  linuxSll2: 276,
  raw: RAW,
  nullLittle: 0,
  nullBig: 108,
};

const [out, ...captures] = process.argv.slice(2);
if (out === undefined) {
  process.stderr.write('usage: native-seeds.ts OUT [CAPTURE…]\n');
  process.exit(2);
}
mkdirSync(out, { recursive: true });

/** The target reads the link type and a number of bytes that were not captured, both big-endian, then the frame. */
function seed(name: string, linkType: number, frame: Buffer): void {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(linkType, 0);
  writeFileSync(join(out!, name), Buffer.concat([head, frame]));
}

const packet = readFrames(WITH_SNI)[3]!.data.subarray(14);
for (const [name, wrap] of Object.entries(linkLayers)) {
  seed(`link-${name}`, LINK_TYPES[name as keyof typeof linkLayers] ?? 1, wrap(packet));
}
for (const [name, wrap] of Object.entries(tunnels)) seed(`tunnel-${name}`, RAW, wrap(packet));
const ipv6 = new Conversation({ ipv6: true }).handshake().frames[0]!;
for (const [name, wrap] of Object.entries(ipv6Tunnels)) {
  seed(`tunnel-${name}`, RAW, wrap(ipv6.data.subarray(14), { answer: false }));
}
for (const [index, frame] of fragmented([ipv6, readFrames(WITH_SNI)[3]!], 8).entries()) {
  if (index < FRAMES_PER_CAPTURE) seed(`fragment-${index}`, 1, frame.data);
}
for (const path of captures) {
  const header = readFileSync(path).subarray(0, 24);
  if (header.length < 24 || header.readUInt32LE(0) !== PCAP_MAGIC) continue;
  for (const [index, { data }] of readFrames(path).slice(0, FRAMES_PER_CAPTURE).entries()) {
    seed(`${basename(path)}-${index}`, header.readUInt16LE(20), data);
  }
}
