import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { linkLayers, pcap, type Frame } from '../capture/captures.js';
import { Conversation } from '../capture/conversation.js';
import { goldenHandshakes, tls12Handshake } from '../capture/handshakes.js';
import { observeFile, observeStream } from '../capture/observed.js';
import { udp } from '../capture/tunnels.js';

const { client, server } = tls12Handshake(goldenHandshakes());
const START = 1_700_000_000_000_000;

/** Frames of many connections, told apart by address and port; `make` gets a conversation per connection. */
function* flood(count: number, make: (talk: Conversation) => void): Iterable<Frame> {
  for (let i = 0; i < count; i++) {
    const talk = new Conversation({ clientPort: 1 + (i % 60_000), start: START + i });
    make(talk);
    for (const frame of talk.frames) {
      const data = Buffer.from(frame.data);
      // The client's address: its offset depends on the direction.
      data.writeUInt16BE(i >> 4, data.readUInt16BE(36) === 443 ? 28 : 32);
      yield { ...frame, data };
    }
  }
}

describe('the flow table', () => {
  it('keeps its cap in a flood of SYNs, and lets the oldest go', async () => {
    const frames = [...flood(5000, (talk) => talk.syn('client'))];
    const { flows, counters, anomalies } = await observeFile(pcap(frames), { maxFlows: 1000 });
    assert.deepEqual(flows, []);
    assert.equal(counters['flowsTracked'], 5000);
    assert.equal(counters['pendingEvicted'], 4000);
    assert.deepEqual(
      anomalies.map(({ code, damage }) => [code, damage]),
      [['flow_table_full', false]],
    );
  });

  it('finds a handshake behind a flood of SYNs', async () => {
    const talk = new Conversation({ start: START + 10_000 }).handshake().send('client', client).send('server', server);
    const frames = [...flood(5000, (each) => each.syn('client')), ...talk.frames];
    const { flows } = await observeFile(pcap(frames), { maxFlows: 100 });
    assert.equal(flows.length, 1);
    assert.equal(flows[0]!.server.end, 'change_cipher_spec');
  });

  it('keeps its cap in a flood of half hellos, and hands the oldest over as they are', async () => {
    const frames = [...flood(3000, (talk) => talk.syn('client').send('client', client.subarray(0, 200)))];
    const { flows, counters, anomalies } = await observeFile(pcap(frames), { reassemblyBytes: 1 << 18 });
    assert.equal(flows.length, 3000);
    assert.ok(counters['flowsEvicted']! > 2800);
    assert.ok(flows.every((flow) => flow.client.hex.length === 400 && flow.client.end === 'open'));
    assert.deepEqual(
      anomalies.map(({ code }) => code),
      ['reassembly_memory_full'],
    );
  });

  it('keeps its cap where segments come out of order and never in it', async () => {
    const flows = 20_000;
    function* chunks(): Iterable<Buffer> {
      yield pcap([]);
      for (const frame of flood(flows, (talk) => talk.syn('client').at('client', 60_000, Buffer.alloc(1000, 1)))) {
        yield pcap([frame]).subarray(24);
      }
    }
    const before = process.memoryUsage().rss;
    const { counters } = await observeStream(chunks(), { reassemblyBytes: 4 << 20 });
    const grownBytes = process.memoryUsage().rss - before;
    // Each of them would take a buffer of 64 KiB.
    assert.equal(grownBytes < (flows * 65_536) / 4, true, `${grownBytes} bytes`);
    assert.equal(counters['flowsEmitted'], 0);
    assert.equal(counters['packets'], 2 * flows);
  });

  it('tells thousands of connections apart that begin and end among one another', async () => {
    const talks = Array.from({ length: 4000 }, (_, i) => {
      const talk = new Conversation({ clientPort: 1 + i, serverPort: 10_000 + (i % 7), start: START }).handshake();
      // Two in three are forgotten at their first bytes, which moves others to their places.
      if (i % 3 > 0) return talk.send('client', Buffer.from(`GET /${i} HTTP/1.1\r\n\r\n`)).fin('client');
      return talk.sendIn('client', client, 200).sendIn('server', server, 700);
    });
    const frames: Frame[] = [];
    for (let round = 0; frames.length < talks.flatMap((talk) => talk.frames).length; round++) {
      for (const [i, talk] of talks.entries()) {
        const frame = talk.frames[round - (i % 5)];
        if (frame) frames.push({ ...frame, seconds: START / 1e6, microseconds: round });
      }
    }
    const { flows, counters } = await observeFile(pcap(frames));
    assert.equal(new Set(flows.map(({ clientPort }) => clientPort)).size, 1334);
    assert.equal(flows.length, 1334);
    assert.equal(new Set(flows.map((flow) => `${flow.client.hex} ${flow.server.hex}`)).size, 1);
    assert.equal(counters['flowsTracked'], talks.length);
    assert.equal(counters['flowsNotTls'], talks.length - 1334);
  });

  it('drops segments where there are too many holes, and counts them', async () => {
    const talk = new Conversation().handshake();
    for (let i = 0; i < 100; i++) talk.at('client', 100 + 20 * i, Buffer.alloc(10, 1));
    const { counters } = await observeFile(pcap(talk.frames));
    assert.equal(counters['segmentsOutOfOrder'], 16);
    assert.equal(counters['segmentsDropped'], 84);
  });
});

