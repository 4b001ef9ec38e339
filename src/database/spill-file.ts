// A file for what does not fit into memory. It has no name once it is open, so that nothing stays behind, however the process ends.

import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';

/** Where in the file something stands, in bytes. */
export interface SpilledPiece {
  readonly start: number;
  readonly length: number;
}

/** Throws ERR_DATABASE_WRITE. */
export class SpillFile {
  readonly #file: number;
  #end = 0;

  constructor(readonly folder: string) {
    const path = join(folder, `.hellotap-${randomUUID()}`);
    this.#file = this.#try(() => openSync(path, 'wx+', 0o600));
    this.#try(() => {
      unlinkSync(path);
    });
  }

  write(bytes: Uint8Array): SpilledPiece {
    const start = this.#end;
    for (let done = 0; done < bytes.length;) {
      done += this.#try(() => writeSync(this.#file, bytes, done, bytes.length - done, start + done));
    }
    this.#end += bytes.length;
    return { start, length: bytes.length };
  }

  /** Reads a piece to the beginning of `memory`. */
  read({ start, length }: SpilledPiece, memory: Uint8Array): void {
    for (let done = 0; done < length;) {
      const read = this.#try(() => readSync(this.#file, memory, done, length - done, start + done));
      if (read === 0) throw new Error(`a temporary file ends at byte ${start + done}`);
      done += read;
    }
  }

  #try<T>(body: () => T): T {
    try {
      return body();
    } catch (cause) {
      const reason = `${systemReason(cause)} for temporary files of an import`;
      throw new HellotapError('ERR_DATABASE_WRITE', `${this.folder}: ${reason}`, { cause });
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
