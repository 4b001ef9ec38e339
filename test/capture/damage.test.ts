import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pcap, pcapng, readFrames, WITH_SNI } from './captures.js';
import { Conversation } from './conversation.js';
import { goldenHandshakes, tls12Handshake } from './handshakes.js';
import { chunksOf, observeFile, observeStream, sorted, type Observed } from './observed.js';

const frames = readFrames(WITH_SNI).slice(0, 300);
const FILE_HEADER = 24;
const RECORD_HEADER = 16;

/** Where each record of a classic pcap begins. */
function recordOffsets(capture: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = FILE_HEADER; at < capture.length; at += RECORD_HEADER + capture.readUInt32LE(at + 8)) offsets.push(at);
  return offsets;
}

const codes = ({ anomalies }: Observed): string[] => anomalies.map(({ code }) => code).sort();

describe('a capture that is cut off', () => {
  const few = frames.slice(0, 24);

  it('at any offset gives what comes before, and says so unless it ends between two records (pcap)', async () => {
    const whole = pcap(few);
    const boundaries = new Set([...recordOffsets(whole), whole.length]);
    for (let length = FILE_HEADER; length < whole.length; length++) {
      const { counters, anomalies } = await observeFile(whole.subarray(0, length));
      const complete = [...boundaries].filter((offset) => offset <= length).length - 1;
      const isInsidePacket = !boundaries.has(length) && length >= [...boundaries][complete]! + RECORD_HEADER;
      assert.equal(counters['packets'], complete + (isInsidePacket ? 1 : 0), `cut at ${length}`);
      const said = anomalies.filter(({ code }) => code === 'truncated_record');
      assert.equal(said.length, boundaries.has(length) ? 0 : 1, `cut at ${length}`);
      for (const { offset, damage } of said) {
        assert.equal(offset, [...boundaries][complete]);
        assert.equal(damage, true);
      }
    }
  });

  it('at any offset gives what comes before, and says so unless it ends between two blocks (pcapng)', async () => {
    const whole = pcapng(few);
    const boundaries = [0];
    for (let at = 0; at < whole.length; boundaries.push(at)) at += whole.readUInt32LE(at + 4);
    for (let length = boundaries[2]!; length < whole.length; length++) {
      const { counters, anomalies } = await observeFile(whole.subarray(0, length));
      const complete = boundaries.filter((offset) => offset <= length).length - 3;
      assert.ok([complete, complete + 1].includes(counters['packets']!), `cut at ${length}`);
      const said = anomalies.filter(({ code }) => code === 'truncated_block').length;
      assert.equal(said, boundaries.includes(length) ? 0 : 1, `cut at ${length}`);
    }
  });

  it('inside of the packet with a ClientHello still gives the flow', async () => {
    const [handshake] = goldenHandshakes();
    const talk = new Conversation().handshake().send('client', handshake!.client);
    const { flows } = await observeFile(pcap(talk.frames).subarray(0, -40));
    assert.equal(flows.length, 1);
    assert.equal(flows[0]!.client.end, 'gap');
    assert.ok(handshake!.client.toString('hex').startsWith(flows[0]!.client.hex));
    assert.equal(flows[0]!.client.hex.length / 2, handshake!.client.length - 40);
  });
});

