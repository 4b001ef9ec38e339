import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openFileSource } from '../../src/capture/file-source.js';
import { FlowBatch } from '../../src/capture/flow-batch.js';
import type { FlowRecord } from '../../src/capture/flow-record.js';
import { HoleKind, type Hole } from '../../src/capture/teller.js';
import { FlowReader, type SeenFlow } from '../../src/engine/flow-reader.js';
import { clientHoles, serverHoles } from '../../src/engine/opening-holes.js';
import { readTlsFlow } from '../../src/engine/tls-flow.js';
import { HELLO_RETRY_REQUEST_RANDOM } from '../../src/tls/server-hello.js';
import { GOLDEN, WITH_SNI } from '../capture/captures.js';
import { batchOf } from './batches.js';

/** Everything that the reader says of a flow. */
function told(seen: SeenFlow | null): unknown {
  if (seen === null) return null;
  const { sni, client, server, certificate, resumed, handshake, evidence, nonces, certSha1, ja3, ja3s } = seen;
  return structuredClone({
    ...{ sni, resumed, handshake, evidence, certSha1, ja3, ja3s },
    client: client === null ? null : { ...client.tls.fields, ech: client.ech },
    server: server === null ? null : { ...server.tls.fields, cipher: server.cipher, group: server.group },
    certificate: certificate?.fields ?? null,
    random: nonces === null ? null : Uint8Array.from(nonces.random),
    sessionId: nonces === null ? null : Uint8Array.from(nonces.sessionId),
  });
}

const NAME = Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*');

/** Fills a hole with others of what it takes. */
function refill(bytes: Uint8Array, { start, end, kind }: Hole, values: () => number): void {
  const hole = bytes.subarray(start, end);
  if (kind === HoleKind.Grease) hole.fill((values() & 0xf0) | 0x0a);
  else hole.forEach((_, at) => (hole[at] = kind === HoleKind.Name ? (NAME[values() % NAME.length] ?? 0) : values()));
}

/** The bytes in holes each made another. */
function refilled(opening: Uint8Array, holes: readonly Hole[], values: () => number): Uint8Array {
  const out = opening.slice();
  for (const hole of holes) refill(out, hole, values);
  return out;
}

/** One of the bytes that are not in holes made another. */
function damaged(opening: Uint8Array, holes: readonly Hole[], values: () => number): Uint8Array {
  const isHole = new Uint8Array(opening.length);
  for (const { start, end } of holes) isHole.fill(1, start, end);
  const out = opening.slice();
  const fixed = [...isHole.keys()].filter((at) => isHole[at] === 0);
  const at = fixed[(values() * 256 + values()) % fixed.length] ?? 0;
  out[at] = (out[at] ?? 0) ^ 1;
  return out;
}

async function* flowsOf(capture: string, recognise?: (batch: FlowBatch) => void): AsyncIterable<FlowRecord> {
  for await (const batch of openFileSource(capture).batches()) {
    if (batch instanceof FlowBatch) recognise?.(batch);
    for (const record of batch) if (record.kind === 'flow') yield record;
  }
}

describe('the reader of flows', () => {
  it('says of a flow that fits stencils what it says of it when it is decoded', async () => {
    const reader = new FlowReader(null);
    let fitting = 0;
    for (let pass = 0; pass < 3; pass++) {
      for (const capture of ['with-sni.pcap', 'without-sni.pcap']) {
        const recognise = (batch: FlowBatch): void => {
          reader.recognise(batch);
        };
        for await (const record of flowsOf(join(GOLDEN, capture), recognise)) {
          if (record.clientStencil !== 0 && record.serverStencil !== 0) fitting++;
          assert.deepEqual(told(reader.read(record)), told(new FlowReader(null).read(record)));
        }
      }
    }
    assert.ok(fitting > 1000, `${fitting} flows fitted`);
  });

  it('tells of a ClientHello of which no field can be read', async () => {
    const reader = new FlowReader(null);
    let read = 0;
    for await (const { client } of flowsOf(WITH_SNI)) {
      if (client.bytes.length === 0) continue;
      // The first record: behind a HelloRetryRequest there is a second hello.
      const bytes = client.bytes.slice(0, 5 + (((client.bytes[3] ?? 0) << 8) | (client.bytes[4] ?? 0)));
      // The length of the cipher suites, behind the headers of record and message, version, random and session id.
      const at = 5 + 4 + 2 + 32;
      bytes.fill(0xff, at + 1 + (bytes[at] ?? 0), at + 1 + (bytes[at] ?? 0) + 2);
      const [flow] = batchOf(bytes, new Uint8Array(0));
      assert.ok(flow?.kind === 'flow');
      const seen = reader.read(flow);
      assert.deepEqual(seen?.client?.tls.fields, {});
      assert.equal(seen.sni, null);
      // Cut off inside of the message it is none.
      const [cut] = batchOf(bytes.subarray(0, 60), new Uint8Array(0));
      assert.ok(cut?.kind === 'flow');
      assert.equal(reader.read(cut), null);
      read++;
    }
    assert.ok(read > 10, String(read));
  });

  it('says the same whatever stands in the holes', async () => {
    let seed = 1;
    const values = (): number => (seed = (seed * 48_271) % 0x7fffffff) & 0xff;
    let compared = 0;
    for await (const record of flowsOf(WITH_SNI)) {
      const { client, server } = record;
      const { clientHello, serverHello, openings } = readTlsFlow(record);
      const ofClient = clientHello === null ? null : clientHoles(client.bytes, openings.client, clientHello);
      const ofServer = serverHoles(server.bytes, openings.server);
      if (ofClient === null || ofServer === null || serverHello === null) continue;
      const reader = new FlowReader(null);
      const read = (clientBytes: Uint8Array, serverBytes: Uint8Array): [record: FlowRecord, said: unknown] => {
        const batch = batchOf(clientBytes, serverBytes);
        reader.recognise(batch);
        const [flow] = batch;
        assert.ok(flow?.kind === 'flow');
        return [flow, told(reader.read(flow))];
      };
      for (let pass = 0; pass < 3; pass++) read(client.bytes, server.bytes);
      const others = [
        refilled(client.bytes, ofClient.holes, values),
        refilled(server.bytes, ofServer.holes, values),
      ] as const;
      const [flow, said] = read(...others);
      assert.ok(flow.clientStencil !== 0 && flow.serverStencil !== 0);
      const [decoded] = batchOf(...others);
      assert.ok(decoded?.kind === 'flow');
      assert.deepEqual(said, told(new FlowReader(null).read(decoded)));
      compared++;
      // What is not in a hole decides.
      const [different] = read(
        damaged(client.bytes, ofClient.holes, values),
        damaged(server.bytes, ofServer.holes, values),
      );
      assert.deepEqual([different.clientStencil, different.serverStencil], [0, 0]);
      // Nor does a hole take what it is not for.
      for (const hole of ofClient.holes) {
        if (hole.kind === HoleKind.Any || hole.end === hole.start) continue;
        const odd = client.bytes.slice();
        odd[hole.start] = 0x22;
        assert.equal(read(odd, server.bytes)[0].clientStencil, 0);
      }
      for (const hole of ofServer.holes) {
        if (hole.kind !== HoleKind.Other) continue;
        const retry = server.bytes.slice();
        retry.set(HELLO_RETRY_REQUEST_RANDOM, hole.start);
        assert.equal(read(client.bytes, retry)[0].serverStencil, 0);
      }
    }
    assert.ok(compared > 200, String(compared));
  });
});
