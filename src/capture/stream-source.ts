// A capture that comes on a stream, like standard input: classic pcap through `pcap-parser`; pcapng, what is compressed, and all
// that is unusual through the packet core's own reader. What the stream brings is read at once, so flows are told while the capture is still being made.
import type { Readable } from 'node:stream';
import { HellotapError } from '../errors.js';
import { describeHead, describePacked, isCaptureHead, packingOf } from './capture-magic.js';
import { ClassicStreamReader, FILE_HEADER_BYTES, isClassicHeader } from './classic-stream.js';
import type { CaptureRecord } from './flow-record.js';
import { PacketCore, type CaptureOptions } from './packet-core.js';
import type { CaptureCounters, CaptureSource } from './source.js';

/** Ethernet: what a filter is checked against where the packets bring their own link types. */
const LINKTYPE_ETHERNET = 1;
const BUDGET_BYTES = 32 * 1024 * 1024;

class StreamSource implements CaptureSource {
  readonly kind = 'stream';
  readonly #stream: Readable;
  readonly #core: PacketCore;
  readonly #filter: string;
  #head = Buffer.alloc(0);
  #isOpen = false;
  #packing: 'gzip' | 'zstd' | null = null;
  #classic: ClassicStreamReader | null = null;
  #closed = false;

  constructor(
    readonly name: string,
    stream: Readable,
    options: CaptureOptions,
  ) {
    this.#stream = stream;
    this.#core = new PacketCore(options);
    this.#filter = options.filter ?? '';
  }

  get inputs(): number {
    return this.#isOpen ? 1 : 0;
  }

  inputName(): string {
    return this.name;
  }

  async *batches(): AsyncIterable<Iterable<CaptureRecord>> {
    try {
      for await (const chunk of this.#chunks()) yield* this.#read(chunk);
      yield* this.#end();
    } finally {
      this.#core.dispose();
    }
  }

  counters(): CaptureCounters {
    return this.#core.counters();
  }

  close(): void {
    this.#closed = true;
    this.#stream.destroy();
  }

  get #label(): string {
    return this.name === '-' ? 'standard input' : this.name;
  }

  /** What the stream brings until it ends or the source is closed, with its errors as ours. */
  async *#chunks(): AsyncIterable<Buffer> {
    try {
      for await (const chunk of this.#stream) {
        yield chunk as Buffer;
        if (this.#closed) return;
      }
    } catch (cause) {
      // Closing the source destroys the stream, of which its iterator complains.
      if (this.#closed) return;
      throw new HellotapError('ERR_CAPTURE_OPEN', `cannot read ${this.#label}: ${messageOf(cause)}`, { cause });
    }
  }

  *#read(chunk: Buffer): Iterable<Iterable<CaptureRecord>> {
    if (this.#isOpen) {
      yield* this.#feed(chunk);
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length < FILE_HEADER_BYTES) return;
    this.#open();
    const header = this.#head.subarray(0, FILE_HEADER_BYTES);
    const rest = this.#head.subarray(FILE_HEADER_BYTES);
    this.#head = Buffer.from(header);
    if (!this.#classic) yield* this.#feed(header);
    yield* this.#feed(rest);
  }

  /** Chooses the reader by what has come so far, which is at least a file header, or all there is. */
  #open(): void {
    this.#packing = packingOf(this.#head);
    if (this.#packing === null && !isCaptureHead(this.#head)) {
      throw new HellotapError('ERR_CAPTURE_FORMAT', `${this.#label}: ${describeHead(this.#head)}`);
    }
    this.#isOpen = true;
    if (isClassicHeader(this.#head)) {
      this.#classic = new ClassicStreamReader(this.#head);
      this.#core.openFrames(this.#classic.linkType);
    } else {
      this.#core.openStream();
    }
    this.#core.setFilter(this.#filter, this.#classic?.linkType ?? LINKTYPE_ETHERNET);
  }

  *#feed(chunk: Buffer): Iterable<Iterable<CaptureRecord>> {
    if (!this.#classic) {
      this.#core.push(chunk);
      yield* this.#drain();
      return;
    }
    this.#core.push(this.#classic.read(chunk));
    yield* this.#drain();
    if (this.#classic.isDamaged) yield* this.#takeOver(this.#classic);
  }

  /** The packet core's own reader goes on where `pcap-parser` cannot. */
  *#takeOver(classic: ClassicStreamReader): Iterable<Iterable<CaptureRecord>> {
    const { offset, delivered, chunks } = classic.leftover();
    this.#classic = null;
    this.#core.continueStream(this.#head, offset, delivered);
    for (const chunk of chunks) yield* this.#feed(chunk);
  }

  *#end(): Iterable<Iterable<CaptureRecord>> {
    if (!this.#isOpen) {
      if (this.#closed) return;
      this.#open();
      yield* this.#feed(this.#head);
    }
    // A record that was cut off is read as far as it goes, and reported.
    if (this.#classic) yield* this.#takeOver(this.#classic);
    this.#core.endInput();
    yield* this.#drain();
    for (let batch = this.#core.finish(); batch; batch = this.#core.finish()) yield batch;
  }

  *#drain(): Iterable<Iterable<CaptureRecord>> {
    while (this.#core.state === 'more') {
      const batch = this.#core.drain(BUDGET_BYTES);
      // What is in something compressed shows only now.
      if (this.#packing !== null && this.#core.format === 'unknown') {
        const reason = describePacked(this.#packing, this.#core.front);
        throw new HellotapError('ERR_CAPTURE_FORMAT', `${this.#label}: ${reason}`);
      }
      if (batch) yield batch;
    }
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/**
 * A capture on a stream; `name` is `-` for standard input, else a path. What it is shows only when it comes, so the iteration is
 * what throws ERR_CAPTURE_FORMAT, ERR_CAPTURE_OPEN, and ERR_USAGE where the filter is wrong.
 */
export function openStreamSource(name: string, stream: Readable, options: CaptureOptions = {}): CaptureSource {
  return new StreamSource(name, stream, options);
}
