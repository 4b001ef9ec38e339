// Whether a packet costs the same after a hundred million others: a capture of ../shared/bench/generate.py goes into
// `hellotap triage -` again and again, each time later and with other clients, so that every flow is new. As pcapng, which the
// packet core reads itself; classic pcap on a stream goes through JavaScript. Linux, after `npm run build`:
//   node --import tsx test/bench/growth.ts CAPTURE.pcap [--packets 100e6]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import type { HellotapEvent } from '../../src/output/event.js';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
const INTERFACE_BLOCK = 1;
const PACKET_BLOCK = 6;
/** What stands before the frame in an enhanced packet block, and where the halves of its time are. */
const PACKET_HEAD = 28;
const TIME_AT = [12, 16] as const;
/** Of an Ethernet frame with IPv4. */
const ADDRESSES = [PACKET_HEAD + 26, PACKET_HEAD + 30];
/** The generator's clients are in 10.0.0.0/8; of the next round in 11.0.0.0/8, and so on. */
const CLIENTS = 10;
const PIECE_BYTES = 1 << 20;
const TICKS_PER_SECOND = 100;

function block(type: number, body: Buffer): Buffer {
  const length = 12 + ((body.length + 3) & ~3);
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(length, 4);
  body.copy(bytes, 8);
  bytes.writeUInt32LE(length, length - 4);
  return bytes;
}

/** A section and an interface: Ethernet, microseconds. */
const HEADER = Buffer.concat([
  block(SECTION_HEADER_BLOCK, Buffer.from('4d3c2b1a01000000ffffffffffffffff', 'hex')),
  block(INTERFACE_BLOCK, Buffer.from('0100000000000400', 'hex')),
]);

/** A capture in memory, in pieces of whole blocks. */
class Rounds {
  readonly #pieces: { readonly bytes: Buffer; readonly packets: number[] }[] = [];
  readonly #duration: bigint;
  #round = 0;

  /** @param path of a classic pcap, little-endian, microseconds */
  constructor(path: string) {
    const bytes = readFileSync(path);
    let blocks: Buffer[] = [];
    let held = 0;
    let first = -1n;
    let last = 0n;
    const cut = (): void => {
      const packets: number[] = [];
      for (let at = 0, index = 0; index < blocks.length; at += blocks[index++]!.length) packets.push(at);
      this.#pieces.push({ bytes: Buffer.concat(blocks), packets });
      blocks = [];
      held = 0;
    };
    for (let at = FILE_HEADER; at < bytes.length;) {
      const captured = bytes.readUInt32LE(at + 8);
      last = BigInt(bytes.readUInt32LE(at)) * 1_000_000n + BigInt(bytes.readUInt32LE(at + 4));
      if (first < 0n) first = last;
      const body = Buffer.alloc(PACKET_HEAD - 8 + captured);
      body.writeUInt32LE(Number(last >> 32n), 4);
      body.writeUInt32LE(Number(last & 0xffff_ffffn), 8);
      bytes.copy(body, 12, at + 8, at + RECORD_HEADER + captured);
      const packet = block(PACKET_BLOCK, body);
      blocks.push(packet);
      held += packet.length;
      if (held >= PIECE_BYTES) cut();
      at += RECORD_HEADER + captured;
    }
    cut();
    this.#duration = last - first + 1_000_000n;
  }

  /** Each piece once, with its number of packets; the first round is the capture as it is. */
  *next(): Iterable<readonly [piece: Buffer, packets: number]> {
    const [high, low] = TIME_AT;
    const step = Number(this.#duration);
    for (const { bytes, packets } of this.#pieces) {
      for (const at of this.#round > 0 ? packets : []) {
        const time = bytes.readUInt32LE(at + high) * 2 ** 32 + bytes.readUInt32LE(at + low) + step;
        bytes.writeUInt32LE(Math.floor(time / 2 ** 32), at + high);
        bytes.writeUInt32LE(time % 2 ** 32, at + low);
        for (const address of ADDRESSES) {
          if (bytes[at + address] === CLIENTS + this.#round - 1) bytes[at + address] = CLIENTS + this.#round;
        }
      }
      yield [bytes, packets.length];
    }
    this.#round++;
  }
}

function write(to: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** CPU seconds so far, and own memory in MiB. */
function usage(pid: number): { readonly cpu: number; readonly own: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const own = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, own: Number(own) / 1024 };
}

const { values, positionals } = parseArgs({
  options: { packets: { type: 'string', default: '100e6' } },
  allowPositionals: true,
});
const [capture = ''] = positionals;
const most = Number(values.packets);
const scratch = mkdtempSync(join(tmpdir(), 'hellotap-growth-'));
try {
  const main = join(import.meta.dirname, '../../dist/cli/main.js');
  const options = ['--format', 'jsonl', '--quiet', '--database', join(scratch, 'db')];
  const child = spawn(process.execPath, [main, 'triage', '-', ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
  let events = 0;
  let tail = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) events++;
    tail = (tail + text).slice(-65_536);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));

  const rounds = new Rounds(capture);
  await write(child.stdin, HEADER);
  let sent = 0;
  let from = { packets: 0, cpu: 0 };
  let mark = Math.min(1e6, most);
  console.log('| packets | CPU µs per packet | own memory MiB |\n|---|---|---|');
  while (sent < most) {
    for (const [piece, packets] of rounds.next()) {
      await write(child.stdin, piece);
      sent += packets;
      if (sent < mark) continue;
      const { cpu, own } = usage(child.pid!);
      const each = ((cpu - from.cpu) * 1e6) / (sent - from.packets);
      console.log(`| ${from.packets} to ${sent} | ${each.toFixed(3)} | ${own.toFixed(0)} |`);
      from = { packets: sent, cpu };
      if (sent >= most) break;
      mark = Math.min(10 * mark, most);
    }
  }
  child.stdin.end();
  const code = await ended;
  const stats = JSON.parse(tail.trimEnd().split('\n').at(-1) ?? '') as HellotapEvent;
  const counters = stats.event_type === 'stats' ? stats.stats['capture'] : undefined;
  const { packets = 0, flowsEmitted = 0 } = typeof counters === 'object' ? counters : {};
  console.log(`exit code ${code}: ${sent} packets sent, ${packets} read; ${flowsEmitted} flows, ${events - 1} events`);
  if (packets !== sent || code !== 0) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true });
}
