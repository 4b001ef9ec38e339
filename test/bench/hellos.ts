// What it costs to turn the openings of a flow into the fields of an event: node --import tsx test/bench/hellos.ts [SECONDS]
// Input: all connections of golden/with-sni.pcap, over and over, from one buffer as the packet core hands them over.
// CPU time of this process, not wall time: other work on the machine does not count.
import { ClientHelloShapes } from '../../src/fingerprint/client-hello-shapes.js';
import { ja3 } from '../../src/fingerprint/ja3.js';
import { ja3s } from '../../src/fingerprint/ja3s.js';
import { ja4 } from '../../src/fingerprint/ja4.js';
import { CertificateSummaries } from '../../src/tls/certificate-summary.js';
import { firstCertificate } from '../../src/tls/certificate.js';
import { decodeClientHello } from '../../src/tls/client-hello.js';
import type { ClientHello } from '../../src/tls/client-hello.js';
import { HandshakeType } from '../../src/tls/constants.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import { decodeServerHello, selectedGroup, selectedProtocols, selectedVersion } from '../../src/tls/server-hello.js';
import { goldenConversations } from '../tls/golden-openings.js';

const seconds = Number(process.argv[2] ?? '2');
const conversations = goldenConversations('with-sni.pcap').filter(
  (conversation) => conversation.clientBytes.length > 0,
);
const openings = conversations.map((conversation) => conversation.clientBytes);
const answers = conversations.map((conversation) => conversation.serverBytes);
const hellos: ClientHello[] = openings.map((bytes) => {
  const decoded = decodeClientHello(readOpening(bytes).messages[0]?.body ?? new Uint8Array());
  if (decoded.kind !== 'message') throw new Error(decoded.reason);
  return decoded.value;
});
const summaries = new CertificateSummaries();
const shapes = new ClientHelloShapes('t');

/** What runs, and over how many items one round of it goes. */
const CASES: readonly { readonly name: string; readonly items: number; readonly round: () => number }[] = [
  {
    name: 'readOpening (client)',
    items: openings.length,
    round: () => openings.reduce((sum, bytes) => sum + readOpening(bytes).messages.length, 0),
  },
  {
    name: 'decodeClientHello',
    items: hellos.length,
    round: () => hellos.reduce((sum, hello) => sum + decodeClientHello(hello.bytes).kind.length, 0),
  },
  {
    name: 'serverName + alpn',
    items: hellos.length,
    round: () => hellos.reduce((sum, hello) => sum + (hello.serverName?.length ?? 0) + (hello.alpn?.length ?? 0), 0),
  },
  {
    name: 'ja3',
    items: hellos.length,
    round: () => hellos.reduce((sum, hello) => sum + (ja3(hello)?.hash.length ?? 0), 0),
  },
  { name: 'ja4', items: hellos.length, round: () => hellos.reduce((sum, hello) => sum + (ja4(hello)?.length ?? 0), 0) },
  {
    name: 'ja3, ja4 and ALPN remembered by shape',
    items: hellos.length,
    round: () => hellos.reduce((sum, hello) => sum + (shapes.fingerprints(hello).ja4?.length ?? 0), 0),
  },
  {
    name: 'client hello in all: opening, decode, SNI, ALPN, ja3, ja4',
    items: openings.length,
    round: () => openings.reduce((sum, bytes) => sum + clientHello(bytes), 0),
  },
  {
    name: 'the same, remembered by shape',
    items: openings.length,
    round: () => openings.reduce((sum, bytes) => sum + rememberedClientHello(bytes), 0),
  },
  {
    name: 'the same, every shape new',
    items: openings.length,
    round: () => openings.reduce((sum, bytes) => sum + rememberedClientHello(bytes, new ClientHelloShapes('t', 1)), 0),
  },
  {
    name: 'server in all: opening, decode, version, group, ALPN, ja3s, certificate',
    items: answers.length,
    round: () => answers.reduce((sum, bytes) => sum + serverFlight(bytes), 0),
  },
];

function clientHello(bytes: Uint8Array): number {
  const body = readOpening(bytes).messages[0]?.body;
  const decoded = body === undefined ? null : decodeClientHello(body);
  if (decoded?.kind !== 'message') return 0;
  const hello = decoded.value;
  const names = (hello.serverName?.length ?? 0) + (hello.alpn?.length ?? 0);
  return names + (ja3(hello)?.hash.length ?? 0) + (ja4(hello)?.length ?? 0);
}

function rememberedClientHello(bytes: Uint8Array, memory = shapes): number {
  const body = readOpening(bytes).messages[0]?.body;
  const decoded = body === undefined ? null : decodeClientHello(body);
  if (decoded?.kind !== 'message') return 0;
  const hello = decoded.value;
  const fingerprints = memory.fingerprints(hello);
  const names = (hello.serverName?.length ?? 0) + (fingerprints.alpn?.length ?? 0);
  return names + (fingerprints.ja3?.hash.length ?? 0) + (fingerprints.ja4?.length ?? 0);
}

function serverFlight(bytes: Uint8Array): number {
  let sum = 0;
  for (const message of readOpening(bytes).messages) {
    if (message.type === HandshakeType.ServerHello) {
      const decoded = decodeServerHello(message.body);
      if (decoded.kind !== 'message') continue;
      const hello = decoded.value;
      sum += selectedVersion(hello) + (selectedGroup(hello) ?? 0) + (selectedProtocols(hello)?.length ?? 0);
      sum += ja3s(hello).hash.length;
    } else if (message.type === HandshakeType.Certificate) {
      const der = firstCertificate(message.body);
      if (der !== null) sum += summaries.summarize(der).sha1.length;
    }
  }
  return sum;
}

for (const { name, items, round } of CASES) {
  let sink = 0;
  for (let warmUp = 0; warmUp < 20; warmUp += 1) sink += round();
  const before = process.cpuUsage();
  let rounds = 0;
  let used = 0;
  while (used < seconds * 1e6) {
    sink += round();
    rounds += 1;
    const { user, system } = process.cpuUsage(before);
    used = user + system;
  }
  const each = used / (rounds * items);
  const perSecond = Math.round(1e6 / each).toLocaleString('en');
  process.stdout.write(`${name}: ${each.toFixed(2)} µs CPU, ${perSecond} per CPU-second${sink === 0 ? '!' : ''}\n`);
}
