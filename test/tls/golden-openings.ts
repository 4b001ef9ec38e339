// The TCP payload of the golden captures, per connection and direction, for tests of the decoders alone. It reads just
// what those two files are (classic pcap, Ethernet, IPv4, loopback: nothing lost, nothing out of order but retransmissions);
// captures as such are the packet core's matter.
import { readFileSync } from 'node:fs';

export const GOLDEN = new URL('../golden/', import.meta.url);

/** Both directions of one connection, from the SYN on. */
export interface Conversation {
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  readonly clientBytes: Uint8Array;
  readonly serverBytes: Uint8Array;
}

interface Direction {
  next: number;
  readonly chunks: Uint8Array[];
}

/** One connection of golden's truth.json; SOURCES.md of the captures it was made with says what the fields mean. */
export interface TruthConnection {
  readonly client: string;
  readonly client_port: number;
  readonly server: string;
  readonly server_port: number;
  readonly client_hello: boolean;
  readonly server_hello: boolean;
  readonly sni: string | null;
  readonly client_alpns: readonly string[] | null;
  readonly ja3: { readonly hash: string | null; readonly string: string | null };
  readonly ja3s: { readonly hash: string | null; readonly string: string | null };
  readonly cipher: string | null;
  readonly legacy_version: string | null;
  readonly selected_version: string | null;
  readonly hrr: boolean;
  readonly cert_sha1: string | null;
}

/** What tshark sees in a golden capture. */
export function goldenTruth(file: string): readonly TruthConnection[] {
  const truth = JSON.parse(readFileSync(new URL('truth.json', GOLDEN), 'utf8')) as Record<
    string,
    { readonly tls: readonly TruthConnection[] }
  >;
  return truth[file]?.tls ?? [];
}

/** The connections of a golden capture, in order of their SYN. */
export function goldenConversations(file: string): Conversation[] {
  const capture = readFileSync(new URL(file, GOLDEN));
  const littleEndian = capture.readUInt32LE(0) === 0xa1b2c3d4;
  const open = new Map<string, { from: Direction; to: Direction; conversation: () => Conversation }>();
  const all: (() => Conversation)[] = [];
  let at = 24;
  while (at + 16 <= capture.length) {
    const length = littleEndian ? capture.readUInt32LE(at + 8) : capture.readUInt32BE(at + 8);
    const frame = capture.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    if (frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 6) continue;
    const ipHeader = ((frame[14] ?? 0) & 0xf) * 4;
    const ip = frame.subarray(14, 14 + frame.readUInt16BE(16));
    const tcp = ip.subarray(ipHeader);
    const source = ip.subarray(12, 16).join('.');
    const destination = ip.subarray(16, 20).join('.');
    const [sourcePort, destinationPort] = [tcp.readUInt16BE(0), tcp.readUInt16BE(2)];
    const payload = tcp.subarray(((tcp[12] ?? 0) >> 4) * 4);
    const flags = tcp[13] ?? 0;
    const sequence = tcp.readUInt32BE(4);
    const there = `${source}:${sourcePort}>${destination}:${destinationPort}`;
    const back = `${destination}:${destinationPort}>${source}:${sourcePort}`;
    if ((flags & 0x12) === 0x02) {
      const from = { next: (sequence + 1) >>> 0, chunks: [] };
      const to = { next: -1, chunks: [] };
      const conversation = (): Conversation => ({
        client: source,
        clientPort: sourcePort,
        server: destination,
        serverPort: destinationPort,
        clientBytes: Buffer.concat(from.chunks),
        serverBytes: Buffer.concat(to.chunks),
      });
      open.set(there, { from, to, conversation });
      all.push(conversation);
      continue;
    }
    const direction = open.get(there)?.from ?? open.get(back)?.to;
    if (direction === undefined) continue;
    if ((flags & 0x12) === 0x12) direction.next = (sequence + 1) >>> 0;
    else if (payload.length > 0 && sequence === direction.next) {
      direction.chunks.push(payload);
      direction.next = (sequence + payload.length) >>> 0;
    }
  }
  return all.map((conversation) => conversation());
}
