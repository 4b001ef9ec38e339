import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { linkLayers, pcap, rewrap } from '../capture/captures.js';
import { Conversation, type ConversationOptions } from '../capture/conversation.js';
import { fragment, fragmented, payloadOf, pieces } from '../capture/fragments.js';
import { goldenHandshakes, tls12Handshake } from '../capture/handshakes.js';
import { observeFile, observeStream, type ObservedFlow } from '../capture/observed.js';
import { tunnels } from '../capture/tunnels.js';

const { client, server } = tls12Handshake(goldenHandshakes());
const START = 1_700_000_000_000_000;

const handshake = (options: ConversationOptions = {}): Conversation =>
  new Conversation(options).handshake().send('client', client).send('server', server);
const contents = ({ client: from, server: to }: ObservedFlow) => ({ from, to });
const plain = contents((await observeFile(pcap(handshake().frames))).flows[0]!);

/** The frame with the server's whole flight. */
const flight = handshake().frames.at(-1)!;

describe('a packet in fragments', () => {
  const kinds: readonly [name: string, options: ConversationOptions][] = [
    ['of IPv4', {}],
    ['of IPv4 with options', { ipOptions: Buffer.alloc(8, 1) }],
    ['of IPv6', { ipv6: true }],
    [
      'of IPv6 with destination options, which are cut too',
      { ipv6: true, extensions: { first: 60, bytes: Buffer.concat([Buffer.from([6, 2, 1, 20]), Buffer.alloc(20)]) } },
    ],
  ];
  const fragmentedPackets = (options: ConversationOptions, size: number): number =>
    handshake(options).frames.filter((frame) => payloadOf(frame).length > size).length;
  for (const [name, options] of kinds) {
    it(`${name} is put together`, async () => {
      for (const size of [8, 16, 504, 1480]) {
        const { flows, anomalies, counters } = await observeFile(pcap(fragmented(handshake(options).frames, size)));
        assert.deepEqual(anomalies, []);
        assert.deepEqual(flows.map(contents), [plain], `${size}`);
        assert.equal(counters['packetsJoined'], fragmentedPackets(options, size));
      }
    });
  }
  it('is put together in any order, with any of them repeated', async () => {
    const cut = pieces(payloadOf(flight), 208);
    const order = fc.shuffledSubarray([...cut, ...cut.slice(0, 4)], { minLength: cut.length + 4 });
    await fc.assert(
      fc.asyncProperty(order, async (list) => {
        const frames = [...handshake().frames.slice(0, -1), ...list.map((piece) => fragment(flight, 7, piece))];
        const { flows, counters, anomalies } = await observeFile(pcap(frames));
        assert.deepEqual(flows.map(contents), [plain]);
        assert.equal(counters['packetsJoined'], 1);
        assert.deepEqual(anomalies, []);
      }),
      { numRuns: 40 },
    );
  });

  it('that carries a tunnel is put together before that is opened', async () => {
    const carried = rewrap(handshake().frames, (packet) => linkLayers.ethernet(tunnels.vxlan(packet)));
    const { flows, counters } = await observeFile(pcap(fragmented(carried, 560)));
    assert.deepEqual(flows.map(contents), [plain]);
    assert.equal(flows[0]!.tunnels?.layers[0]?.id, 42);
    assert.equal(counters['tunnelledPackets'], carried.length);
  });

  it('of a tunnel may be what the tunnel carries', async () => {
    const carried = rewrap(fragmented(handshake().frames, 560), (packet) =>
      linkLayers.ethernet(tunnels.geneve(packet)),
    );
    assert.deepEqual((await observeFile(pcap(carried))).flows.map(contents), [plain]);
  });

  it('is not mixed with one of another VLAN that has the same addresses and id', async () => {
    const tagged = rewrap(fragmented([flight], 208), linkLayers.vlan);
    const other = fragmented([flight], 208).map(({ data, ...rest }) => {
      const changed = Buffer.from(data);
      changed.fill(0x55, 34);
      return { ...rest, data: changed };
    });
    const mixed = tagged.flatMap((frame, index) => [other[index]!, frame]);
    const first = rewrap(handshake().frames.slice(0, -1), linkLayers.vlan);
    const { flows, counters } = await observeFile(pcap([...first, ...mixed]));
    assert.deepEqual(flows.map(contents), [plain]);
    assert.equal(counters['packetsJoined'], 2);
  });
});

