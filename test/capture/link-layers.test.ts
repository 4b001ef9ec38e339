import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TunnelPath } from '../../src/capture/flow-record.js';
import { linkLayers, pcap, readFrames, rewrap, WITH_SNI } from './captures.js';
import { observeFile, sorted } from './observed.js';

const frames = readFrames(WITH_SNI).slice(0, 400);
const expected = sorted((await observeFile(pcap(frames))).flows);

const cases: readonly [
  name: string,
  linkType: number,
  layer: keyof typeof linkLayers,
  vlan: number[],
  tunnels?: TunnelPath,
][] = [
  ['Ethernet', 1, 'ethernet', []],
  ['Ethernet with an 802.1Q tag', 1, 'vlan', [0x64]],
  ['Ethernet with two tags (802.1ad)', 1, 'qinq', [10, 20]],
  ['Ethernet with two tags as they were before 802.1ad (0x9100)', 1, 'oldQinq', [10, 20]],
  ['Ethernet with LLC and SNAP', 1, 'snap', []],
  ['Ethernet with PPPoE', 1, 'pppoe', [], { layers: [{ type: 'pppoe', id: 1 }], outer: null }],
  ['Ethernet with MPLS', 1, 'mpls', [], { layers: [{ type: 'mpls', id: 17 }], outer: null }],
  ['Ethernet with a pseudowire', 1, 'pseudowire', [], { layers: [{ type: 'mpls', id: 17 }], outer: null }],
  [
    'Ethernet with a pseudowire and control word',
    1,
    'controlWord',
    [],
    { layers: [{ type: 'mpls', id: 17 }], outer: null },
  ],
  ['Ethernet with Cisco metadata', 1, 'ciscoMetaData', []],
  ['Ethernet with a VN tag', 1, 'vnTag', []],
  ['Ethernet with FabricPath', 1, 'fabricPath', []],
  ['Linux cooked capture', 113, 'linuxSll', []],
  ['Linux cooked capture, version 2', 276, 'linuxSll2', []],
  ['PPP', 9, 'ppp', []],
  ['PPP without address and control', 9, 'pppBare', []],
  ['PPP with a compressed protocol number', 9, 'pppCompressed', []],
  ['PPP in HDLC', 50, 'ppp', []],
  ['PPP with MPLS', 50, 'pppMpls', [], { layers: [{ type: 'mpls', id: 17 }], outer: null }],
  ['PPP with the direction in place of the address', 166, 'pppd', []],
  ['PPP with a direction', 204, 'pppDirection', []],
  ['PPPoE without Ethernet', 51, 'pppEther', [], { layers: [{ type: 'pppoe', id: 1 }], outer: null }],
  ["Cisco's HDLC", 104, 'ciscoHdlc', []],
  ["Cisco's HDLC, called PPP", 50, 'ciscoHdlc', []],
  ['FDDI', 10, 'fddi', []],
  ['IEEE 802.11', 105, 'ieee80211', []],
  ['IEEE 802.11 with QoS', 105, 'ieee80211Qos', []],
  ['IEEE 802.11 with four addresses', 105, 'ieee80211Wds', []],
  ['IEEE 802.11 with two packets in a frame, of the first', 105, 'ieee80211Aggregated', []],
  ['IEEE 802.11 with radiotap', 127, 'radiotap', []],
  ['IEEE 802.11 with radiotap and a padded header', 127, 'radiotapPadded', []],
  ['PPI with Ethernet', 192, 'ppi', []],
  ['a netfilter log', 239, 'nflog', []],
  ['a netfilter log of a big-endian machine', 239, 'nflogBig', []],
  ['Ethernet with its preamble', 274, 'mpacket', []],
  ['raw IP', 101, 'raw', []],
  ['raw IP under the number 12', 12, 'raw', []],
  ['raw IP under the number 14', 14, 'raw', []],
  ['raw IPv4', 228, 'raw', []],
  ['BSD loopback, little-endian', 0, 'nullLittle', []],
  ['BSD loopback, big-endian', 0, 'nullBig', []],
  ['OpenBSD loopback', 108, 'nullBig', []],
];

describe('the same packets', () => {
  for (const [name, linkType, layer, vlan, tunnels = null] of cases) {
    it(`in ${name} give the same flows`, async () => {
      const { flows, anomalies } = await observeFile(pcap(rewrap(frames, linkLayers[layer]), { linkType }));
      assert.deepEqual(anomalies, []);
      assert.deepEqual(
        sorted(flows),
        expected.map((flow) => ({ ...flow, vlan, tunnels })),
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
