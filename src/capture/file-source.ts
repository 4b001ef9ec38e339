// A capture file as a source: read by the packet core in slices, so that timers and sockets get their turn in between.
import { setImmediate } from 'node:timers/promises';
import { HellotapError } from '../errors.js';
import { describeFormat } from './capture-magic.js';
import { codeOf, PacketCore, type CaptureOptions } from './packet-core.js';
import type { CaptureRecord } from './flow-record.js';
import type { CaptureCounters, CaptureSource } from './source.js';

/** Ethernet: what a filter is checked against where the packets bring their own link types. */
const LINKTYPE_ETHERNET = 1;

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
    try {
      while (!this.#closed && core.state === 'more') {
        const batch = core.drain(SLICE_BYTES);
        if (batch) yield batch;
        const { bytes } = core.counters();
        if (bytes - readBytes >= SLICE_BYTES) {
          readBytes = bytes;
          await setImmediate();
        }
      }
      for (let batch = core.finish(); batch; batch = core.finish()) yield batch;
    } finally {
      core.dispose();
    }
  }

  counters(): CaptureCounters {
    return this.#core.counters();
  }

  close(): void {
    this.#closed = true;
  }
}

/**
 * Opens a capture file. Throws ERR_CAPTURE_OPEN or ERR_CAPTURE_FORMAT, with the file's name and what is wrong with it, and ERR_USAGE
 * where the filter is wrong.
 */
export function openFileSource(path: string, options: CaptureOptions = {}): CaptureSource {
  const core = new PacketCore(options);
  try {
    core.openFile(path);
  } catch (cause) {
    if (codeOf(cause) === 'ERR_CAPTURE_OPEN') {
      throw new HellotapError('ERR_CAPTURE_OPEN', `cannot open ${path}: ${(cause as Error).message}`, { cause });
    }
    if (codeOf(cause) === 'ERR_CAPTURE_FORMAT') {
      throw new HellotapError('ERR_CAPTURE_FORMAT', `${path}: ${describeFormat(path)}`, { cause });
    }
    throw cause;
  }
  core.setFilter(options.filter ?? '', core.linkType ?? LINKTYPE_ETHERNET);
  return new FileSource(path, core);
}
