// The files that one packet core reads, by their number: opened with errors as ours, and what events call them.
import { HellotapError } from '../errors.js';
import { describeFormat } from './capture-magic.js';
import { codeOf } from './packet-addon.js';
import type { CaptureOptions, PacketCore } from './packet-core.js';

/** Ethernet: what a filter is checked against where the packets bring their own link types. */
const LINKTYPE_ETHERNET = 1;

export interface FileSourceOptions extends CaptureOptions {
  /** A file could not be read; the others are. Absent: that ends the reading, as an error. */
  readonly onFailure?: ((error: HellotapError) => void) | undefined;
}

/** The inputs of a core that are files. */
export class InputFiles {
  readonly #core: PacketCore;
  readonly #options: FileSourceOptions;
  readonly #names: string[] = [];

  constructor(core: PacketCore, options: FileSourceOptions) {
    this.#core = core;
    this.#options = options;
  }

  get count(): number {
    return this.#names.length;
  }

  nameOf(input: number): string | undefined {
    return this.#names[input];
  }

  /** Opens a file; its number, null where that failed and `onFailure` took it. The filter is set with the first one. */
  open(path: string, how: { readonly follow?: boolean } = {}): number | null {
    let input: number;
    try {
      input = openInto(this.#core, path, how);
    } catch (error) {
      if (!(error instanceof HellotapError) || this.#options.onFailure === undefined) throw error;
      this.#options.onFailure(error);
      return null;
    }
    this.#names.push(path);
    if (this.#names.length === 1) setFilterOf(this.#core, this.#options);
    return input;
  }
}

/** Opens a file in a core, with errors as ours: ERR_CAPTURE_OPEN or ERR_CAPTURE_FORMAT. */
export function openInto(core: PacketCore, path: string, options: { readonly follow?: boolean } = {}): number {
  try {
    return core.openFile(path, options);
  } catch (cause) {
    if (codeOf(cause) === 'ERR_CAPTURE_OPEN') {
      throw new HellotapError('ERR_CAPTURE_OPEN', `cannot open ${path}: ${(cause as Error).message}`, { cause });
    }
    if (codeOf(cause) === 'ERR_CAPTURE_FORMAT') {
      throw new HellotapError('ERR_CAPTURE_FORMAT', `${path}: ${describeFormat(path)}`, { cause });
    }
    throw cause;
  }
}

/** Sets the filter, checked against the link type of the file that was opened last. Throws ERR_USAGE where it is wrong. */
export function setFilterOf(core: PacketCore, { filter }: CaptureOptions): void {
  core.setFilter(filter ?? '', core.linkType ?? LINKTYPE_ETHERNET);
}
