// The compiled part of the capture room: its objects as they are, and the check that it is of the version that is read here.
import { HellotapError } from '../errors.js';
import { loadNativeAddon } from '../native-addon.js';

/** The version of the layout of native/core/batch.h that flow-batch.ts reads. */
export const BATCH_LAYOUT_VERSION = 4;

/** Bounds of the flow table; each has a counter that shows when it was met. */
export interface PacketCoreOptions {
  /** Flows that are kept in mind at once, 64 bytes each. */
  readonly maxFlows?: number | undefined;
  /** Bytes of all handshakes that are being put together. */
  readonly reassemblyBytes?: number | undefined;
  /** Bytes of each direction that are passed on behind the end of its clear text, for whoever has the keys; default 0. */
  readonly openingBeyond?: number | undefined;
}

/** What a file is, as its beginning tells. */
export interface CapturePeek {
  readonly packing: 'none' | 'gzip' | 'zstd';
  readonly isCapture: boolean;
  /** Microseconds since 1970 of the first packet; null where none was found near the beginning. */
  readonly firstTime: number | null;
  /** The first bytes, unpacked; none of a capture. */
  readonly head: Buffer;
}

/** `more`: drain again; `starved`: push; `ended`: the input has no more. */
export type InputState = 'more' | 'starved' | 'ended';

/** What native/binding offers of a packet core. */
export interface NativeCore {
  openFile(path: string, follow: boolean): number;
  endFollowing(file: number): void;
  dropFile(file: number): void;
  wake(): void;
  setHorizon(microseconds: number): void;
  openStream(): void;
  continueStream(header: Uint8Array, offset: number, delivered: number): void;
  openFrames(linkType: number): void;
  setFilter(expression: string, linkType: number): void;
  push(bytes: Uint8Array): void;
  endInput(): void;
  drain(batch: Uint8Array, budget: number): number;
  drainAside(batch: Uint8Array, budget: number): Promise<number>;
  finish(batch: Uint8Array): number;
  advance(microseconds: number): void;
  counters(values: Float64Array): void;
  close(): void;
  dispose(): void;
  readonly state: InputState;
  readonly linkType: number | null;
  readonly format: 'pcap' | 'pcapng' | 'unknown' | 'undecided';
  readonly openFiles: number;
  readonly front: Buffer;
}

/** What native/binding/teller-object.cc offers. */
export interface NativeTeller {
  learnOpening(opening: Uint8Array, holes: Uint32Array): number;
  describeClient(stencil: number, spans: Uint32Array, tls: Uint8Array, own: Uint8Array): void;
  describeServer(
    stencil: number,
    certificate: Uint32Array,
    tls: Uint8Array,
    own: Uint8Array,
    resumed: Uint8Array,
    isSure: boolean,
  ): void;
  learnCertificate(der: Uint8Array, holes: Uint32Array, pieces: Uint32Array, literals: Uint8Array): boolean;
  listCertificates(digests: Uint8Array): void;
  knowOwnHellos(key: Uint8Array): void;
  nameInput(input: number, member: Uint8Array): void;
  forgetInputs(): void;
  answer(
    batch: Uint8Array,
    length: number,
    at: number,
    isForAnyName: boolean,
    until: number,
    status: number,
    verdict: Uint8Array,
    client: number,
    server: number,
  ): boolean;
  forgetAnswers(): void;
  recognise(batch: Uint8Array, length: number, numbers: Uint32Array): number;
  tell(batch: Uint8Array, length: number, at: number, now: number, text: Uint8Array, told: Float64Array): void;
  readonly isUsable: boolean;
}

/** What native/binding/ring-capture-object.cc offers. */
export interface NativeRing {
  take(batch: Uint8Array): number;
  counters(core: Float64Array, ring: Float64Array): void;
  stop(): void;
  dispose(): void;
  readonly isEnded: boolean;
  readonly failure: string | null;
}

/** Of a ring; bounds of the flow tables are for all threads together. */
export interface NativeRingOptions extends PacketCoreOptions {
  readonly interface: string;
  /** Empty: every packet. */
  readonly filter: string;
  readonly ringBytes: number;
  readonly threads: number;
  readonly promiscuous: boolean;
}

export interface Addon {
  readonly layoutVersion: number;
  readonly maxRecordBytes: number;
  readonly counterNames: readonly string[];
  readonly anomalyCodes: readonly string[];
  readonly peekCapture: (path: string) => CapturePeek;
  readonly canUnpack: (packing: string) => boolean;
  readonly packetSockets: () => number[];
  readonly packetSocketStatistics: (socket: number) => [number, number] | null;
  readonly PacketCore: new (options: PacketCoreOptions) => NativeCore;
  readonly Teller: (new (reserved: Uint8Array) => NativeTeller) & {
    readonly slots: number;
    readonly maxLineBytes: number;
  };
  readonly ringCounterNames: readonly string[];
  /** Undefined off Linux. */
  readonly RingCapture: (new (options: NativeRingOptions, wake: () => void) => NativeRing) | undefined;
}

/** Of the memory that batches are read into. */
export const BATCH_BYTES = 256 * 1024;

let loaded: Addon | undefined;

/** The addon, loaded once. Throws ERR_CAPTURE_UNAVAILABLE where it is missing or of another version. */
export function loadAddon(): Addon {
  if (loaded) return loaded;
  const addon = loadNativeAddon() as Addon;
  if (addon.layoutVersion !== BATCH_LAYOUT_VERSION) {
    throw new HellotapError(
      'ERR_CAPTURE_UNAVAILABLE',
      'the native packet core is of another version; run `npm rebuild`',
    );
  }
  return (loaded = addon);
}

/** Values by their names. */
export function namedCounters(names: readonly string[], values: Float64Array): Record<string, number> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0]));
}

/** The `code` of an error that the addon threw. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
