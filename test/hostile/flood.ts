// One flood of hostile packets through the real packet core, engine and matcher, and what of memory it leaves taken. Run by
// flood.test.ts as a process of its own:   node --expose-gc --import tsx test/hostile/flood.ts KIND
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { PacketCore } from '../../src/capture/packet-core.js';
import { Store } from '../../src/database/store.js';
import { openSession } from '../../src/engine/session.js';
import { goldenHandshakes } from '../capture/handshakes.js';
import { cryptoFrame, RFC_CONNECTION_ID, sealInitial } from '../tls/quic/sealed-initials.js';

/** Bounds small enough that a second's flood is many times of them. */
const FLOOD_LIMITS = { maxFlows: 32_768, reassemblyBytes: 8 * 2 ** 20 };

/** What the process prints: bytes of memory of its own, and counters. */
export interface FloodReport {
  /** Before the flood, after the first half of it, and at its end. */
  readonly memory: readonly [before: number, half: number, end: number];
  readonly counters: Readonly<Record<string, number>>;
  readonly quic: Readonly<Record<string, number>>;
}

const ETHERNET = 14;
const IP = 20;
const TCP = 20;
const UDP = 8;
const RECORD = 16;
const SYN = 2;
const RST = 4;
const ACK = 16;
const LINKTYPE_ETHERNET = 1;

/** An Ethernet frame with IPv4, behind the header of FrameQueue. */
function frameOf(protocol: number, payload: Buffer): Buffer {
  const frame = Buffer.alloc(RECORD + ETHERNET + IP + payload.length);
  frame.writeUInt32LE(frame.length - RECORD, 8);
  frame.writeUInt32LE(frame.length - RECORD, 12);
  frame.writeUInt16BE(0x0800, RECORD + 12);
  const ip = RECORD + ETHERNET;
  frame[ip] = 0x45;
  frame.writeUInt16BE(IP + payload.length, ip + 2);
  frame[ip + 8] = 64;
  frame[ip + 9] = protocol;
  payload.copy(frame, ip + IP);
  return frame;
}

function segment(flags: number, offset: number, data: Buffer): Buffer {
  const tcp = Buffer.alloc(TCP);
  tcp.writeUInt16BE(443, 2);
  tcp.writeUInt32BE(1000 + (flags === SYN ? 0 : 1 + offset), 4);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  return frameOf(6, Buffer.concat([tcp, data]));
}

function datagram(data: Buffer): Buffer {
  const udp = Buffer.alloc(UDP);
  udp.writeUInt16BE(443, 2);
  udp.writeUInt16BE(UDP + data.length, 4);
  return frameOf(17, Buffer.concat([udp, data]));
}

/** The first fragment of a packet that has more. */
function fragment(): Buffer {
  const frame = frameOf(6, Buffer.alloc(1400));
  frame.writeUInt16BE(0x2000, RECORD + ETHERNET + 6);
  return frame;
}

const initial = {
  version: 1,
  destinationId: RFC_CONNECTION_ID,
  packetNumber: 0,
  frames: cryptoFrame(16_000, Buffer.alloc(64, 1)),
};

/** Keys of another connection than its id says: nobody can open it, so it waits for one that tells the keys. */
const locked = { ...initial, keyId: Buffer.alloc(8, 7), frames: Buffer.alloc(14_000) };

const hello = goldenHandshakes()[0]!.client;

/** Each flow or packet of a flood is these frames, from an address of its own. */
const floods = {
  syns: { count: 600_000, frames: () => [segment(SYN, 0, Buffer.alloc(0))] },
  'half-hellos': {
    count: 100_000,
    frames: () => [segment(SYN, 0, Buffer.alloc(0)), segment(ACK, 0, hello.subarray(0, 200))],
  },
  fragments: { count: 200_000, frames: () => [fragment()] },
  'out-of-order': {
    count: 40_000,
    frames: () => [
      segment(SYN, 0, Buffer.alloc(0)),
      ...[9, 30_000, 60_000].map((at) => segment(ACK, at, Buffer.alloc(500, 1))),
    ],
  },
  'half-initials': { count: 12_000, frames: () => [datagram(sealInitial(initial))] },
  'locked-initials': { count: 12_000, frames: () => [datagram(sealInitial(locked))] },
  servers: {
    count: 160_000,
    frames: () => [
      segment(SYN, 0, Buffer.alloc(0)),
      segment(ACK, 0, hello),
      segment(RST, hello.length, Buffer.alloc(0)),
    ],
  },
} as const satisfies Record<string, { count: number; frames: () => Buffer[] }>;

export type FloodKind = keyof typeof floods;

async function ownMemory(): Promise<number> {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.();
    await setImmediate();
  }
  if (process.platform !== 'linux') return process.memoryUsage().rss;
  return 1024 * Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

async function flood(kind: FloodKind): Promise<FloodReport> {
  const { count, frames } = floods[kind];
  const session = openSession({
    store: Store.open(':memory:'),
    sink: { write: () => undefined, ready: () => null, close: () => Promise.resolve() },
    probes: null,
    retryAfterMs: 0,
    c2Threshold: 1,
    minObservations: 1,
    helloSet: () => {
      throw new Error('there is nothing to compare');
    },
    warn: () => undefined,
  });
  const core = new PacketCore(FLOOD_LIMITS);
  core.openFrames(LINKTYPE_ETHERNET);
  const packets = frames();
  const piece = Buffer.concat(packets);
  const starts = packets.map((_, index) => packets.slice(0, index).reduce((sum, { length }) => sum + length, 0));
  const input = { in_iface: 'flood' };
  const send = async (from: number, to: number): Promise<void> => {
    for (let number = from; number < to; number++) {
      // As in a capture: what was freed is let go of between the turns of the event loop.
      if (number % 256 === 0) await setImmediate();
      for (const start of starts) {
        // Ten microseconds each: no age limit comes to the rescue.
        piece.writeUInt32LE(1_700_000_000 + Math.floor(number / 100_000), start);
        piece.writeUInt32LE((number % 100_000) * 10, start + 4);
        piece.writeUInt16BE(number & 0xffff, start + RECORD + ETHERNET + 4);
        piece.writeUInt32BE((0x0a000000 + number) >>> 0, start + RECORD + ETHERNET + 12);
        piece.writeUInt32BE((0xc0000000 + number) >>> 0, start + RECORD + ETHERNET + 16);
      }
      core.push(piece);
      while (core.state === 'more') {
        const batch = core.drain(1 << 20);
        if (batch !== null) session.engine.acceptAll(batch, () => input);
      }
    }
  };
  await send(0, 200);
  const before = await ownMemory();
  await send(200, count / 2);
  const half = await ownMemory();
  await send(count / 2, count);
  const end = await ownMemory();
  const { quic = {} } = session.stats();
  session.close();
  return { memory: [before, half, end], counters: core.counters(), quic };
}

const [kind = ''] = process.argv.slice(2);
if (kind in floods) process.stdout.write(JSON.stringify(await flood(kind as FloodKind)));