describe('the same endpoints', () => {
  const tagged = (frame: Frame, ...ids: number[]): Frame => {
    const tags = ids.map((id) => Buffer.from([0x81, 0x00, id >> 8, id & 255]));
    const data = Buffer.concat([frame.data.subarray(0, 12), ...tags, frame.data.subarray(12)]);
    return { ...frame, data, original: data.length };
  };
  const other = goldenHandshakes().find((one) => !one.client.equals(client) && one.server.length > 0)!;
  const [first, second] = [
    new Conversation({ start: START }).handshake().sendIn('client', client, 200).sendIn('server', server, 400),
    new Conversation({ start: START, clientIsn: 77, serverIsn: 88 })
      .handshake()
      .sendIn('client', other.client, 200)
      .sendIn('server', other.server, 400),
  ];
  const alternating = (wrapFirst: (frame: Frame) => Frame, wrapSecond: (frame: Frame) => Frame): Frame[] =>
    Array.from({ length: Math.max(first.frames.length, second.frames.length) }, (_, i) => [
      ...first.frames.slice(i, i + 1).map(wrapFirst),
      ...second.frames.slice(i, i + 1).map(wrapSecond),
    ]).flat();
  const isAnswer = (frame: Frame): boolean => frame.data.readUInt16BE(34) === 443;

  const apart: readonly [string, (frame: Frame) => Frame, (frame: Frame) => Frame][] = [
    ['two VLANs', (frame) => tagged(frame, 7), (frame) => tagged(frame, 8)],
    ['a VLAN and none', (frame) => frame, (frame) => tagged(frame, 8)],
    ['two inner VLANs', (frame) => tagged(frame, 7, 1), (frame) => tagged(frame, 7, 2)],
    [
      'VLANs of which each direction has its own',
      (frame) => tagged(frame, 7),
      (frame) => tagged(frame, isAnswer(frame) ? 9 : 8),
    ],
  ];
  for (const [name, wrapFirst, wrapSecond] of apart) {
    it(`in ${name} are two flows`, async () => {
      const { flows } = await observeFile(pcap(alternating(wrapFirst, wrapSecond)));
      const servers = flows.map((flow) => flow.server.hex.length > 0 && flow.client.hex.slice(0, 200));
      assert.equal(flows.length, 2);
      assert.equal(new Set(servers).size, 2);
    });
  }

  it('in two networks of one tunnel are two flows', async () => {
    const inNetwork = (id: number) => (frame: Frame) => {
      const header = Buffer.from([8, 0, 0, 0, 0, 0, id, 0]);
      const data = linkLayers.ethernet(udp(4789, Buffer.concat([header, frame.data]), { answer: isAnswer(frame) }));
      return { ...frame, data, original: data.length };
    };
    const { flows } = await observeFile(pcap(alternating(inNetwork(1), inNetwork(2))));
    assert.deepEqual(flows.map(({ tunnels }) => tunnels?.layers[0]?.id).sort(), [1, 2]);
  });

  it('are one flow where each direction has its own VLAN, or only one of them has any', async () => {
    for (const [there, back] of [
      [[81], [80]],
      [[5], []],
      [[], [5]],
      [
        [1042, 120],
        [1041, 120],
      ],
      [[0], []],
    ] as const) {
      const frames = first.frames.map((frame) => tagged(frame, ...(isAnswer(frame) ? back : there)));
      const { flows } = await observeFile(pcap(frames));
      assert.equal(flows.length, 1);
      assert.equal(flows[0]!.server.end, 'change_cipher_spec');
      assert.deepEqual(flows[0]!.vlan, there);
    }
  });
});

describe('time', () => {
  const later = (seconds: number): Frame[] =>
    new Conversation({ clientPort: 9, start: START + seconds * 1e6 }).handshake().frames;

  it('hands over a flow that was idle for more than a minute of it', async () => {
    const talk = new Conversation({ start: START }).handshake().send('client', client);
    const { flows, counters } = await observeFile(pcap([...talk.frames, ...later(30), ...later(59), ...later(80)]));
    assert.equal(flows.length, 1);
    assert.equal(counters['flowsTimedOut'], 1);
  });

  it('forgets a SYN after half a minute of it, so that the ports may begin in the middle', async () => {
    const talk = new Conversation({ start: START }).handshake();
    const answer = new Conversation({ start: START + 50e6 }).send('server', server);
    const { flows } = await observeFile(pcap([...talk.frames, ...later(25), ...later(49), ...answer.frames]));
    assert.equal(flows[0]!.server.end, 'change_cipher_spec');
  });

  it('does not end a handshake that begins after a long pause', async () => {
    const talk = new Conversation({ clientPort: 7, start: START }).handshake();
    talk.wait(86_400).send('client', client).send('server', server);
    const { flows, counters } = await observeFile(pcap([...later(0), ...talk.frames]));
    assert.equal(counters['flowsTimedOut'], 0);
    assert.equal(flows[0]!.server.end, 'change_cipher_spec');
  });

  it('is not moved by one packet with a damaged time stamp', async () => {
    const talk = new Conversation({ start: START })
      .handshake()
      .send('client', client)
      .send('server', server.subarray(0, 100));
    const [odd] = later(0);
    for (const seconds of [4_000_000_000, 1]) {
      const rest = new Conversation({ start: START + 1e6 }).at('server', 100, server.subarray(100));
      const { flows, counters } = await observeFile(pcap([...talk.frames, { ...odd!, seconds }, ...rest.frames]));
      assert.equal(counters['flowsTimedOut'], 0);
      assert.equal(flows[0]!.server.end, 'change_cipher_spec', `${seconds}`);
    }
  });

  it('goes on where the clock is set back', async () => {
    const frames = [
      ...later(7200),
      ...flood(5000, (each) => each.syn('client')),
      ...new Conversation({ start: START + 10e6 }).handshake().send('client', client).frames,
      ...later(40),
      ...later(75),
    ];
    assert.equal((await observeFile(pcap(frames))).counters['flowsTimedOut'], 1);
  });
});
