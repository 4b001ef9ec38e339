import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { linkLayers, pcap, readFrames, rewrap, WITH_SNI } from './captures.js';
import { observeFile, sorted } from './observed.js';

const frames = readFrames(WITH_SNI).slice(0, 400);
const expected = sorted((await observeFile(pcap(frames))).flows);

const cases: readonly [name: string, linkType: number, layer: keyof typeof linkLayers, vlan: number[]][] = [
  ['Ethernet', 1, 'ethernet', []],
  ['Ethernet with an 802.1Q tag', 1, 'vlan', [0x64]],
  ['Ethernet with two tags (802.1ad)', 1, 'qinq', [10, 20]],
  ['Ethernet with two tags as they were before 802.1ad (0x9100)', 1, 'oldQinq', [10, 20]],
  ['Ethernet with LLC and SNAP', 1, 'snap', []],
  ['Ethernet with PPPoE', 1, 'pppoe', []],
  ['Ethernet with Cisco metadata', 1, 'ciscoMetaData', []],
  ['Linux cooked capture', 113, 'linuxSll', []],
  ['Linux cooked capture, version 2', 276, 'linuxSll2', []],
  ['raw IP', 101, 'raw', []],
  ['raw IP under the number 12', 12, 'raw', []],
  ['raw IP under the number 14', 14, 'raw', []],
  ['raw IPv4', 228, 'raw', []],
  ['BSD loopback, little-endian', 0, 'nullLittle', []],
  ['BSD loopback, big-endian', 0, 'nullBig', []],
  ['OpenBSD loopback', 108, 'nullBig', []],
];

describe('the same packets', () => {
  for (const [name, linkType, layer, vlan] of cases) {
    it(`in ${name} give the same flows`, async () => {
      const { flows, anomalies } = await observeFile(pcap(rewrap(frames, linkLayers[layer]), { linkType }));
      assert.deepEqual(anomalies, []);
      assert.deepEqual(
        sorted(flows),
        expected.map((flow) => ({ ...flow, vlan })),
      );
    });
  }

  it('in a link type that is not decoded give one anomaly, and a count', async () => {
    const { flows, anomalies, counters } = await observeFile(pcap(frames, { linkType: 147 }));
    assert.deepEqual(flows, []);
    assert.deepEqual(
      anomalies.map(({ code, layer, damage, offset }) => ({ code, layer, damage, offset })),
      [{ code: 'unsupported_link_type', layer: 'link', damage: true, offset: 24 }],
    );
    assert.equal(counters['unsupportedLinkType'], frames.length);
  });

  it('cut off inside of their link header are counted, and said once', async () => {
    const short = frames.map((frame) => ({ ...frame, data: frame.data.subarray(0, 9), original: 9 }));
    const { anomalies, counters } = await observeFile(pcap(short));
    assert.deepEqual(
      anomalies.map(({ code }) => code),
      ['truncated_link_header'],
    );
    assert.equal(counters['malformedPackets'], frames.length);
  });
});