describe('fragments', () => {
  const notJoined = [['fragment_not_joined', true]];

  it('that overlap end their packet, and are counted', async () => {
    const bytes = payloadOf(flight);
    const [first, second, third] = [bytes.subarray(0, 400), bytes.subarray(392, 800), bytes.subarray(800)];
    const frames = [
      fragment(flight, 7, { offset: 0, bytes: first, isLast: false }),
      fragment(flight, 7, { offset: 392, bytes: second, isLast: false }),
      fragment(flight, 7, { offset: 800, bytes: third, isLast: true }),
    ];
    const { counters, anomalies } = await observeFile(pcap(frames));
    assert.equal(counters['packetsJoined'], 0);
    assert.equal(counters['joiningOverlaps'], 1);
    assert.deepEqual(
      anomalies.map(({ code, damage }) => [code, damage]),
      notJoined,
    );
  });

  it('of which two say that they are the last, at different places, end their packet', async () => {
    const bytes = payloadOf(flight);
    const frames = [400, 800].map((offset) =>
      fragment(flight, 7, { offset, bytes: bytes.subarray(offset, offset + 40), isLast: true }),
    );
    assert.equal((await observeFile(pcap(frames))).counters['joiningOverlaps'], 1);
  });

  it('that wait for others for more than half a minute are given up', async () => {
    const [first, ...rest] = fragmented([flight], 208);
    const late = rest.map((frame) => ({ ...frame, seconds: frame.seconds + 31 }));
    const { counters, anomalies } = await observeFile(pcap([first!, ...late]));
    assert.equal(counters['packetsJoined'], 0);
    assert.equal(counters['joiningExpired'], 2, 'the first, and at the end the rest');
    assert.deepEqual(
      anomalies.map(({ code, damage }) => [code, damage]),
      notJoined,
    );
  });

  it('that make no packet are dropped: empty, cut, of a broken length, beyond 64 KiB', async () => {
    const bytes = payloadOf(flight).subarray(0, 80);
    const frames = [
      fragment(flight, 1, { offset: 0, bytes: Buffer.alloc(0), isLast: false }),
      fragment(flight, 2, { offset: 0, bytes: bytes.subarray(0, 77), isLast: false }),
      fragment(flight, 3, { offset: 65_528, bytes, isLast: true }),
      { ...fragment(flight, 4, { offset: 0, bytes, isLast: false }), original: 114 },
    ];
    frames[3] = { ...frames[3]!, data: frames[3]!.data.subarray(0, 90) };
    const { counters } = await observeFile(pcap(frames));
    assert.equal(counters['fragments'], 4);
    assert.equal(counters['fragmentsDropped'], 4);
  });

  it('with more holes than are kept end their packet', async () => {
    const bytes = Buffer.alloc(8, 1);
    const frames = Array.from({ length: 20 }, (_, index) =>
      fragment(flight, 1, { offset: 16 * index, bytes, isLast: false }),
    );
    assert.equal((await observeFile(pcap(frames))).counters['joiningEvicted'], 1);
  });

  for (const [name, offset, limit] of [
    ['first', 0, 1024],
    ['late', 60_000, 64],
  ] as const) {
    it(`that flood the table, ${name} ones of packets that never come, change memory by no more than its cap`, async () => {
      const [count, perChunk] = [200_000, 1000];
      const record = pcap([fragment(flight, 0, { offset, bytes: Buffer.alloc(8, 1), isLast: false })]).subarray(24);
      function* chunks(): Iterable<Buffer> {
        yield pcap([]);
        for (let first = 0; first < count; first += perChunk) {
          const chunk = Buffer.concat(Array.from({ length: perChunk }, () => record));
          for (let i = 0; i < perChunk; i++) {
            // The packet's id and part of its source.
            chunk.writeUInt16BE((first + i) & 0xffff, i * record.length + 16 + 18);
            chunk.writeUInt16BE((first + i) >> 16, i * record.length + 16 + 26);
          }
          yield chunk;
        }
        yield pcap(fragmented(handshake({ start: START }).frames, 504)).subarray(24);
      }
      const before = process.memoryUsage().rss;
      const { flows, counters } = await observeStream(chunks());
      const grownBytes = process.memoryUsage().rss - before;
      // Without a bound: 2 KiB for each of the first ones, 64 KiB for the late.
      assert.equal(grownBytes < 96 << 20, true, `${grownBytes} bytes`);
      const given = counters['joiningEvicted']! + counters['joiningExpired']!;
      assert.equal(given, count, 'each is counted');
      assert.ok(counters['joiningExpired']! <= limit, `${counters['joiningExpired']} were there at the end`);
      assert.deepEqual(flows.map(contents), [plain], 'and a packet that comes whole is found');
    });
  }
});
