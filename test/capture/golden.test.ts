import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WITH_SNI } from './captures.js';
import { goldenHandshakes, recordTypes } from './handshakes.js';
import { observe } from './observed.js';
import { openFileSource } from '../../src/capture/file-source.js';

const CLIENT_HELLO = 1;

describe('the golden capture', async () => {
  const { flows, flowIds, anomalies, counters } = await observe(openFileSource(WITH_SNI));
  const handshakes = goldenHandshakes().filter(({ client }) => client[0] === 22 && client[5] === CLIENT_HELLO);
  const byClient = new Map(flows.map((flow) => [`${flow.clientPort} ${flow.serverAddress}`, flow]));

  it('gives one flow per connection that begins with a ClientHello, and no anomaly', () => {
    assert.equal(flows.length, handshakes.length);
    assert.equal(byClient.size, handshakes.length);
    assert.deepEqual(anomalies, []);
    assert.equal(counters['packets'], 5894);
    assert.equal(counters['flowsEmitted'], flows.length);
  });

  it('numbers flows with positive integers, each once', () => {
    assert.equal(new Set(flowIds).size, flowIds.length);
    assert.ok(flowIds.every((id) => Number.isSafeInteger(id) && id > 0));
  });

  it('hands over the opening bytes of each direction as a plain reassembly has them', () => {
    for (const { clientPort, serverAddress, client, server } of handshakes) {
      const flow = byClient.get(`${clientPort} ${serverAddress}`)!;
      assert.ok(client.toString('hex').startsWith(flow.client.hex), `client ${clientPort}`);
      assert.ok(server.toString('hex').startsWith(flow.server.hex), `server of ${clientPort}`);
      assert.ok(flow.client.hex.length > 0);
    }
  });

  it('hands over the clear text to its end, and nothing of what is protected', () => {
    for (const { clientPort, serverAddress, client, server } of handshakes) {
      const flow = byClient.get(`${clientPort} ${serverAddress}`)!;
      for (const [seen, all] of [
        [flow.client, client],
        [flow.server, server],
      ] as const) {
        const bytes = Buffer.from(seen.hex, 'hex');
        assert.ok(!recordTypes(bytes).includes(23), 'no application data');
        const following = all.subarray(bytes.length, bytes.length + 5);
        if (seen.end === 'application_data') {
          assert.equal(following[0], 23);
          assert.equal(seen.firstApplicationDataLength, following.readUInt16BE(3));
        } else if (seen.end === 'change_cipher_spec') {
          assert.equal(recordTypes(bytes).at(-1), 20);
          assert.ok(following.length === 5 && following[0] !== 23);
        } else if (seen.end === 'not_tls') {
          assert.ok(bytes.length === 0 && /^(HTTP|SSH-)/.test(all.toString('latin1')), all.toString('latin1', 0, 8));
        } else {
          assert.equal(bytes.length, all.length, `${clientPort} ends with ${seen.end}`);
        }
        assert.equal(seen.changeCipherSpec, recordTypes(bytes).includes(20));
      }
    }
  });
});
