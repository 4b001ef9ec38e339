import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { linkLayers, pcap, PcapngBuilder, readFrames, rewrap, WITH_SNI } from './captures.js';
import { observeFile, observeStream, sorted } from './observed.js';

const frames = readFrames(WITH_SNI).slice(0, 400);
const { flows } = await observeFile(pcap(frames));
const server = flows[0]!.serverAddress;
const wanted = sorted(flows.filter(({ serverAddress }) => serverAddress === server));

describe('a filter expression', () => {
  const options = { filter: `host ${server}` };

  it('leaves only the flows whose packets it matches, and counts the rest', async () => {
    const seen = await observeFile(pcap(frames), options);
    assert.deepEqual(sorted(seen.flows), wanted);
    assert.ok(wanted.length < flows.length);
    assert.ok(seen.counters['filteredPackets']! > 0);
    assert.equal(seen.counters['packets'], frames.length);
  });

  it('works on streams, and on other link layers', async () => {
    assert.deepEqual(sorted((await observeStream([pcap(frames)], options)).flows), wanted);
    const raw = pcap(rewrap(frames, linkLayers.raw), { linkType: 101 });
    assert.deepEqual(sorted((await observeFile(raw, options)).flows), wanted);
  });

  it('is compiled anew for each link type of a pcapng', async () => {
    const builder = new PcapngBuilder().interface().interface({ linkType: 113 });
    for (const [index, frame] of frames.entries()) {
      if (index % 2 === 0) builder.packet(frame);
      else builder.packet({ ...frame, data: linkLayers.linuxSll(frame.data.subarray(14)) }, { interface: 1 });
    }
    assert.deepEqual(sorted((await observeFile(builder.bytes(), options)).flows), wanted);
  });

  it('that makes no sense for a link type leaves its packets out, and says so', async () => {
    const builder = new PcapngBuilder().interface().interface({ linkType: 101 });
    for (const frame of frames) builder.packet(frame);
    builder.packet({ ...frames[0]!, data: frames[0]!.data.subarray(14) }, { interface: 1 });
    const seen = await observeFile(builder.bytes(), { filter: 'ip or vlan' });
    assert.equal(seen.flows.length, flows.length);
    assert.deepEqual(
      seen.anomalies.map(({ code, damage }) => ({ code, damage })),
      [{ code: 'filter_not_applicable', damage: true }],
    );
  });
});
