// Live traffic through the optional package `cap` (libpcap). Frames are gathered for some milliseconds and handed to the packet core
// together. What the kernel dropped is read from cap's packet socket, for cap itself does not tell (Linux; 0 elsewhere).
import { networkInterfaces } from 'node:os';
import type { Cap } from 'cap';
import { HellotapError } from '../errors.js';
import { BatchQueue } from './batch-queue.js';
import type { CaptureRecord } from './flow-record.js';
import { FramePacker } from './frame-packer.js';
import { captureDevices, loadCap, type CapClass } from './load-cap.js';
import type { PacketCoreOptions } from './packet-addon.js';
import { PacketCore, packetSockets } from './packet-core.js';
import { captureDenied, interfaceDown, noSuchInterface } from './live-errors.js';
import type { OpenLiveOptions } from './live-options.js';
import type { CaptureCounters, CaptureSource } from './source.js';

/** cap sets a snap length of 65535 bytes. */
const FRAME_BYTES = 65_536;
/** Frames are handed over when there are so many bytes or frames of them, or after so long. */
const FLUSH_BYTES = 512 * 1024;
const FLUSH_FRAMES = 1024;
const FLUSH_MS = 20;
const CLOCK_MS = 1000;
const BUDGET_BYTES = 1e12;

/** LINKTYPE_ values for the names that `cap` has; it names others `Unknown linktype N`. */
const LINK_TYPES: ReadonlyMap<string, number> = new Map([
  ['NULL', 0],
  ['ETHERNET', 1],
  ['RAW', 12],
  ['LINKTYPE_LINUX_SLL', 113],
  ['IEEE802_11_RADIO', 127],
]);

/**
 * Every capture that was ever opened, or that failed to: cap's destructor, run by the garbage collector, touches what
 * Node.js has taken apart and ends the process. A process opens one, so nothing grows.
 */
const neverCollected: Cap[] = [];

class CapSource implements CaptureSource {
  readonly kind = 'live';
  readonly #cap: Cap;
  readonly #buffer: Buffer;
  readonly #core: PacketCore;
  readonly #sockets: readonly number[];
  readonly #packer = new FramePacker();
  readonly #queue = new BatchQueue();
  readonly #clock: NodeJS.Timeout;
  #flushTimer: NodeJS.Timeout | null = null;
  #wallClock = 0;
  #monotonic = 0;
  #received = 0;
  #dropped = 0;
  #truncated = 0;
  #closed = false;

