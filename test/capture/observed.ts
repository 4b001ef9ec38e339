// Runs captures through the packet core and keeps what came out, in memory of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type {
  CaptureAnomaly,
  CaptureRecord,
  DirectionEnd,
  FlowDirection,
  TunnelPath,
} from '../../src/capture/flow-record.js';
import { openFileSource } from '../../src/capture/file-source.js';
import type { CaptureOptions } from '../../src/capture/packet-core.js';
import type { CaptureSource } from '../../src/capture/source.js';
import { openStreamSource } from '../../src/capture/stream-source.js';

export interface ObservedDirection {
  readonly hex: string;
  readonly end: DirectionEnd;
  readonly firstApplicationDataLength: number;
  readonly changeCipherSpec: boolean;
}

/** A flow without its id, which differs from run to run. */
export interface ObservedFlow {
  readonly timestamp: number;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  readonly vlan: readonly number[];
  readonly tunnels: TunnelPath | null;
  readonly client: ObservedDirection;
  readonly server: ObservedDirection;
}

export interface Observed {
  readonly flows: readonly ObservedFlow[];
  readonly flowIds: readonly number[];
  readonly anomalies: readonly CaptureAnomaly[];
  readonly counters: Readonly<Record<string, number>>;
}

/** Everything that a source yields. */
export async function observe(source: CaptureSource): Promise<Observed> {
  const flows: ObservedFlow[] = [];
  const flowIds: number[] = [];
  const anomalies: CaptureAnomaly[] = [];
  for await (const batch of source.batches()) for (const record of batch) note(record, flows, flowIds, anomalies);
  return { flows, flowIds, anomalies, counters: source.counters() };
}

/** What a capture file with these bytes gives. */
export async function observeFile(capture: Buffer, options: CaptureOptions = {}): Promise<Observed> {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-capture-'));
  try {
    const path = join(folder, 'capture');
    writeFileSync(path, capture);
    return await observe(openFileSource(path, options));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a stream gives that brings these chunks. */
export function observeStream(chunks: Iterable<Buffer>, options: CaptureOptions = {}): Promise<Observed> {
  return observe(openStreamSource('-', Readable.from(chunks, { objectMode: true }), options));
}

/** Cuts bytes into chunks of a size, or of sizes that come from a generator. */
export function* chunksOf(bytes: Buffer, size: number | (() => number)): Iterable<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const length = typeof size === 'number' ? size : size();
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** The order of flows depends on when they end; sorted they can be compared. */
export function sorted(flows: readonly ObservedFlow[]): ObservedFlow[] {
  const key = (flow: ObservedFlow): string => `${flow.clientAddress}:${flow.clientPort} ${flow.timestamp}`;
  return [...flows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function note(record: CaptureRecord, flows: ObservedFlow[], flowIds: number[], anomalies: CaptureAnomaly[]): void {
  if (record.kind === 'anomaly') {
    anomalies.push(record);
    return;
  }
  if (record.kind !== 'flow') return;
  const { timestamp, clientAddress, clientPort, serverAddress, serverPort, vlan, tunnels } = record;
  const [client, server] = [direction(record.client), direction(record.server)];
  flows.push({ timestamp, clientAddress, clientPort, serverAddress, serverPort, vlan, tunnels, client, server });
  flowIds.push(record.flowId);
}

function direction({ bytes, end, firstApplicationDataLength, changeCipherSpec }: FlowDirection): ObservedDirection {
  return { hex: Buffer.from(bytes).toString('hex'), end, firstApplicationDataLength, changeCipherSpec };
}
