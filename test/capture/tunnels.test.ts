import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OuterPacket, TunnelLayer } from '../../src/capture/flow-record.js';
import { linkLayers, pcap, readFrames, rewrap, WITH_SNI } from './captures.js';
import { Conversation } from './conversation.js';
import { goldenHandshakes, tls12Handshake } from './handshakes.js';
import { observeFile, sorted } from './observed.js';
import { ip, ipv6Tunnels, OUTER_4, OUTER_6, tunnels, udp } from './tunnels.js';

const frames = readFrames(WITH_SNI).slice(0, 400);
const expected = sorted((await observeFile(pcap(frames))).flows);
const { client, server } = tls12Handshake(goldenHandshakes());

const rawIp = (packets: readonly Buffer[]): Buffer =>
  pcap(
    packets.map((data) => ({ seconds: 1, microseconds: 0, data })),
    { linkType: 101 },
  );

const NO_PORTS = { sourcePort: null, destinationPort: null };
const inGre: OuterPacket = { ...OUTER_4, ...NO_PORTS, protocol: 47 };
const inUdp = (destinationPort: number, sourcePort = 50_000): OuterPacket => ({
  ...OUTER_4,
  sourcePort,
  destinationPort,
  protocol: 17,
});

interface Case {
  readonly layers: readonly TunnelLayer[];
  readonly outer: OuterPacket;
  readonly vlan?: readonly number[];
}
const cases: Readonly<Record<keyof typeof tunnels, Case>> = {
  ipInIp: { layers: [{ type: 'ipip' }], outer: { ...inGre, protocol: 4 } },
  ipInIpv6: { layers: [{ type: 'ipip' }], outer: { ...OUTER_6, ...NO_PORTS, protocol: 4 } },
  gre: { layers: [{ type: 'gre' }], outer: inGre },
  greAllFields: { layers: [{ type: 'gre', id: 42 }], outer: inGre },
  greBridging: { layers: [{ type: 'gre', id: 42 }], outer: inGre },
  greVlan: { layers: [{ type: 'gre' }], outer: inGre, vlan: [0x64] },
  greMpls: { layers: [{ type: 'gre' }, { type: 'mpls', id: 16 }], outer: inGre },
  wccp: { layers: [{ type: 'gre' }], outer: inGre },
  erspan1: { layers: [{ type: 'erspan' }], outer: inGre },
  erspan2: { layers: [{ type: 'erspan', id: 9 }], outer: inGre, vlan: [0x64] },
  erspan3: { layers: [{ type: 'erspan', id: 9 }], outer: inGre },
  erspan3Ip: { layers: [{ type: 'erspan', id: 9 }], outer: inGre },
  pptp: { layers: [{ type: 'pptp', id: 7 }], outer: inGre },
  pptpCompressed: { layers: [{ type: 'pptp', id: 7 }], outer: inGre },
  vxlan: { layers: [{ type: 'vxlan', id: 42 }], outer: inUdp(4789) },
  vxlanLinux: { layers: [{ type: 'vxlan', id: 42 }], outer: inUdp(8472) },
  vxlanPolicy: { layers: [{ type: 'vxlan', id: 42 }], outer: inUdp(4789) },
  vxlanGpe: { layers: [{ type: 'vxlan', id: 42 }], outer: inUdp(4790) },
  vxlanOverIpv6: { layers: [{ type: 'vxlan', id: 42 }], outer: { ...inUdp(4789), ...OUTER_6 } },
  geneve: { layers: [{ type: 'geneve', id: 42 }], outer: inUdp(6081) },
  geneveOptions: { layers: [{ type: 'geneve', id: 42 }], outer: inUdp(6081) },
  gtp: { layers: [{ type: 'gtp', id: 42 }], outer: inUdp(2152, 2152) },
  gtpExtended: { layers: [{ type: 'gtp', id: 42 }], outer: inUdp(2152) },
  greInUdp: { layers: [{ type: 'gre' }], outer: inUdp(4754) },
  capwap: { layers: [{ type: 'capwap' }], outer: inUdp(5247) },
  capwapNative: { layers: [{ type: 'capwap' }], outer: inUdp(5247) },
  capwapSwapped: { layers: [{ type: 'capwap' }], outer: inUdp(5247) },
  mplsInIp: { layers: [{ type: 'mpls', id: 16 }], outer: { ...inGre, protocol: 137 } },
};

