// Both byte streams of golden connections, joined by the plainest reassembly: loopback loses nothing and keeps the order.
import { readFrames, WITH_SNI, type Frame } from './captures.js';

export interface Handshake {
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly client: Buffer;
  readonly server: Buffer;
}

/** Connections of with-sni.pcap by client port and server; every one is IPv4 over Ethernet without options. */
export function goldenHandshakes(frames: readonly Frame[] = readFrames(WITH_SNI)): Handshake[] {
  const found = new Map<string, { clientPort: number; serverAddress: string; client: Buffer[]; server: Buffer[] }>();
  for (const { data } of frames) {
    const tcp = 14 + (data.readUInt8(14) & 15) * 4;
    const payload = data.subarray(tcp + (data.readUInt8(tcp + 12) >> 4) * 4, 14 + data.readUInt16BE(16));
    const [source, destination] = [data.subarray(26, 30).join('.'), data.subarray(30, 34).join('.')];
    const [sourcePort, destinationPort] = [data.readUInt16BE(tcp), data.readUInt16BE(tcp + 2)];
    const isFromServer = sourcePort === 8443;
    const clientPort = isFromServer ? destinationPort : sourcePort;
    const serverAddress = isFromServer ? source : destination;
    const key = `${clientPort} ${serverAddress}`;
    const flow = found.get(key) ?? { clientPort, serverAddress, client: [], server: [] };
    found.set(key, flow);
    flow[isFromServer ? 'server' : 'client'].push(payload);
  }
  return [...found.values()].map((flow) => ({
    ...flow,
    client: Buffer.concat(flow.client),
    server: Buffer.concat(flow.server),
  }));
}

const CHANGE_CIPHER_SPEC = 20;
const APPLICATION_DATA = 23;

/** Content types of the records that a stream begins with. */
export function recordTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes.readUInt8(at));
  return types;
}

/** A handshake of TLS 1.2 to its end: clear text up to ChangeCipherSpec on both sides. */
export function tls12Handshake(all: readonly Handshake[] = goldenHandshakes()): Handshake {
  const isOne = ({ client, server }: Handshake): boolean => {
    const types = recordTypes(server);
    return recordTypes(client).includes(CHANGE_CIPHER_SPEC) && types.includes(CHANGE_CIPHER_SPEC) && !isTls13(types);
  };
  return all.find(isOne)!;
}

/** A handshake of TLS 1.3 with a HelloRetryRequest: two hellos on either side, with ChangeCipherSpec between. */
export function retryHandshake(all: readonly Handshake[] = goldenHandshakes()): Handshake {
  return all.find(({ server, client }) => {
    const types = recordTypes(server).join();
    return types.startsWith('22,20,22,23') && recordTypes(client).filter((type) => type === 22).length === 2;
  })!;
}

/** A handshake of TLS 1.3: the server's first flight goes over to application_data records. */
export function tls13Handshake(all: readonly Handshake[] = goldenHandshakes()): Handshake {
  return all.find(({ server }) => recordTypes(server).join().startsWith('22,20,23'))!;
}

function isTls13(types: readonly number[]): boolean {
  return types[types.indexOf(CHANGE_CIPHER_SPEC) + 1] === APPLICATION_DATA;
}
