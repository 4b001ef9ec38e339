// What a connection can make the prober hold is bounded, however much a server sends and however long it takes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { alert, flood, handshake, newProber, record, serverHello, withServer } from './hostile-server.js';
import type { Misbehaviour } from './hostile-server.js';

// As --expose-gc does, which a test runner cannot be made to pass on: what is held, without what is garbage.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const PROBES = 40;
/** Ten at once for each of them. */
const CONNECTIONS = PROBES * 10;
/** A message of 64 KiB and a record, each in a buffer that has doubled as it grew, and the objects of a connection. */
const BYTES_PER_CONNECTION = 256 * 1024;

/** Bytes held at most while some `CONNECTIONS` connections meet a server, over what is held before, for each of them. */
async function mostHeldEach(onHello: Misbehaviour): Promise<number> {
  return withServer({ onHello }, async (port, connections) => {
    // Server and prober share this process: on a busy machine a connection can take long to be noticed.
    const prober = newProber({
      connectTimeoutMs: 30_000,
      handshakeTimeoutMs: 4000,
      shuffleOver: PROBES,
      perServerConcurrency: CONNECTIONS,
    });
    const held = (): number => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = held();
    const probes = Array.from({ length: PROBES }, () => prober.probe({ address: '127.0.0.1', port, serverName: null }));
    let most = 0;
    for (let look = 0; look < 25; look++) {
      await sleep(150);
      most = Math.max(most, held());
    }
    const results = await Promise.all(probes);
    assert.ok(results.every((result) => result !== null));
    // A busy machine does not get round to all of them before the time is up.
    assert.ok(connections() >= CONNECTIONS / 2, `${connections()} connections`);
    return (most - before) / connections();
  });
}

describe(`${CONNECTIONS} connections to hostile servers hold no more than they may`, () => {
  const behaviours: [string, Misbehaviour][] = [
    [
      'a message and a record that both lack their last byte',
      (socket, hello) => {
        socket.write(serverHello(hello));
        socket.write(handshake(11, Buffer.alloc(65_000), 65_001));
        socket.write(record(22, Buffer.alloc(16_384)).subarray(0, -1));
      },
    ],
    [
      'a flood of warnings and fragments',
      (socket, hello) => {
        socket.write(serverHello(hello));
        socket.write(handshake(11, new Uint8Array(0), 65_000));
        flood(socket, Buffer.concat([alert(1, 90), record(22, Uint8Array.of(0))]));
      },
    ],
    [
      'a ServerHello full of extensions',
      (socket, hello) => {
        const extensions = Buffer.alloc(65_400, Uint8Array.of(0xfa, 0xfa, 0, 0));
        socket.end(serverHello(hello, { extensions }));
      },
    ],
  ];
  for (const [name, behaviour] of behaviours)
    it(name, async (context) => {
      const held = await mostHeldEach(behaviour);
      context.diagnostic(`${Math.round(held / 1024)} KiB each`);
      assert.ok(held < BYTES_PER_CONNECTION, `${Math.round(held / 1024)} KiB each`);
    });
});