describe('a pcap with damage in the middle', () => {
  const whole = pcap(frames);
  const offsets = recordOffsets(whole);
  const middle = offsets[150]!;

  async function damaged(change: (copy: Buffer) => Buffer | undefined): Promise<Observed> {
    const copy = Buffer.from(whole);
    const capture = change(copy) ?? copy;
    const fromFile = await observeFile(capture);
    const fromStream = await observeStream(chunksOf(capture, 4096));
    assert.deepEqual(sorted(fromStream.flows), sorted(fromFile.flows), 'a stream gives what a file gives');
    assert.deepEqual(codes(fromStream), codes(fromFile));
    return fromFile;
  }

  it('in a record header gives every other packet', async () => {
    for (const garbage of [0xff, 0x00, 0x41]) {
      const seen = await damaged((copy) => void copy.fill(garbage, middle, middle + RECORD_HEADER));
      assert.ok(seen.counters['packets']! >= frames.length - 1, `${garbage}: ${seen.counters['packets']}`);
    }
  });

  it('with a length that is too long to be true gives every other packet, and the offset', async () => {
    const seen = await damaged((copy) => void copy.writeUInt32LE(0x7fffffff, middle + 8));
    assert.equal(seen.counters['packets'], frames.length - 1);
    assert.deepEqual(
      seen.anomalies.map(({ code, offset, damage }) => ({ code, offset, damage })),
      [{ code: 'bad_record_header', offset: middle, damage: true }],
    );
  });

  it('with a length that swallows the records behind it gives those records', async () => {
    const swallowed = offsets[160]! + 7 - middle - RECORD_HEADER;
    const seen = await damaged((copy) => {
      copy.writeUInt32LE(swallowed, middle + 8);
      copy.writeUInt32LE(swallowed, middle + 12);
    });
    assert.ok(seen.counters['packets']! >= frames.length, `${seen.counters['packets']}`);
    assert.ok(codes(seen).includes('bad_record_header'));
  });

  it('with a length that reaches beyond the end gives the records behind it', async () => {
    const seen = await damaged((copy) => void copy.writeUInt32LE(200_000, middle + 8).toString());
    assert.equal(seen.counters['packets'], frames.length - 1);
    assert.deepEqual(codes(seen), ['bad_record_header']);
  });

  it('where bytes are lost or added gives what is behind them', async () => {
    const lost = await damaged((copy) => Buffer.concat([copy.subarray(0, middle + 40), copy.subarray(middle + 77)]));
    assert.ok(lost.counters['packets']! >= frames.length - 2);
    const added = await damaged((copy) =>
      Buffer.concat([copy.subarray(0, middle), Buffer.alloc(3001, 0xa5), copy.subarray(middle)]),
    );
    assert.equal(added.counters['packets'], frames.length);
    assert.match(added.anomalies[0]!.detail, /3001 bytes further on/);
  });

  it('that goes on to the end gives what is before it', async () => {
    const seen = await damaged((copy) => void copy.fill(0xff, middle));
    assert.equal(seen.counters['packets'], 150);
  });

  it('is told once, and counted each time', async () => {
    const seen = await damaged((copy) => {
      for (const record of [50, 100, 150, 200]) copy.writeUInt32LE(0xffffffff, offsets[record]! + 8);
    });
    assert.equal(seen.counters['packets'], frames.length - 4);
    assert.equal(seen.counters['damagedRecords'], 4);
    assert.deepEqual(codes(seen), ['bad_record_header']);
  });

  it('is no damage where a writer only put odd lengths or times into its headers', async () => {
    const copy = Buffer.from(whole);
    copy.writeUInt32LE(0, offsets[100]! + 12);
    copy.writeUInt32LE(1_000_000, offsets[200]! + 4);
    const seen = await observeFile(copy);
    assert.equal(seen.counters['packets'], frames.length);
    assert.deepEqual(seen.anomalies, []);
  });
});

describe('a pcapng with damage in the middle', () => {
  for (const order of ['little', 'big'] as const) {
    const whole = pcapng(frames, order);
    const offsets: number[] = [];
    const lengthAt = (at: number): number => (order === 'little' ? whole.readUInt32LE(at) : whole.readUInt32BE(at));
    for (let at = 0; at < whole.length; at += lengthAt(at + 4)) offsets.push(at);
    const middle = offsets[152]!;

    it(`in a block header gives every other packet (${order}-endian)`, async () => {
      for (const garbage of [0xff, 0x00, 0x41]) {
        const copy = Buffer.from(whole).fill(garbage, middle, middle + 8);
        const seen = await observeFile(copy);
        assert.equal(seen.counters['packets'], frames.length - 1);
        assert.deepEqual(
          seen.anomalies.map(({ code, offset }) => ({ code, offset })),
          [{ code: 'bad_block', offset: middle }],
        );
        const streamed = await observeStream(chunksOf(copy, 1000));
        assert.deepEqual(streamed.flows, seen.flows);
        assert.deepEqual({ ...streamed.counters, capturesLate: 0 }, seen.counters);
      }
    });

    it(`in the length at the end of a block gives every other packet (${order}-endian)`, async () => {
      const copy = Buffer.from(whole).fill(0x55, offsets[153]! - 4, offsets[153]);
      assert.equal((await observeFile(copy)).counters['packets'], frames.length - 1);
    });
  }
});

describe('a capture with a short snap length', () => {
  it('gives the beginning of each hello, and says once that packets were cut', async () => {
    const cut = frames.map((frame) => ({ ...frame, data: frame.data.subarray(0, 128), original: frame.data.length }));
    const [seen, whole] = [await observeFile(pcap(cut)), await observeFile(pcap(frames))];
    assert.deepEqual(codes(seen), ['snaplen_cut']);
    assert.equal(seen.anomalies[0]!.damage, true);
    const cutPackets = frames.filter(({ data }) => data.length > 128).length;
    assert.equal(seen.counters['cutPackets'], cutPackets);
    assert.equal(seen.flows.length, whole.flows.length);
    for (const flow of seen.flows) {
      const same = whole.flows.find(
        ({ clientPort, timestamp }) => clientPort === flow.clientPort && timestamp === flow.timestamp,
      )!;
      assert.ok(same.client.hex.startsWith(flow.client.hex));
      assert.equal(flow.client.end, 'gap');
      assert.equal(flow.client.hex.length / 2, 128 - 66);
    }
  });

  it('that cuts nothing but application data gives whole handshakes', async () => {
    const { client, server } = tls12Handshake();
    const talk = new Conversation().handshake().send('client', client).send('server', server);
    const record = Buffer.concat([Buffer.from('1703030400', 'hex'), Buffer.alloc(1024)]);
    talk.send('client', record, { snaplen: 100 });
    const { flows } = await observeFile(pcap(talk.frames));
    assert.equal(flows[0]!.server.end, 'change_cipher_spec');
    assert.equal(flows[0]!.client.end, 'change_cipher_spec');
  });
});
