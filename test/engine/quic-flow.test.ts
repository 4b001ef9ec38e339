import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QuicRecord } from '../../src/capture/flow-record.js';
import { QuicFlows } from '../../src/engine/quic-flow.js';
import { cryptoFrame, RFC_CONNECTION_ID, RFC_CRYPTO_FRAME, sealInitial } from '../tls/quic/sealed-initials.js';

const INPUT = { in_iface: 'test' };
const HELLO = RFC_CRYPTO_FRAME.subarray(4);

function record(flowId: number, seconds: number, packetNumber: number, frames: Uint8Array): QuicRecord {
  return {
    kind: 'quic',
    flowId,
    timestamp: 1_700_000_000_000_000 + seconds * 1_000_000,
    sourceAddress: '192.0.2.1',
    sourcePort: 50_000,
    destinationAddress: '198.51.100.2',
    destinationPort: 443,
    vlan: [],
    tunnels: null,
    datagram: sealInitial({ version: 1, destinationId: RFC_CONNECTION_ID, packetNumber, frames }),
    input: 0,
  };
}

const firstHalf = cryptoFrame(0, HELLO.subarray(0, 100));
const secondHalf = cryptoFrame(100, HELLO.subarray(100));

describe('QUIC flows', () => {
  it('whose hello comes within a minute give it', () => {
    const flows = new QuicFlows();
    assert.deepEqual(flows.accept(record(1, 0, 0, firstHalf), INPUT), []);
    const [hello] = flows.accept(record(1, 59, 1, secondHalf), INPUT);
    assert.equal(hello?.server.serverName, 'example.com');
    assert.deepEqual(flows.counters, { datagrams: 2, hellos: 1, undecodable: 0, evicted: 0, expired: 0 });
  });

  it('that are idle for longer are forgotten, and counted where a hello was incomplete', () => {
    const flows = new QuicFlows();
    flows.accept(record(1, 0, 0, firstHalf), INPUT);
    flows.accept(record(2, 0, 0, cryptoFrame(0, HELLO)), INPUT);
    const before = flows.size;
    assert.deepEqual(flows.accept(record(1, 61, 1, secondHalf), INPUT), []);
    assert.equal(flows.counters.expired, 1);
    assert.ok(flows.size < before, `${before}, then ${flows.size} bytes`);
  });

  it('take no more than 8 MiB, and those go first that were idle for longest', () => {
    const flows = new QuicFlows();
    // As much as a hello may have.
    const late = cryptoFrame(16_000, Buffer.alloc(64, 1));
    for (let id = 1; id <= 1000; id++) flows.accept(record(id, 0, 0, late), INPUT);
    assert.ok(flows.size <= 8 * 2 ** 20);
    assert.ok(flows.counters.evicted > 400, String(flows.counters.evicted));
    const { evicted } = flows.counters;
    // The newest is still known: what was missing completes nothing, but it takes no room anew.
    const { size } = flows;
    flows.accept(record(1000, 0, 1, late), INPUT);
    assert.deepEqual([flows.size, flows.counters.evicted], [size, evicted]);
  });
});