  constructor(
    readonly name: string,
    opened: OpenedCap,
    options: PacketCoreOptions,
  ) {
    this.#cap = opened.cap;
    this.#buffer = opened.buffer;
    this.#sockets = opened.sockets;
    this.#core = new PacketCore(options);
    this.#core.openFrames(opened.linkType);
    this.#cap.on('packet', (bytes, truncated) => {
      this.#onPacket(bytes, truncated);
    });
    this.#clock = setInterval(() => {
      this.#onClock();
    }, CLOCK_MS);
  }

  readonly inputs = 1;

  inputName(): string {
    return this.name;
  }

  batches(): AsyncIterable<Iterable<CaptureRecord>> {
    return this.#queue.read();
  }

  /** Beside the core's: `kernelReceived`, `kernelDropped` (Linux), `queueDropped` (records) and `truncatedPackets`. */
  counters(): CaptureCounters {
    this.#takeKernelCounts();
    return {
      ...this.#core.counters(),
      kernelReceived: this.#received,
      kernelDropped: this.#dropped,
      queueDropped: this.#queue.dropped,
      truncatedPackets: this.#truncated,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#takeKernelCounts();
    this.#closed = true;
    clearInterval(this.#clock);
    this.#cap.close();
    this.#flush();
    for (let batch = this.#core.finish(); batch; batch = this.#core.finish()) this.#queue.push(batch);
    this.#core.dispose();
    this.#queue.end();
  }

  #onPacket(bytes: number, truncated: boolean): void {
    if (this.#closed) return;
    // One look at the wall clock per batch; between, time runs monotonically.
    const monotonic = performance.now();
    if (this.#packer.count === 0) {
      this.#wallClock = Date.now();
      this.#monotonic = monotonic;
    }
    const milliseconds = this.#wallClock + (monotonic - this.#monotonic);
    const seconds = Math.floor(milliseconds / 1000);
    const microseconds = Math.floor((milliseconds - seconds * 1000) * 1000);
    if (truncated) this.#truncated++;
    this.#packer.add(seconds, microseconds, this.#buffer, bytes, truncated ? bytes + 1 : bytes);
    // Under load cap hands over packets in a loop that lets no timer run.
    if (this.#packer.count >= FLUSH_FRAMES || this.#packer.byteLength >= FLUSH_BYTES) {
      this.#flush();
    } else {
      this.#flushTimer ??= setTimeout(() => {
        this.#flush();
      }, FLUSH_MS);
    }
  }

  #flush(): void {
    if (this.#flushTimer) clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    if (this.#packer.count === 0) return;
    this.#core.push(this.#packer.take());
    this.#drain();
  }

  #drain(): void {
    while (this.#core.state === 'more') {
      const batch = this.#core.drain(BUDGET_BYTES);
      if (batch) this.#queue.push(batch);
    }
  }

  /** Flows end by time-out also while no packets come. */
  #onClock(): void {
    this.#flush();
    this.#core.advance(Date.now() * 1000);
    this.#core.push(this.#packer.take());
    this.#drain();
  }

  #takeKernelCounts(): void {
    if (this.#closed) return;
    for (const socket of this.#sockets) {
      const counts = packetSockets.takeStatistics(socket);
      if (!counts) continue;
      this.#received += counts[0];
      this.#dropped += counts[1];
    }
  }
}

interface OpenedCap {
  readonly cap: Cap;
  readonly buffer: Buffer;
  readonly linkType: number;
  /** The packet sockets that cap opened for this capture. */
  readonly sockets: readonly number[];
}

function openCap(CapType: CapClass, name: string, filter: string, bufferBytes: number): OpenedCap {
  const cap = new CapType();
  neverCollected.push(cap);
  const buffer = Buffer.alloc(FRAME_BYTES);
  const before = new Set(packetSockets.list());
  const linkName = cap.open(name, filter, bufferBytes, buffer);
  return {
    cap,
    buffer,
    linkType: LINK_TYPES.get(linkName) ?? Number(/\d+$/.exec(linkName)?.[0] ?? 0xffff),
    sockets: packetSockets.list().filter((socket) => !before.has(socket)),
  };
}

/** libpcap's words as one of our errors. */
function explain(cause: unknown, name: string, filter: string): HellotapError {
  const words = cause instanceof Error ? cause.message : String(cause);
  if (/filter|syntax|expression/i.test(words)) {
    return new HellotapError('ERR_USAGE', `filter \`${filter}\`: ${words}`, { cause });
  }
  if (/permission|permitted/i.test(words)) return captureDenied(name, cause);
  if (/not up|down/i.test(words)) return interfaceDown(name, cause);
  return new HellotapError('ERR_CAPTURE_OPEN', `cannot capture on ${name}: ${words}`, { cause });
}

/** Starts to capture on an interface; throws as openLiveSource rejects. */
export function openCapSource(name: string, options: OpenLiveOptions): CaptureSource {
  const CapType = loadCap();
  const known = new Set([...captureDevices(CapType).map((device) => device.name), ...Object.keys(networkInterfaces())]);
  if (!known.has(name)) throw noSuchInterface(name, [...known]);
  if (options.promiscuous === false) {
    const message = 'the package `cap` always captures promiscuously; it cannot leave the interface in its mode';
    throw new HellotapError('ERR_CAPTURE_UNAVAILABLE', message);
  }
  const filter = options.filter ?? '';
  try {
    const opened = openCap(CapType, name, filter, options.bufferBytes);
    return new CapSource(name, opened, options);
  } catch (error) {
    throw error instanceof HellotapError ? error : explain(error, name, filter);
  }
}
