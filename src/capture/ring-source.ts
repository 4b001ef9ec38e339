// Live traffic through our own AF_PACKET ring (Linux). Native threads read the ring and follow the flows; here their batches are
// taken one by one, so that however slow the reader is, no packet waits for it.
import { setImmediate } from 'node:timers/promises';
import { HellotapError } from '../errors.js';
import { FlowBatch } from './flow-batch.js';
import type { CaptureRecord } from './flow-record.js';
import { listInterfaces } from './interfaces.js';
import { captureDenied, interfaceDown, noSuchInterface } from './live-errors.js';
import type { OpenLiveOptions } from './live-options.js';
import { BATCH_BYTES, codeOf, loadAddon, namedCounters, type Addon, type NativeRing } from './packet-addon.js';
import type { CaptureCounters, CaptureSource } from './source.js';

/** How often it is looked whether the interface is up. */
const LOOK_MS = 500;

/** What libpcap calls all interfaces together. */
const ALL_INTERFACES = 'any';
const NOT_ALL = 'the ring watches one interface; --capture cap watches them all as `any`';

type RingCounter =
  | 'kernelReceived'
  | 'kernelDropped'
  | 'ringFreezes'
  | 'damagedBlocks'
  | 'queueDropped'
  | 'interfaceDowns'
  | 'interfaceReturns';

class RingSource implements CaptureSource {
  readonly kind = 'live';
  readonly #addon: Addon;
  readonly #ring: NativeRing;
  readonly #coreValues: Float64Array;
  readonly #ringValues: Float64Array;
  readonly #notify: (text: string) => void;
  #wake: (() => void) | null = null;
  #isClosed = false;
  #told = { downs: 0, returns: 0 };

  /** @throws what the addon throws */
  constructor(
    readonly name: string,
    addon: Addon,
    RingCapture: NonNullable<Addon['RingCapture']>,
    options: OpenLiveOptions,
  ) {
    this.#addon = addon;
    this.#coreValues = new Float64Array(addon.counterNames.length);
    this.#ringValues = new Float64Array(addon.ringCounterNames.length);
    this.#notify = options.notify ?? (() => undefined);
    this.#ring = new RingCapture(
      {
        ...options,
        interface: name,
        filter: options.filter ?? '',
        ringBytes: options.bufferBytes,
        threads: options.threads ?? 1,
        promiscuous: options.promiscuous ?? true,
      },
      () => {
        this.#wake?.();
      },
    );
  }

  readonly inputs = 1;

  inputName(): string {
    return this.name;
  }

  async *batches(): AsyncIterable<Iterable<CaptureRecord>> {
    const memory = new Uint8Array(BATCH_BYTES);
    const ring = this.#ring;
    const look = setInterval(() => {
      this.#tellInterface();
    }, LOOK_MS);
    try {
      for (;;) {
        const length = ring.take(memory);
        if (length > 0) {
          yield new FlowBatch(memory, length, this.#addon.anomalyCodes);
          // Timers and sockets get their turn, also while there is always a next batch.
          await setImmediate();
        } else if (ring.isEnded) {
          break;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = null;
        }
      }
      if (ring.failure !== null && !this.#isClosed) throw this.#lost(ring.failure);
    } finally {
      clearInterval(look);
      ring.dispose();
    }
  }

  /**
   * Beside the core's: `kernelReceived` and `kernelDropped` (packets), `ringFreezes` (how often the ring was full), `queueDropped`
   * (records for which the reader was too slow), `interfaceDowns`, `interfaceReturns`, `damagedBlocks`.
   */
  counters(): CaptureCounters {
    this.#ring.counters(this.#coreValues, this.#ringValues);
    return {
      packets: 0,
      bytes: 0,
      ...namedCounters(this.#addon.counterNames, this.#coreValues),
      ...namedCounters(this.#addon.ringCounterNames, this.#ringValues),
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#ring.stop();
  }

  #tellInterface(): void {
    const { interfaceDowns: downs = 0, interfaceReturns: returns = 0 } = this.counters() as Partial<
      Record<RingCounter, number>
    >;
    if (downs > this.#told.downs) this.#notify(`interface ${this.name} went down; watching goes on once it is back`);
    if (returns > this.#told.returns) this.#notify(`interface ${this.name} is back`);
    this.#told = { downs, returns };
  }

  #lost(reason: string): HellotapError {
    return new HellotapError(
      'ERR_CAPTURE_LOST',
      `${this.name} was made anew and cannot be followed: ${reason}; several capture threads need CAP_NET_RAW for that, one does not`,
    );
  }
}

/** Starts to capture on an interface; rejects as openLiveSource does. */
export async function openRingSource(name: string, options: OpenLiveOptions): Promise<CaptureSource> {
  const addon = loadAddon();
  const { RingCapture } = addon;
  if (RingCapture === undefined) {
    throw new HellotapError('ERR_CAPTURE_UNAVAILABLE', 'the ring is there on Linux only; use --capture cap');
  }
  try {
    return new RingSource(name, addon, RingCapture, options);
  } catch (cause) {
    switch (codeOf(cause)) {
      case 'ENODEV': {
        if (name === ALL_INTERFACES) throw new HellotapError('ERR_CAPTURE_OPEN', NOT_ALL, { cause });
        const names = (await listInterfaces()).map((one) => one.name);
        throw noSuchInterface(
          name,
          names.filter((one) => one !== ALL_INTERFACES),
        );
      }
      case 'ENETDOWN':
        throw interfaceDown(name, cause);
      case 'ERR_CAPTURE_PERMISSION':
        throw captureDenied(name, cause);
      case 'ERR_USAGE':
        throw new HellotapError('ERR_USAGE', `filter \`${options.filter ?? ''}\`: ${wordsOf(cause)}`, { cause });
      case 'ERR_CAPTURE_UNAVAILABLE':
        throw new HellotapError('ERR_CAPTURE_UNAVAILABLE', `cannot capture on ${name}: ${wordsOf(cause)}`, { cause });
      case 'ERR_CAPTURE_OPEN':
        throw new HellotapError(
          'ERR_CAPTURE_OPEN',
          `cannot capture on ${name}: ${wordsOf(cause)}; a smaller --buffer-size may help, or --capture cap`,
          { cause },
        );
      default:
        throw cause;
    }
  }
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
