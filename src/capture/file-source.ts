// A capture file as a source: mapped by the packet core and read in slices, so that timers and sockets get their turn in between.
import { setImmediate } from 'node:timers/promises';
import { HellotapError } from '../errors.js';
import { describeFormat } from './capture-magic.js';
import { PacketCore, type PacketCoreOptions } from './packet-core.js';
import type { CaptureRecord } from './flow-record.js';
import type { CaptureCounters, CaptureSource } from './source.js';

/** Bytes of packets that are read without letting anything else happen: about ten milliseconds. */
const SLICE_BYTES = 32 * 1024 * 1024;

class FileSource implements CaptureSource {
  readonly kind = 'file';
  readonly #core: PacketCore;
  #closed = false;

  constructor(
    readonly name: string,
    core: PacketCore,
  ) {
    this.#core = core;
  }

  async *batches(): AsyncIterable<Iterable<CaptureRecord>> {
    const core = this.#core;
    let readBytes = 0;
    while (!this.#closed && core.state === 'more') {
      const batch = core.drain(SLICE_BYTES);
      if (batch) yield batch;
      const { bytes } = core.counters();
      if (bytes - readBytes >= SLICE_BYTES) {
        readBytes = bytes;
        await setImmediate();
      }
    }
    core.close();
    for (let batch = core.finish(); batch; batch = core.finish()) yield batch;
  }

  counters(): CaptureCounters {
    return this.#core.counters();
  }

  close(): void {
    this.#closed = true;
  }
}

/** Opens a capture file. Throws ERR_CAPTURE_OPEN or ERR_CAPTURE_FORMAT, with the file's name and what is wrong with it. */
export function openFileSource(path: string, options: PacketCoreOptions = {}): CaptureSource {
  const core = new PacketCore(options);
  try {
    core.openFile(path);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    if (error.code === 'ERR_CAPTURE_OPEN') {
      throw new HellotapError('ERR_CAPTURE_OPEN', `cannot open ${path}: ${error.message}`, { cause: error });
    }
    if (error.code === 'ERR_CAPTURE_FORMAT') {
      throw new HellotapError('ERR_CAPTURE_FORMAT', `${path}: ${describeFormat(path)}`, { cause: error });
    }
    throw error;
  }
  return new FileSource(path, core);
}
