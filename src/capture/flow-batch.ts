// Reads the packed records that the packet core writes. The layout is native/core/batch.h: change both.
// What stands in a flow's record is read when it is asked for.
import { ipv4Text, ipv6Text } from './address-text.js';
import type {
  CaptureAnomaly,
  CaptureRecord,
  DirectionEnd,
  FlowDirection,
  FlowRecord,
  QuicRecord,
  SecretsRecord,
  TunnelLayer,
  TunnelPath,
  TunnelType,
} from './flow-record.js';
import type { Answer, Teller } from './teller.js';

/** In the order of the native enumeration of the same name (native/flow/tls-gate.h). */
const DIRECTION_ENDS: readonly DirectionEnd[] = [
  'none',
  'open',
  'change_cipher_spec',
  'application_data',
  'fin',
  'rst',
  'gap',
  'limit',
  'not_tls',
];
const LAYERS: readonly CaptureAnomaly['layer'][] = ['capture', 'link', 'network', 'transport'];

/** Kinds of records. */
const FLOW = 1;
const QUIC = 3;
const SECRETS = 4;

/** Number of the IP protocol. */
const UDP = 17;

/** Offsets in a FlowRecordHeader. */
const Flow = {
  ipVersion: 5,
  clientEnd: 6,
  serverEnd: 7,
  flowId: 8,
  timestamp: 16,
  clientAddress: 24,
  serverAddress: 40,
  clientPort: 56,
  serverPort: 58,
  changeCipherSpec: 60,
  vlanCount: 61,
  headerBytes: 62,
  clientBytes: 64,
  serverBytes: 68,
  clientFirstApplicationData: 72,
  serverFirstApplicationData: 76,
  vlan: 80,
  input: 88,
  size: 96,
} as const;

/** Offsets in an AnomalyRecordHeader. */
const Anomaly = {
  layer: 5,
  code: 6,
  offset: 8,
  timestamp: 16,
  detailBytes: 24,
  damage: 26,
  input: 28,
  detail: 32,
} as const;

/** Offsets in a QuicRecordHeader. */
const Quic = {
  ipVersion: 5,
  vlanCount: 6,
  flowId: 8,
  timestamp: 16,
  sourceAddress: 24,
  destinationAddress: 40,
  sourcePort: 56,
  destinationPort: 58,
  payloadBytes: 60,
  headerBytes: 62,
  vlan: 64,
  input: 72,
  size: 80,
} as const;

/** Offsets in Tunnels (native/link/envelope.h), which follows a header that says that it is longer than it is. */
const Tunnel = {
  count: 0,
  depth: 1,
  version: 2,
  protocol: 3,
  sourcePort: 4,
  destinationPort: 6,
  source: 8,
  destination: 24,
  ids: 40,
  kinds: 72,
} as const;

/** In the order of the native enumeration TunnelKind (native/link/envelope.h). */
const TUNNELS: readonly { readonly type: TunnelType; readonly hasId: boolean }[] = [
  { type: 'mpls', hasId: true },
  { type: 'pppoe', hasId: true },
  { type: 'gre', hasId: false },
  { type: 'gre', hasId: true },
  { type: 'erspan', hasId: false },
  { type: 'erspan', hasId: true },
  { type: 'pptp', hasId: true },
  { type: 'vxlan', hasId: true },
  { type: 'geneve', hasId: true },
  { type: 'gtp', hasId: true },
  { type: 'ipip', hasId: false },
  { type: 'teredo', hasId: false },
  { type: 'capwap', hasId: false },
];

/** Offsets in a SecretsRecordHeader. */
const Secrets = { textBytes: 8, input: 12, text: 16 } as const;

const NO_VLAN: readonly number[] = [];
const NO_STENCILS = new Uint32Array(0);
const utf8 = new TextDecoder();

class PackedDirection implements FlowDirection {
  readonly #memory: Uint8Array;
  readonly #begin: number;
  readonly #length: number;
  #bytes: Uint8Array | undefined;

  constructor(
    memory: Uint8Array,
    begin: number,
    length: number,
    readonly end: DirectionEnd,
    readonly firstApplicationDataLength: number,
    readonly changeCipherSpec: boolean,
  ) {
    this.#memory = memory;
    this.#begin = begin;
    this.#length = length;
  }

  get bytes(): Uint8Array {
    // Not subarray, which takes twice as long.
    const { buffer, byteOffset } = this.#memory;
    return (this.#bytes ??= new Uint8Array(buffer, byteOffset + this.#begin, this.#length));
  }
}

class PackedFlow implements FlowRecord {
  readonly kind = 'flow';
  readonly #memory: Uint8Array;
  readonly #view: DataView;
  readonly #at: number;

