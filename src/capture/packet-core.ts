// The typed shell around the native packet core: turns its calls into batches of records.
// One core reads capture files in order of time, or a stream, or frames; what it follows goes on from one to the next.
import { HellotapError } from '../errors.js';
import { FlowBatch } from './flow-batch.js';
import {
  BATCH_BYTES,
  codeOf,
  loadAddon,
  namedCounters,
  type CapturePeek,
  type InputState,
  type NativeCore,
  type PacketCoreOptions,
} from './packet-addon.js';
import type { CaptureCounters } from './source.js';

/** How captures are read. */
export interface CaptureOptions extends PacketCoreOptions {
  /** In tcpdump's language; packets that don't match are not looked at. */
  readonly filter?: string | undefined;
}

/** Looks at the beginning of a file. Throws an Error with `code` ERR_CAPTURE_OPEN. */
export function peekCapture(path: string): CapturePeek {
  return loadAddon().peekCapture(path);
}

/** Whether the library is there that unpacks this. */
export function canUnpack(packing: 'gzip' | 'zstd'): boolean {
  return loadAddon().canUnpack(packing);
}

/** The kernel's counts for packet sockets that a library opened in this process; empty off Linux. */
export const packetSockets = {
  /** File descriptors of those that are open. */
  list: (): readonly number[] => loadAddon().packetSockets(),
  /** What one received (dropped packets included) and dropped since the last call; null where that can't be told. */
  takeStatistics: (socket: number): readonly [received: number, dropped: number] | null =>
    loadAddon().packetSocketStatistics(socket),
};

/** A packet core with its flow table. */
export class PacketCore {
  readonly #addon = loadAddon();
  readonly #native: NativeCore;
  readonly #memory = new Uint8Array(BATCH_BYTES);
  readonly #values = new Float64Array(this.#addon.counterNames.length);

  /** Throws ERR_CAPTURE_UNAVAILABLE where the addon or the memory for the table is missing. */
  constructor(options: PacketCoreOptions = {}) {
    this.#native = new this.#addon.PacketCore(options);
  }

  get state(): InputState {
    return this.#native.state;
  }

  /** Of the file that was opened last, if it is a classic pcap; else null. */
  get linkType(): number | null {
    return this.#native.linkType;
  }

  /** The first bytes of a stream that are not read yet, unpacked. */
  get front(): Buffer {
    return this.#native.front;
  }

  /** What a stream turned out to be. */
  get format(): 'pcap' | 'pcapng' | 'unknown' | 'undecided' {
    return this.#native.format;
  }

  /** Files that are not read to their end. */
  get openFiles(): number {
    return this.#native.openFiles;
  }

  /**
   * Opens a capture file, which joins those that are being read: packets are taken from all in order of time. The answer
   * is its number as an input. Throws an Error with `code` ERR_CAPTURE_OPEN or ERR_CAPTURE_FORMAT.
   * @param follow it is still being written: where it ends is no end (`ended` means that there is no more right now)
   */
  openFile(path: string, { follow = false } = {}): number {
    return this.#native.openFile(path, follow);
  }

  /** A file that was followed ends where it ends now. */
  endFollowing(file: number): void {
    this.#native.endFollowing(file);
  }

  /** A file ends with what was read of it. */
  dropFile(file: number): void {
    this.#native.dropFile(file);
  }

  /** Looks anew whether files that are followed have more. */
  wake(): void {
    this.#native.wake();
  }

  /** Packets of files that are later than this (microseconds since 1970) wait, until the horizon is moved. */
  setHorizon(microseconds: number): void {
    this.#native.setHorizon(microseconds);
  }

  /** Opens a capture that is pushed in pieces. */
  openStream(): void {
    this.#native.openStream();
  }

  /**
   * Opens the rest of a classic pcap with this file header, of which somebody else has read what lies before `offset`, and the
   * record of `delivered` bytes (with its header) that is pushed first.
   */
  continueStream(header: Uint8Array, offset: number, delivered: number): void {
    this.#native.continueStream(header, offset, delivered);
  }

  /** Opens an input of frames of one link type (LINKTYPE_ value of tcpdump.org), pushed as a FrameQueue packs them. */
  openFrames(linkType: number): void {
    this.#native.openFrames(linkType);
  }

  /**
   * Looks at matching packets only; an empty expression matches all. It is checked against a link type at once, and compiled for
   * others as they come. Throws ERR_USAGE, or ERR_CAPTURE_UNAVAILABLE where libpcap is missing.
   */
  setFilter(expression: string, linkType: number): void {
    try {
      this.#native.setFilter(expression, linkType);
    } catch (cause) {
      if (codeOf(cause) === 'ERR_USAGE') {
        throw new HellotapError('ERR_USAGE', `filter \`${expression}\`: ${(cause as Error).message}`, { cause });
      }
      if (codeOf(cause) === 'ERR_CAPTURE_UNAVAILABLE') {
        const message = 'filter expressions need libpcap; install it (on Debian: apt-get install libpcap0.8)';
        throw new HellotapError('ERR_CAPTURE_UNAVAILABLE', message, { cause });
      }
      throw cause;
    }
  }

  /** Hands over the next piece of the input; what came before has to be drained. */
  push(bytes: Uint8Array): void {
    this.#native.push(bytes);
  }

  /** Nothing more will be pushed. */
  endInput(): void {
    this.#native.endInput();
  }

  /** Reads on, about `budget` bytes of frames; null where that brought nothing. See `state` for how to go on. */
  drain(budget: number): FlowBatch | null {
    return this.#batch(this.#native.drain(this.#memory, budget));
  }

  /**
   * The same in another thread, into `memory` of BATCH_BYTES, in which the batch is valid as long as that is left alone. Until
   * it is done nothing may be asked of the core but its counters, which stand still.
   */
  async drainAside(memory: Uint8Array, budget: number): Promise<FlowBatch | null> {
    return this.#batch(await this.#native.drainAside(memory, budget), memory);
  }

  /** After the end of all input: the flows that are still open, batch by batch, then null. */
  finish(): FlowBatch | null {
    return this.#batch(this.#native.finish(this.#memory));
  }

  /** Moves the clock of the time-outs while no packets come (microseconds since 1970). */
  advance(microseconds: number): void {
    this.#native.advance(microseconds);
  }

  /** Lets go of the input. */
  close(): void {
    this.#native.close();
  }

  /** Gives all memory back; only the counters stay. What the garbage collector sees of a core is too little for it to hurry. */
  dispose(): void {
    this.#native.dispose();
  }

  counters(): CaptureCounters {
    this.#native.counters(this.#values);
    return { packets: 0, bytes: 0, ...namedCounters(this.#addon.counterNames, this.#values) };
  }

  #batch(length: number, memory: Uint8Array = this.#memory): FlowBatch | null {
    return length === 0 ? null : new FlowBatch(memory, length, this.#addon.anomalyCodes);
  }
}
