// Captures that are still being written as one source, like `tail -F`: what comes behind the end of a file is waited for,
// and so is the next file of a rotation, in a folder or in place of the one before. Ends when it is closed.
import { statSync, type Stats } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { firstTimeOf, inOrderOfTime } from './capture-order.js';
import { SLICE_BYTES } from './file-source.js';
import { InputFiles, type FileSourceOptions } from './input-files.js';
import type { FlowBatch } from './flow-batch.js';
import { capturesIn } from './open-captures.js';
import { PacketCore } from './packet-core.js';
import type { CaptureCounters, CaptureSource } from './source.js';

/** How often files are looked at for more, and how often for others, which takes at most a twentieth of the time. */
const POLL_MS = 200;
const SCAN_MS = 1000;
const SCAN_SHARE = 20;

/** Files that may still grow: of more, the one that was begun first ends where it ends then. */
const MAX_OPEN = 16;

/** Captures by the time of their first packets, to tell one that was moved or compressed from a new one. */
const MAX_REMEMBERED = 100_000;

/** A file as it was seen last. */
interface Followed {
  readonly input: number;
  readonly inode: number;
  size: number;
  /** Null until its first packet is there. */
  firstTime: number | null;
}

class FollowSource implements CaptureSource {
  readonly kind = 'file';
  readonly name: string;
  readonly #files: readonly string[];
  readonly #folders: readonly string[];
  readonly #core: PacketCore;
  readonly #closing = new AbortController();
  readonly #inputs: InputFiles;
  /** By path, in the order in which they were begun. */
  readonly #followed = new Map<string, Followed>();
  readonly #firstTimes = new Set<number>();
  #nextScan = 0;

  constructor(paths: readonly string[], options: FileSourceOptions) {
    this.name = paths[0] ?? '';
    this.#folders = paths.filter((path) => statSync(path).isDirectory());
    this.#files = paths.filter((path) => !this.#folders.includes(path));
    this.#core = new PacketCore(options);
    this.#inputs = new InputFiles(this.#core, options);
  }

  get inputs(): number {
    return this.#inputs.count;
  }

  inputName(input: number): string {
    return this.#inputs.nameOf(input) ?? this.name;
  }

  counters(): CaptureCounters {
    return this.#core.counters();
  }

  close(): void {
    this.#closing.abort();
  }

  async *batches(): AsyncIterable<FlowBatch> {
    const { signal } = this.#closing;
    const core = this.#core;
    try {
      yield* this.#readWhatIsThere();
      while (!signal.aborted) {
        yield* this.#drain();
        await setTimeout(POLL_MS, undefined, { signal }).catch(() => undefined);
        this.#dropOverwritten();
        if (performance.now() >= this.#nextScan) this.#scan();
        core.wake();
      }
      for (let batch = core.finish(); batch; batch = core.finish()) yield batch;
    } finally {
      core.dispose();
    }
  }

  /** The captures that are there already, as one stream in order of time. */
  async *#readWhatIsThere(): AsyncIterable<FlowBatch> {
    const waiting = inOrderOfTime([...new Set([...this.#files, ...this.#inFolders()])]);
    for (const [index, { path }] of waiting.entries()) {
      if (this.#closing.signal.aborted) return;
      this.#begin(path);
      const following = waiting[index + 1];
      this.#core.setHorizon(following === undefined ? Infinity : (following.firstTime ?? 0));
      yield* this.#drain();
    }
  }

  /** Lets go of files that were begun anew in place: what is where reading would go on belongs to another capture. */
  #dropOverwritten(): void {
    for (const [path, known] of this.#followed) {
      const status = statusOf(path);
      if (status?.ino !== known.inode) continue;
      const firstTime = known.firstTime === null ? null : firstTimeOf(path);
      if (status.size < known.size || firstTime !== known.firstTime) {
        this.#core.dropFile(known.input);
        this.#followed.delete(path);
        this.#nextScan = 0;
      } else {
        known.size = status.size;
      }
    }
  }

  /** Begins what has appeared since the last look: in folders, and in place of files that are followed; the oldest first. */
  #scan(): void {
    const begun = performance.now();
    const paths = [...new Set([...this.#files, ...this.#inFolders()])].filter((path) => this.#isNew(path));
    for (const { path } of inOrderOfTime(paths)) this.#begin(path);
    const now = performance.now();
    this.#nextScan = now + Math.max(SCAN_MS, SCAN_SHARE * (now - begun));
  }

  /** Whether a path has a capture behind it that was not begun yet. */
  #isNew(path: string): boolean {
    const status = statusOf(path);
    const firstTime = firstTimeOf(path);
    // Before the first packet nothing tells it from one that was read under another name.
    if (status === null || firstTime === null || this.#firstTimes.has(firstTime)) return false;
    const known = this.#followed.get(path);
    const isSame = known?.firstTime === null && known.inode === status.ino && known.size <= status.size;
    if (isSame) {
      known.firstTime = firstTime;
      this.#remember(firstTime);
    }
    return !isSame;
  }

  #begin(path: string): void {
    const before = this.#followed.get(path);
    if (before !== undefined) this.#end(path, before);
    const status = statusOf(path);
    if (status === null) return;
    const firstTime = firstTimeOf(path);
    // One that is in a folder joins when its first packet is there.
    if (firstTime === null && !this.#files.includes(path)) return;
    if (firstTime !== null && this.#firstTimes.has(firstTime)) return;
    const input = this.#inputs.open(path, { follow: true });
    if (input === null) return;
    this.#followed.set(path, { input, inode: status.ino, size: status.size, firstTime });
    if (firstTime !== null) this.#remember(firstTime);
    if (this.#core.openFiles <= MAX_OPEN) return;
    const [oldest] = this.#followed;
    if (oldest !== undefined) this.#end(...oldest);
  }

  #remember(firstTime: number): void {
    const [oldest] = this.#firstTimes;
    if (oldest !== undefined && this.#firstTimes.size >= MAX_REMEMBERED) this.#firstTimes.delete(oldest);
    this.#firstTimes.add(firstTime);
  }

  #end(path: string, { input }: Followed): void {
    this.#core.endFollowing(input);
    this.#followed.delete(path);
  }

  #inFolders(): string[] {
    return this.#folders.flatMap((folder) => {
      try {
        return capturesIn(folder, () => undefined);
      } catch {
        // It may come back.
        return [];
      }
    });
  }

  async *#drain(): AsyncIterable<FlowBatch> {
    const core = this.#core;
    while (!this.#closing.signal.aborted && core.state === 'more') {
      const batch = core.drain(SLICE_BYTES);
      if (batch) yield batch;
      await setImmediate();
    }
  }
}

function statusOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/**
 * Captures that are still being written: files, and folders to which a rotation adds files. Throws what node:fs throws
 * where one is not there; the iteration throws as that of openFiles.
 */
export function openFollowSource(paths: readonly string[], options: FileSourceOptions = {}): CaptureSource {
  return new FollowSource(paths, options);
}
