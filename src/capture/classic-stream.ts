// A classic pcap on a stream, read by the package `pcap-parser`. It knows no nanoseconds, cannot find its way back after damage,
// and grows without bound on a length that is wrong: so the magic is put into a form that it knows, every record header is checked,
// and at the first that makes no sense the packet core's own reader takes over at that very byte.
import { EventEmitter } from 'node:events';
import { parse, type Packet, type PacketHeader } from 'pcap-parser';
import { FramePacker } from './frame-packer.js';

export const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** What libpcap and Wireshark read at most of one packet. */
const MAX_CAPTURED = 262_144;

/** Magic numbers of https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html, as read big-endian. */
type ByteOrder = 'big' | 'little';
const MICROSECONDS: ReadonlyMap<number, ByteOrder> = new Map([
  [0xa1b2c3d4, 'big'],
  [0xd4c3b2a1, 'little'],
]);
const NANOSECONDS: ReadonlyMap<number, ByteOrder> = new Map([
  [0xa1b23c4d, 'big'],
  [0x4d3cb2a1, 'little'],
]);

/** Whether `pcap-parser` can read what begins like this, with our help. */
export function isClassicHeader(header: Buffer): boolean {
  if (header.length < FILE_HEADER_BYTES) return false;
  const magic = header.readUInt32BE(0);
  const order = MICROSECONDS.get(magic) ?? NANOSECONDS.get(magic);
  if (order === undefined) return false;
  const version =
    order === 'big'
      ? [header.readUInt16BE(4), header.readUInt16BE(6)]
      : [header.readUInt16LE(4), header.readUInt16LE(6)];
  return version[0] === 2 && version[1] === 4;
}

/** A stream that `pcap-parser` listens to, and that we give chunks to when we want them read. */
class ChunkStream extends EventEmitter {
  pause(): void {
    // Chunks come only when the reader below hands them on.
  }

  resume(): void {
    // Likewise.
  }
}

/**
 * What is left for another reader: everything from `offset` on that has come so far. It begins with the last record that was read,
 * of `delivered` bytes, for if its length is wrong there are others in it.
 */
export interface Leftover {
  readonly offset: number;
  readonly delivered: number;
  readonly chunks: readonly Buffer[];
}

/** Reads a classic pcap chunk by chunk into packed frames. */
export class ClassicStreamReader {
  readonly linkType: number;
  readonly #stream = new ChunkStream();
  readonly #packer = new FramePacker();
  readonly #fractionsPerSecond: number;
  /** Chunks from the last record on that was read, and where the first of them begins. */
  #chunks: Buffer[] = [];
  #chunksAt = FILE_HEADER_BYTES;
  /** Where the last record begins that was read, and the one that is being read. */
  #previousAt = FILE_HEADER_BYTES;
  #recordAt = FILE_HEADER_BYTES;
  #isDamaged = false;

  /** `header`: the file header, for which isClassicHeader is true. */
  constructor(header: Buffer) {
    const magic = header.readUInt32BE(0);
    const nanoseconds = NANOSECONDS.get(magic);
    this.#fractionsPerSecond = nanoseconds ? 1e9 : 1e6;
    const isBigEndian = (nanoseconds ?? MICROSECONDS.get(magic)) === 'big';
    const network = isBigEndian ? header.readUInt32BE(20) : header.readUInt32LE(20);
    // The upper half tells of frame check sequences.
    this.linkType = network & 0xffff;

    const parser = parse(this.#stream);
    parser.on('packetHeader', (record) => {
      if (!this.#isDamaged && !this.#isOrdinary(record)) this.#isDamaged = true;
    });
    parser.on('packet', (packet) => {
      if (!this.#isDamaged) this.#add(packet);
    });
    const known = Buffer.from(header.subarray(0, FILE_HEADER_BYTES));
    known.writeUInt32BE(isBigEndian ? 0xa1b2c3d4 : 0xd4c3b2a1, 0);
    this.#stream.emit('data', known);
  }

  /** Whether a record came that makes no sense; from then on `leftover` has to be read by somebody else. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** Reads a chunk; returns the frames that it completed, packed, and valid until the next call. */
  read(chunk: Buffer): Uint8Array {
    this.#chunks.push(chunk);
    this.#stream.emit('data', chunk);
    this.#dropRead();
    return this.#packer.take();
  }

  leftover(): Leftover {
    return { offset: this.#chunksAt, delivered: this.#recordAt - this.#previousAt, chunks: this.#chunks };
  }

  #isOrdinary(record: PacketHeader): boolean {
    return (
      record.capturedLength > 0 &&
      record.capturedLength <= MAX_CAPTURED &&
      record.originalLength >= record.capturedLength &&
      record.timestampMicroseconds < this.#fractionsPerSecond
    );
  }

  #add({ header, data }: Packet): void {
    const fraction = header.timestampMicroseconds;
    const microseconds = this.#fractionsPerSecond === 1e6 ? fraction : Math.floor(fraction / 1000);
    this.#packer.add(header.timestampSeconds, microseconds, data, data.length, header.originalLength);
    this.#previousAt = this.#recordAt;
    this.#recordAt += RECORD_HEADER_BYTES + data.length;
  }

  /** Lets go of what lies before the last record that was read. */
  #dropRead(): void {
    for (let first = this.#chunks[0]; first; first = this.#chunks[0]) {
      const read = this.#previousAt - this.#chunksAt;
      if (read < first.length) {
        if (read > 0) this.#chunks[0] = first.subarray(read);
        this.#chunksAt = this.#previousAt;
        return;
      }
      this.#chunks.shift();
      this.#chunksAt += first.length;
    }
  }
}
