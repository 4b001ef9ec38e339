// Whether a packet costs the same after a hundred million others: a capture of ../shared/bench/generate.py goes into
// `hellotap triage -` again and again, each time later and with other clients, so that every flow is new. Linux, after `npm run build`:
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
/** Of an Ethernet frame with IPv4, behind the record's header. */
const ADDRESSES = [RECORD_HEADER + 26, RECORD_HEADER + 30];
/** The generator's clients are in 10.0.0.0/8; of the next round in 11.0.0.0/8, and so on. */
const CLIENTS = 10;
const PIECE_BYTES = 1 << 20;
const TICKS_PER_SECOND = 100;

/** A capture in memory, cut into pieces of whole records. */
class Rounds {
  readonly #bytes: Buffer;
  readonly #pieces: { readonly begin: number; end: number; readonly records: number[] }[] = [];
  readonly #seconds: number;
  #round = 0;

  constructor(path: string) {
    const bytes = (this.#bytes = readFileSync(path));
    let last = 0;
    for (let at = FILE_HEADER; at < bytes.length;) {
      let piece = this.#pieces.at(-1);
      if (piece === undefined || at - piece.begin >= PIECE_BYTES)
        this.#pieces.push((piece = { begin: at, end: at, records: [] }));
      piece.records.push(at);
      last = bytes.readUInt32LE(at);
      at += RECORD_HEADER + bytes.readUInt32LE(at + 8);
      piece.end = at;
    }
    this.#seconds = last - bytes.readUInt32LE(FILE_HEADER) + 1;
  }

  get header(): Buffer {
    return this.#bytes.subarray(0, FILE_HEADER);
  }

  /** Each piece once, with its number of packets; the first round is the capture as it is. */
  *next(): Iterable<readonly [piece: Buffer, packets: number]> {
    const bytes = this.#bytes;
    for (const { begin, end, records } of this.#pieces) {
      if (this.#round > 0) {
        for (const at of records) {
          bytes.writeUInt32LE(bytes.readUInt32LE(at) + this.#seconds, at);
          for (const address of ADDRESSES) {
            if (bytes[at + address] === CLIENTS + this.#round - 1) bytes[at + address] = CLIENTS + this.#round;
          }
        }
      }
      yield [bytes.subarray(begin, end), records.length];
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
  await write(child.stdin, rounds.header);
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
