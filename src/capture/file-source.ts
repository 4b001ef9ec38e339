// Capture files as one source: read by the packet core in slices, so that timers and sockets get their turn in between.
// Several files are one stream in order of time. A flow that begins in one and ends in the next is one flow, and where
// captures overlap, like those of two taps, their packets are interleaved.
import { setImmediate } from 'node:timers/promises';
import { inOrderOfTime, type DatedCapture } from './capture-order.js';
import type { FlowBatch } from './flow-batch.js';
import { InputFiles, type FileSourceOptions } from './input-files.js';
import { PacketCore } from './packet-core.js';
import type { CaptureCounters, CaptureSource } from './source.js';

/** Bytes of packets that are read without letting anything else happen: about ten milliseconds. */
export const SLICE_BYTES = 32 * 1024 * 1024;

/** Captures that may overlap: each that is open takes a buffer or two, and a file descriptor. */
const MAX_OPEN = 16;

class FileSource implements CaptureSource {
  readonly kind = 'file';
  readonly name: string;
  readonly #paths: readonly string[];
  readonly #core: PacketCore;
  readonly #inputs: InputFiles;
  #late = 0;
  #closed = false;

  constructor(paths: readonly string[], options: FileSourceOptions) {
    this.name = paths[0] ?? '';
    this.#paths = paths;
    this.#core = new PacketCore(options);
    this.#inputs = new InputFiles(this.#core, options);
  }

  get inputs(): number {
    return this.#inputs.count;
  }

  inputName(input: number): string {
    return this.#inputs.nameOf(input) ?? this.name;
  }

  async *batches(): AsyncIterable<FlowBatch> {
    const core = this.#core;
    try {
      const waiting = this.#paths.length > 1 ? inOrderOfTime(this.#paths) : this.#paths.map(undated);
      for (let next = waiting.shift(); next !== undefined && !this.#closed; next = waiting.shift()) {
        this.#inputs.open(next.path);
        const following = waiting[0];
        if (following === undefined) core.setHorizon(Infinity);
        else core.setHorizon(following.firstTime ?? 0);
        yield* this.#drain(() => true);
        if (following !== undefined && core.openFiles >= MAX_OPEN) {
          this.#late++;
          core.setHorizon(Infinity);
          yield* this.#drain(() => core.openFiles >= MAX_OPEN);
        }
      }
      for (let batch = core.finish(); batch; batch = core.finish()) yield batch;
    } finally {
      core.dispose();
    }
  }

  /** `capturesLate`: captures that had to wait because too many others overlapped, so their packets came late. */
  counters(): CaptureCounters {
    return { ...this.#core.counters(), capturesLate: this.#late };
  }

  close(): void {
    this.#closed = true;
  }

  async *#drain(isWanted: () => boolean): AsyncIterable<FlowBatch> {
    const core = this.#core;
    let { bytes: readBytes } = core.counters();
    while (!this.#closed && core.state === 'more' && isWanted()) {
      const batch = core.drain(SLICE_BYTES);
      if (batch) yield batch;
      const { bytes } = core.counters();
      if (bytes - readBytes >= SLICE_BYTES) {
        readBytes = bytes;
        await setImmediate();
      }
    }
  }
}

const undated = (path: string): DatedCapture => ({ path, firstTime: null });

/**
 * Capture files as one stream. Nothing is opened before the iteration, which throws ERR_USAGE where the filter is wrong,
 * and ERR_CAPTURE_OPEN or ERR_CAPTURE_FORMAT, with the file's name and what is wrong with it, unless `onFailure` takes them.
 */
export function openFiles(paths: readonly string[], options: FileSourceOptions = {}): CaptureSource {
  return new FileSource(paths, options);
}

/** One capture file. */
export function openFileSource(path: string, options: FileSourceOptions = {}): CaptureSource {
  return openFiles([path], options);
}