describe('the same packets', () => {
  for (const [name, { layers, outer, vlan = [] }] of Object.entries(cases)) {
    it(`in ${name} give the same flows, and what they came in`, async () => {
      const wrap = tunnels[name as keyof typeof tunnels];
      const { flows, anomalies, counters } = await observeFile(pcap(rewrap(frames, wrap), { linkType: 101 }));
      assert.deepEqual(anomalies, []);
      assert.deepEqual(
        sorted(flows),
        expected.map((flow) => ({ ...flow, vlan, tunnels: { layers, outer } })),
      );
      assert.equal(counters['tunnelledPackets'], frames.length);
    });
  }

  it('in tunnels, one in the other, give the same flows and all that they came in', async () => {
    const wrap = (packet: Buffer) => tunnels.vxlan(tunnels.gre(tunnels.gtp(packet)));
    const [flow] = (await observeFile(pcap(rewrap(frames, wrap), { linkType: 101 }))).flows;
    assert.deepEqual(flow?.tunnels?.layers, [{ type: 'vxlan', id: 42 }, { type: 'gre' }, { type: 'gtp', id: 42 }]);
    assert.equal(flow.tunnels.outer?.depth, 3);
    assert.equal(flow.tunnels.outer.destinationPort, 4789);
  });

  it('in more tunnels than are followed are counted, and said once', async () => {
    const nest = (packet: Buffer, depth: number): Buffer =>
      depth === 0 ? packet : nest(tunnels.ipInIp(packet), depth - 1);
    const eight = await observeFile(
      pcap(
        rewrap(frames, (packet) => nest(packet, 8)),
        { linkType: 101 },
      ),
    );
    assert.equal(eight.flows.length, expected.length);
    const nine = await observeFile(
      pcap(
        rewrap(frames, (packet) => nest(packet, 9)),
        { linkType: 101 },
      ),
    );
    assert.deepEqual(nine.flows, []);
    assert.equal(nine.counters['tunnelsTooDeep'], frames.length);
    assert.deepEqual(
      nine.anomalies.map(({ code }) => code),
      ['tunnel_too_deep'],
    );
  });
});

describe('IPv6', () => {
  const talk = new Conversation({ ipv6: true }).handshake().send('client', client).send('server', server);
  for (const [name, wrap] of Object.entries(ipv6Tunnels)) {
    it(`in ${name} gives the flow that is in it`, async () => {
      const carried = rewrap(talk.frames, (packet) => wrap(packet, { answer: packet.readUInt16BE(40) === 443 }));
      const { flows, anomalies } = await observeFile(pcap(carried, { linkType: 101 }));
      const [plain] = (await observeFile(pcap(talk.frames))).flows;
      assert.deepEqual(anomalies, []);
      const isTeredo = name.startsWith('teredo');
      const outer = isTeredo ? inUdp(3544) : { ...inGre, protocol: 41 };
      assert.deepEqual(flows, [{ ...plain, tunnels: { layers: [{ type: isTeredo ? 'teredo' : 'ipip' }], outer } }]);
    });
  }
});

describe('UDP on the port of a tunnel', () => {
  const ports = [2152, 3544, 4754, 4789, 4790, 5247, 6081, 8472];

  it('is no tunnel where its header does not hold together', async () => {
    const packet = frames[0]!.data.subarray(14);
    const headers: Readonly<Record<number, readonly string[]>> = {
      2152: ['30ff00000000002a', '50ff05dc0000002a', '30fe05dc0000002a'],
      3544: ['', '6000'],
      4789: ['0800000100002a00', '0800000000002a01', '0000000000002a00'],
      4754: ['00010800', '08000800', '00001234'],
      4790: ['0c00010100002a00'],
      5247: ['1010000000000000', '0000000000000000', '0010000700000000'],
      6081: ['4000655800002a00', '00006558 00002a01', '00001234 00002a00', '3f006558 00002a00'],
    };
    const carried = Object.entries(headers).flatMap(([port, texts]) =>
      texts.map((text) => {
        const payload = Buffer.concat([Buffer.from(text.replaceAll(' ', ''), 'hex'), packet]);
        return udp(Number(port), payload, { answer: false });
      }),
    );
    const { counters } = await observeFile(rawIp(carried));
    assert.equal(counters['udpPackets'], carried.length);
    assert.equal(counters['tunnelledPackets'], 0);
  });

  it('may be QUIC, which is not swallowed', async () => {
    // A long header of version 1 with ids of eight bytes, as a client's first packet begins.
    const initial = Buffer.concat([Buffer.from('c00000000108', 'hex'), Buffer.alloc(1194, 7)]);
    const carried = ports.flatMap((port) => [
      udp(port, initial, { answer: false }),
      udp(50_001, initial, { answer: true }, port),
    ]);
    const { counters } = await observeFile(rawIp(carried));
    assert.equal(counters['quicInitials'], carried.length);
  });
});

describe('what is no TCP in a tunnel', () => {
  it('is counted as what it is', async () => {
    const arp = Buffer.from('0001080006040001020000000001c0000201000000000000c0000202', 'hex');
    const frame = Buffer.concat([Buffer.from('ffffffffffff0200000000010806', 'hex'), arp]);
    const vxlan = udp(4789, Buffer.concat([Buffer.from('0800000000002a00', 'hex'), frame]), { answer: false });
    const ping = ip(47, Buffer.concat([Buffer.from('00000800', 'hex'), ip(1, Buffer.alloc(8), { answer: false })]), {
      answer: false,
    });
    const { counters, anomalies } = await observeFile(rawIp([vxlan, ping]));
    assert.deepEqual(anomalies, []);
    assert.equal(counters['otherPackets'], 2);
    assert.equal(counters['tunnelledPackets'], 2);
  });

  it('breaks off without an error', async () => {
    const whole = linkLayers.ethernet(tunnels.vxlan(frames[3]!.data.subarray(14)));
    const cut = Array.from({ length: whole.length }, (_, length) => ({
      seconds: 1,
      microseconds: 0,
      data: whole.subarray(0, length),
      original: whole.length,
    }));
    const { counters } = await observeFile(pcap(cut));
    assert.equal(counters['packets'], whole.length);
  });
});
