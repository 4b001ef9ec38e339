import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { TcpClient } from '../../src/probe/tcp-client.js';
import type { TcpConnectionEvents } from '../../src/probe/tcp-client.js';

const client = new TcpClient();

async function withServer<T>(
  onConnection: (socket: Socket) => void,
  body: (port: number) => Promise<T>,
  host = '127.0.0.1',
): Promise<T> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  try {
    return await body((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** A connection that notes what it is told, and `act`s on it. */
function recorder(
  act: Partial<TcpConnectionEvents> = {},
): TcpConnectionEvents & { readonly told: string[]; readonly data: Buffer[] } {
  const told: string[] = [];
  const data: Buffer[] = [];
  return {
    told,
    data,
    onConnected() {
      told.push('connected');
      act.onConnected?.();
    },
    onData(bytes) {
      data.push(Buffer.from(bytes));
      act.onData?.(bytes);
    },
    onEnd() {
      told.push('end');
      act.onEnd?.();
    },
    onError(code) {
      told.push(code);
      act.onError?.(code);
    },
  };
}

/** Connects, sends `bytes`, and gives what came until the server ended. */
async function exchange(port: number, bytes: Uint8Array, address = '127.0.0.1'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const events = recorder({
      onConnected: () => {
        assert.equal(client.write(number as number, bytes), null);
      },
      onEnd: () => {
        client.close(number as number);
        resolve(Buffer.concat(events.data));
      },
      onError: reject,
    });
    const number = client.connect(address, port, null, 0, events);
  });
}

describe('the TCP client', () => {
  it('carries more than a socket takes at once, both ways', async () => {
    const sent = Buffer.alloc(
      3_000_000,
      Uint8Array.from({ length: 251 }, (_, i) => i),
    );
    await withServer(
      (socket) => {
        const got: Buffer[] = [];
        let length = 0;
        socket.on('data', (chunk: Buffer) => {
          got.push(chunk);
          length += chunk.length;
          if (length === sent.length) socket.end(Buffer.concat(got));
        });
      },
      async (port) => {
        assert.ok(sent.equals(await exchange(port, sent)));
      },
    );
  });

  it('keeps thousands of connections apart', async () => {
    await withServer(
      (socket) => socket.on('data', (chunk: Buffer) => socket.end(chunk)),
      async (port) => {
        for (let round = 0; round < 4; round++) {
          const echoes = Array.from({ length: 300 }, (_, i) => Buffer.from(`round ${round}, connection ${i}`));
          const answers = await Promise.all(echoes.map((text) => exchange(port, text)));
          assert.deepEqual(answers, echoes);
        }
      },
    );
  });

  it('connects over IPv6', async () => {
    await withServer(
      (socket) => socket.on('data', (chunk: Buffer) => socket.end(chunk)),
      async (port) => {
        assert.equal((await exchange(port, Buffer.from('six'), '::1')).toString(), 'six');
      },
      '::1',
    );
  });

  it('comes from the address and port that it is told to', async () => {
    const origin = await withServer(
      () => undefined,
      async (free) =>
        withServer(
          (socket) =>
            socket.end(`${socket.remoteAddress ?? ''} ${socket.remotePort === free + 1 ? 'chosen' : 'other'}`),
          async (port) =>
            new Promise<string>((resolve, reject) => {
              const events = recorder({
                onEnd: () => {
                  client.close(number as number);
                  resolve(Buffer.concat(events.data).toString());
                },
                onError: reject,
              });
              const number = client.connect('127.0.0.1', port, '127.0.0.9', free + 1, events);
            }),
        ),
    );
    assert.equal(origin, '127.0.0.9 chosen');
  });

  it('says why a connection could not be made', async () => {
    const closed = await withServer(
      () => undefined,
      (port) => Promise.resolve(port),
    );
    const code = await new Promise((resolve) => {
      client.connect('127.0.0.1', closed, null, 0, recorder({ onError: resolve }));
    });
    assert.equal(code, 'ECONNREFUSED');
    assert.equal(client.connect('127.0.0.1', 1, '192.0.2.1', 0, recorder()), 'EADDRNOTAVAIL');
    assert.equal(client.connect('not an address', 1, null, 0, recorder()), 'EINVAL');
    assert.equal(client.connect('::1', 1, '127.0.0.1', 0, recorder()), 'EAFNOSUPPORT');
  });

  it('tells nothing more of a connection once it is closed', async () => {
    await withServer(
      (socket) => socket.write(Buffer.alloc(400_000)),
      async (port) => {
        const events = recorder({
          onData: () => {
            client.close(number as number);
            assert.equal(client.write(number as number, Buffer.from('late')), 'ENOTCONN');
          },
        });
        const number = client.connect('127.0.0.1', port, null, 0, events);
        await exchangeNothing(port);
        assert.equal(events.data.length, 1);
        assert.deepEqual(events.told, ['connected']);
      },
    );
  });

  it('says when the other side resets', async () => {
    await withServer(
      (socket) => socket.resetAndDestroy(),
      async (port) => {
        const events = recorder();
        const reset = new Promise((resolve) => {
          client.connect('127.0.0.1', port, null, 0, { ...events, onError: resolve });
        });
        assert.equal(await reset, 'ECONNRESET');
      },
    );
  });

  it('keeps no process alive when it is idle', () => {
    const script = `import { TcpClient } from './src/probe/tcp-client.ts'; new TcpClient();`;
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      timeout: 60_000,
    });
    assert.equal(status, 0);
  });

  it('lets a worker thread end while connections are open', async () => {
    await withServer(
      (socket) => socket.write('hello'),
      async (port) => {
        const script = `
          const { parentPort, workerData } = require('node:worker_threads');
          const { TcpClient } = require(workerData.addon);
          const client = new TcpClient(new Int32Array(4096), new Uint8Array(1 << 18), () => parentPort.postMessage('up'));
          for (let i = 0; i < 20; i++) client.connect('127.0.0.1', workerData.port, null, 0);
        `;
        const addon = new URL('../../native/build/Release/hellotap.node', import.meta.url).pathname;
        const worker = new Worker(script, { eval: true, workerData: { addon, port } });
        await once(worker, 'message');
        assert.equal(await worker.terminate(), 1);
      },
    );
  });

  it('refuses arguments that make no sense', () => {
    const call = (name: string, ...args: unknown[]): void => {
      (client as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args);
    };
    assert.throws(() => {
      call('connect', 12, 443, null, 0);
    }, TypeError);
    assert.throws(() => {
      call('connect', '127.0.0.1', 70_000, null, 0);
    }, TypeError);
    assert.throws(() => {
      call('write', 0, 'text');
    }, TypeError);
    assert.equal(client.write(123_456, Buffer.from('nobody')), 'ENOTCONN');
  });
});

/** Another connection, begun and ended: whatever the ones before it had to tell has been told. */
async function exchangeNothing(port: number): Promise<void> {
  await new Promise<void>((resolve) => {
    let length = 0;
    const number = client.connect('127.0.0.1', port, null, 0, {
      ...recorder(),
      onData: (bytes) => {
        length += bytes.length;
        if (length < 400_000) return;
        client.close(number as number);
        resolve();
      },
    });
  });
}
