import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pcap, pcapng, PcapngBuilder, readFrames, WITH_SNI, type ByteOrder, type Frame } from './captures.js';
import { observeFile, sorted, type ObservedFlow } from './observed.js';

const frames = readFrames(WITH_SNI).slice(0, 400);
const expected = sorted((await observeFile(pcap(frames))).flows);

async function givesTheSame(capture: Buffer, wanted: readonly ObservedFlow[] = expected): Promise<void> {
  const { flows, anomalies } = await observeFile(capture);
  assert.deepEqual(anomalies, []);
  assert.deepEqual(sorted(flows), wanted);
}

const orders: readonly ByteOrder[] = ['little', 'big'];

describe('a classic pcap', () => {
  it('holds flows to begin with', () => {
    assert.ok(expected.length > 30);
  });
  for (const order of orders) {
    it(`of ${order}-endian order gives the same flows`, () => givesTheSame(pcap(frames, { order })));
    it(`of ${order}-endian order with nanoseconds gives the same times, in microseconds`, () =>
      givesTheSame(pcap(frames, { order, nanoseconds: true })));
    it(`of ${order}-endian order with Kuznetzov's longer record headers is read as well`, () =>
      givesTheSame(pcap(frames, { order, kuznetzov: true })));
  }
  it('with flags for check sequences above its link type is read as that link type', () =>
    givesTheSame(pcap(frames, { linkType: 0x14000001 })));
  it('without packets gives nothing, and is no error', () => givesTheSame(pcap([]), []));
});

describe('a pcapng', () => {
  const at = ({ seconds, microseconds }: Frame): bigint => BigInt(seconds) * 1_000_000n + BigInt(microseconds);

  for (const order of orders) {
    it(`of ${order}-endian order gives the same flows`, () => givesTheSame(pcapng(frames, order)));
    it(`of ${order}-endian order with obsolete packet blocks gives the same flows`, () =>
      givesTheSame(new PcapngBuilder(order).interface().packets(frames, { kind: 'obsolete' }).bytes()));
  }

  it('with sections of both byte orders is read through', async () => {
    const capture = Buffer.concat([pcapng(frames.slice(0, 200), 'little'), pcapng(frames.slice(200), 'big')]);
    await givesTheSame(capture);
  });

  it('with several interfaces takes link type, resolution and offset from each', async () => {
    const builder = new PcapngBuilder('big')
      .interface({ resolution: 9 })
      .interface({ resolution: 0x80 | 20 })
      .interface({ resolution: 3, offsetSeconds: 1_000_000_000n })
      .interface({ linkType: 101, offsetSeconds: -5n });
    for (const [index, frame] of frames.entries()) {
      const microseconds = at(frame);
      if (index % 2 === 0) builder.packet(frame, { interface: 0, ticks: microseconds * 1000n + 7n });
      else
        builder.packet({ ...frame, data: frame.data.subarray(14) }, { interface: 3, ticks: microseconds + 5_000_000n });
    }
    await givesTheSame(builder.bytes());
  });

  it('counts time in the resolution of its interface: milliseconds, powers of two, with an offset', async () => {
    const hello = frames.findIndex(({ data }) => data.length > 100 && data[66] === 22);
    const frame = frames[hello]!;
    const timeOf = async (options: { resolution: number; offsetSeconds?: bigint }, ticks: bigint): Promise<number> => {
      const { flows } = await observeFile(new PcapngBuilder().interface(options).packet(frame, { ticks }).bytes());
      return flows[0]!.timestamp;
    };
    assert.equal(await timeOf({ resolution: 3 }, 1_700_000_000_123n), 1_700_000_000_123_000);
    assert.equal(await timeOf({ resolution: 0 }, 1_700_000_000n), 1_700_000_000_000_000);
    assert.equal(await timeOf({ resolution: 12 }, 1_700_000_000_123_456_789n), 1_700_000_000_123);
    assert.equal(await timeOf({ resolution: 0x80 | 10 }, 1_700_000_000n * 1024n + 512n), 1_700_000_000_500_000);
    assert.equal(await timeOf({ resolution: 6, offsetSeconds: 100n }, 1_000_000n), 101_000_000);
    assert.equal(await timeOf({ resolution: 6, offsetSeconds: -100n }, 1_000_000n), 0, 'before 1970: kept at 0');
    assert.equal(await timeOf({ resolution: 0 }, 0xffffffffffffffffn), Number.MAX_SAFE_INTEGER);
    assert.equal(await timeOf({ resolution: 127 }, 0xffffffffffffffffn), 0);
  });

  it('with simple packet blocks cuts them at the snap length of the first interface', async () => {
    const { flows } = await observeFile(new PcapngBuilder().interface().packets(frames, { kind: 'simple' }).bytes());
    assert.deepEqual(
      sorted(flows).map(({ client }) => client),
      sorted(expected).map(({ client }) => client),
    );
    const cut = frames.map((frame) => ({ ...frame, data: frame.data.subarray(0, 96), original: frame.data.length }));
    const short = await observeFile(
      new PcapngBuilder().interface({ snaplen: 96 }).packets(cut, { kind: 'simple' }).bytes(),
    );
    assert.ok(short.anomalies.some(({ code }) => code === 'snaplen_cut'));
    assert.equal(short.counters['packets'], frames.length);
  });

  it('passes over name resolution, statistics, secrets, custom and unknown blocks, also long ones', async () => {
    const builder = new PcapngBuilder().interface();
    const others = [4, 5, 9, 10, 0xbad, 0x40000bad, 0x0badcafe];
    for (const [index, frame] of frames.entries()) {
      builder.packet(frame);
      if (index % 50 === 0)
        for (const type of others) builder.block(type, Buffer.alloc(index === 50 ? 2_000_000 : 31, 0x41));
    }
    await givesTheSame(builder.bytes());
  });

  it('with a packet of an interface that is not described tells so and reads on', async () => {
    const capture = new PcapngBuilder().interface().packet(frames[0]!, { interface: 7 }).packets(frames).bytes();
    const { flows, anomalies } = await observeFile(capture);
    assert.deepEqual(sorted(flows), expected);
    assert.deepEqual(
      anomalies.map(({ code, layer, damage }) => ({ code, layer, damage })),
      [{ code: 'unknown_interface', layer: 'capture', damage: true }],
    );
  });
});