  constructor(
    memory: Uint8Array,
    view: DataView,
    at: number,
    readonly clientStencil: number,
    readonly serverStencil: number,
  ) {
    this.#memory = memory;
    this.#view = view;
    this.#at = at;
  }

  get flowId(): number {
    return this.#view.getFloat64(this.#at + Flow.flowId, true);
  }

  get timestamp(): number {
    return this.#view.getFloat64(this.#at + Flow.timestamp, true);
  }

  get input(): number {
    return this.#view.getUint32(this.#at + Flow.input, true);
  }

  get clientAddress(): string {
    return this.#address(Flow.clientAddress);
  }

  get clientPort(): number {
    return this.#view.getUint16(this.#at + Flow.clientPort, true);
  }

  get serverAddress(): string {
    return this.#address(Flow.serverAddress);
  }

  get serverPort(): number {
    return this.#view.getUint16(this.#at + Flow.serverPort, true);
  }

  get vlan(): readonly number[] {
    return vlanIds(this.#view, this.#at + Flow.vlan, this.#view.getUint8(this.#at + Flow.vlanCount));
  }

  get tunnels(): TunnelPath | null {
    const headerBytes = this.#view.getUint16(this.#at + Flow.headerBytes, true);
    return headerBytes > Flow.size ? readTunnels(this.#view, this.#at + Flow.size) : null;
  }

  get client(): FlowDirection {
    const view = this.#view;
    const at = this.#at;
    return new PackedDirection(
      this.#memory,
      at + view.getUint16(at + Flow.headerBytes, true),
      view.getUint32(at + Flow.clientBytes, true),
      directionEnd(view.getUint8(at + Flow.clientEnd)),
      view.getUint32(at + Flow.clientFirstApplicationData, true),
      (view.getUint8(at + Flow.changeCipherSpec) & 1) !== 0,
    );
  }

  get server(): FlowDirection {
    const view = this.#view;
    const at = this.#at;
    return new PackedDirection(
      this.#memory,
      at + view.getUint16(at + Flow.headerBytes, true) + view.getUint32(at + Flow.clientBytes, true),
      view.getUint32(at + Flow.serverBytes, true),
      directionEnd(view.getUint8(at + Flow.serverEnd)),
      view.getUint32(at + Flow.serverFirstApplicationData, true),
      (view.getUint8(at + Flow.changeCipherSpec) & 2) !== 0,
    );
  }

  #address(offset: number): string {
    const view = this.#view;
    const at = this.#at + offset;
    return view.getUint8(this.#at + Flow.ipVersion) === 4 ? ipv4Text(view.getUint32(at, true)) : ipv6Text(view, at);
  }
}

function directionEnd(value: number): DirectionEnd {
  return DIRECTION_ENDS[value] ?? 'open';
}

function vlanIds(view: DataView, at: number, count: number): readonly number[] {
  if (count === 0) return NO_VLAN;
  return Array.from({ length: count }, (_, index) => view.getUint16(at + 2 * index, true));
}

function addressText(view: DataView, at: number, version: number): string {
  return version === 4 ? ipv4Text(view.getUint32(at, true)) : ipv6Text(view, at);
}

function readTunnels(view: DataView, at: number): TunnelPath {
  const layers = Array.from({ length: view.getUint8(at + Tunnel.count) }, (_, index): TunnelLayer => {
    const { type, hasId } = TUNNELS[view.getUint8(at + Tunnel.kinds + index)] ?? { type: 'ipip', hasId: false };
    return hasId ? { type, id: view.getUint32(at + Tunnel.ids + 4 * index, true) } : { type };
  });
  const depth = view.getUint8(at + Tunnel.depth);
  if (depth === 0) return { layers, outer: null };
  const version = view.getUint8(at + Tunnel.version);
  const protocol = view.getUint8(at + Tunnel.protocol);
  const port = (offset: number): number | null => (protocol === UDP ? view.getUint16(at + offset, true) : null);
  const outer = {
    sourceAddress: addressText(view, at + Tunnel.source, version),
    destinationAddress: addressText(view, at + Tunnel.destination, version),
    sourcePort: port(Tunnel.sourcePort),
    destinationPort: port(Tunnel.destinationPort),
    protocol,
    depth,
  };
  return { layers, outer };
}

function readQuic(memory: Uint8Array, view: DataView, at: number): QuicRecord {
  const version = view.getUint8(at + Quic.ipVersion);
  const headerBytes = view.getUint16(at + Quic.headerBytes, true);
  const begin = at + headerBytes;
  return {
    kind: 'quic',
    flowId: view.getFloat64(at + Quic.flowId, true),
    timestamp: view.getFloat64(at + Quic.timestamp, true),
    input: view.getUint32(at + Quic.input, true),
    sourceAddress: addressText(view, at + Quic.sourceAddress, version),
    sourcePort: view.getUint16(at + Quic.sourcePort, true),
    destinationAddress: addressText(view, at + Quic.destinationAddress, version),
    destinationPort: view.getUint16(at + Quic.destinationPort, true),
    vlan: vlanIds(view, at + Quic.vlan, view.getUint8(at + Quic.vlanCount)),
    tunnels: headerBytes > Quic.size ? readTunnels(view, at + Quic.size) : null,
    datagram: memory.subarray(begin, begin + view.getUint16(at + Quic.payloadBytes, true)),
  };
}

function readAnomaly(memory: Uint8Array, view: DataView, at: number, codes: readonly string[]): CaptureAnomaly {
  const offset = view.getFloat64(at + Anomaly.offset, true);
  const timestamp = view.getFloat64(at + Anomaly.timestamp, true);
  const detail = at + Anomaly.detail;
  return {
    kind: 'anomaly',
    code: codes[view.getUint16(at + Anomaly.code, true)] ?? 'unknown',
    layer: LAYERS[view.getUint8(at + Anomaly.layer)] ?? 'capture',
    offset: offset < 0 ? null : offset,
    timestamp: timestamp < 0 ? null : timestamp,
    damage: view.getUint16(at + Anomaly.damage, true) !== 0,
    input: view.getUint32(at + Anomaly.input, true),
    detail: utf8.decode(memory.subarray(detail, detail + view.getUint16(at + Anomaly.detailBytes, true))),
  };
}

function readSecrets(memory: Uint8Array, view: DataView, at: number): SecretsRecord {
  const begin = at + Secrets.text;
  return {
    kind: 'secrets',
    input: view.getUint32(at + Secrets.input, true),
    text: memory.subarray(begin, begin + view.getUint32(at + Secrets.textBytes, true)),
  };
}

/** The records of one batch, valid until the memory is written to again. */
export class FlowBatch implements Iterable<CaptureRecord> {
  readonly #memory: Uint8Array;
  readonly #length: number;
  readonly #view: DataView;
  readonly #codes: readonly string[];
  /** Two for each record, or none at all: those of the stencils that its openings fit. */
  #stencils: Uint32Array = NO_STENCILS;

  /** `length`: how many bytes of `memory` are used. `codes`: the names of anomalies, as the addon has them. */
  constructor(memory: Uint8Array, length: number, codes: readonly string[]) {
    this.#memory = memory;
    this.#length = length;
    this.#view = new DataView(memory.buffer, memory.byteOffset, length);
    this.#codes = codes;
  }

  /** The same records in memory of their own, for when they have to wait. */
  copy(): FlowBatch {
    return new FlowBatch(this.#memory.slice(0, this.#length), this.#length, this.#codes);
  }

  /** Holds all openings against the stencils; the flows say from then on which ones fit. Until another batch is recognised. */
  recognise(teller: Teller): void {
    this.#stencils = teller.recognise(this.#memory, this.#length);
  }

  /** Has flows told from the record at `at` on; the teller says how far it came. */
  tell(teller: Teller, at: number, now: number, text: Uint8Array): void {
    teller.tell(this.#memory, this.#length, at, now, text);
  }

  /** Tells the teller what to say of the server of the flow at `at`. */
  answer(teller: Teller, at: number, answer: Answer): void {
    teller.answer(this.#memory, this.#length, at, answer);
  }

  get byteLength(): number {
    return this.#length;
  }

  /** The record at `at`, whose openings are known to fit these stencils, and where the next one begins. */
  recordAt(at: number, client: number, server: number): { readonly record: CaptureRecord; readonly end: number } {
    return { record: this.#record(at, client, server), end: at + this.#view.getUint32(at, true) };
  }

  *[Symbol.iterator](): Iterator<CaptureRecord> {
    const stencils = this.#stencils;
    for (let at = 0, index = 0; at < this.#length; at += this.#view.getUint32(at, true), index += 2) {
      yield this.#record(at, stencils[index] ?? 0, stencils[index + 1] ?? 0);
    }
  }

  #record(at: number, client: number, server: number): CaptureRecord {
    const memory = this.#memory;
    const view = this.#view;
    switch (view.getUint8(at + 4)) {
      case FLOW:
        return new PackedFlow(memory, view, at, client, server);
      case QUIC:
        return readQuic(memory, view, at);
      case SECRETS:
        return readSecrets(memory, view, at);
      default:
        return readAnomaly(memory, view, at, this.#codes);
    }
  }
}
