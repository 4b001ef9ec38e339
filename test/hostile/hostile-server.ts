// Servers that misbehave, for real: a TCP server on loopback that answers each Client Hello with what a test writes, and
// the bytes that such answers are made of (RFC 5246, RFC 8446).
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { loadHelloSet } from '../../src/probe/hello-set-file.js';
import type { ProbeResult } from '../../src/probe/probe-result.js';
import { Prober } from '../../src/probe/prober.js';
import type { ProberOptions } from '../../src/probe/prober-options.js';
import { decodeClientHello } from '../../src/tls/client-hello.js';
import type { ClientHello } from '../../src/tls/client-hello.js';
import { LEGACY_SUITES } from '../../src/tls/crypto/cipher-suites.js';

const helloSet = loadHelloSet(join(import.meta.dirname, '../../samples/hello-sets/atsf-2022'));

/** What a server does once the Client Hello is there. */
export type Misbehaviour = (socket: Socket, hello: ClientHello) => void;

export interface Encounter {
  readonly result: ProbeResult;
  readonly tookMs: number;
}

/** Runs `body` with a server that misbehaves; `connections` counts what it has accepted. */
export async function withServer<T>(
  { onConnect, onHello }: { onConnect?: (socket: Socket) => void; onHello?: Misbehaviour },
  body: (port: number, connections: () => number) => Promise<T>,
): Promise<T> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    onConnect?.(socket);
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      if (onHello === undefined || bytes.length > 65_535) return;
      bytes = Buffer.concat([bytes, chunk]);
      const length = bytes.length < 5 ? Infinity : 5 + bytes.readUInt16BE(3);
      if (bytes.length < length) return;
      const decoded = decodeClientHello(Uint8Array.from(bytes.subarray(9, length)));
      bytes = Buffer.alloc(65_536);
      if (decoded.kind === 'message') onHello(socket, decoded.value);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await body((server.address() as AddressInfo).port, () => accepted);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** Server and prober share this process: where the clock shall not decide, a busy machine has to be given time. */
export const PATIENT = {
  rate: 0,
  perServerRate: 0,
  perServerConcurrency: 10,
  connectTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  retries: 0,
} satisfies Partial<ProberOptions>;

/** Where the clock alone ends a handshake, it may be soon. */
export const IMPATIENT = { handshakeTimeoutMs: 600 } satisfies Partial<ProberOptions>;

export function newProber(options: Partial<ProberOptions> = {}): Prober {
  return new Prober({ helloSet, ...PATIENT, ...options });
}

/** Probes a server that misbehaves with all ten hellos. */
export async function encounter(
  behaviour: Parameters<typeof withServer>[0],
  options: Partial<ProberOptions> = {},
): Promise<Encounter> {
  return withServer(behaviour, async (port) => {
    const began = performance.now();
    const result = await newProber(options).probe({ address: '127.0.0.1', port, serverName: 'lab.test' });
    if (result === null) throw new Error('not probed');
    return { result, tookMs: performance.now() - began };
  });
}

/** Writes the same bytes again and again, as fast as they are taken, until the connection is gone. */
export function flood(socket: Socket, bytes: Uint8Array): void {
  const many = Buffer.concat(Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes));
  const pour = (): void => {
    while (!socket.destroyed && socket.writable) if (!socket.write(many)) return;
  };
  socket.on('drain', pour);
  pour();
}

export function record(type: number, payload: Uint8Array, version = 0x0303): Buffer {
  const header = Buffer.from([type, version >> 8, version & 0xff, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([header, payload]);
}

/** A handshake message in as many records as it takes. */
export function handshake(type: number, body: Uint8Array, announced = body.length): Buffer {
  const message = Buffer.concat([
    Buffer.from([type, announced >> 16, (announced >> 8) & 0xff, announced & 0xff]),
    body,
  ]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += 16_384) records.push(record(22, message.subarray(at, at + 16_384)));
  return Buffer.concat(records);
}

export const alert = (level: number, description: number): Buffer => record(21, Uint8Array.of(level, description));

/** Whether the client would go on with TLS 1.3. */
export function offersTls13(hello: ClientHello): boolean {
  return hello.supportedVersions?.includes(0x0304) === true;
}

/** A ServerHello that the client goes on with, or a HelloRetryRequest. `extensions`: the block without its length. */
export function serverHello(
  hello: ClientHello,
  { extensions, random, tls13 = false }: { extensions?: Uint8Array; random?: Uint8Array; tls13?: boolean } = {},
): Buffer {
  const suites = Array.from(hello.cipherSuites);
  const suite = tls13 ? 0x1301 : (suites.find((candidate) => LEGACY_SUITES.has(candidate)) ?? 0xc02f);
  const block = extensions ?? new Uint8Array(0);
  const lengthOfBlock = Buffer.from([block.length >> 8, block.length & 0xff]);
  const parts = [Buffer.from([3, 3]), random ?? Buffer.alloc(32, 7), Buffer.from([hello.sessionId.length])];
  parts.push(Buffer.from(hello.sessionId), Buffer.from([suite >> 8, suite & 0xff, 0]));
  const body = Buffer.concat([...parts, ...(block.length === 0 ? [] : [lengthOfBlock, block])]);
  return handshake(2, body);
}

/** The random that makes a ServerHello a HelloRetryRequest: SHA-256 of that word. RFC 8446 section 4.1.3. */
const RETRY_RANDOM = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');

/** Asks for another group: supported_versions 1.3, and key_share with a group. */
export function helloRetryRequest(hello: ClientHello, group: number): Buffer {
  const extensions = Buffer.from([0, 43, 0, 2, 3, 4, 0, 51, 0, 2, group >> 8, group & 0xff]);
  return serverHello(hello, { extensions, random: RETRY_RANDOM, tls13: true });
}
