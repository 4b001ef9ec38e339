// The HTTP Server header: of the lab's servers, and of servers that answer as no server should.
import assert from 'node:assert/strict';
import { createSecureServer } from 'node:http2';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createServer } from 'node:tls';
import type { TLSSocket, TlsOptions } from 'node:tls';
import fc from 'fast-check';
import { loadHelloSet } from '../../src/probe/hello-set-file.js';
import { MAX_SERVER_LENGTH } from '../../src/probe/http-head.js';
import { Http1Head } from '../../src/probe/http1-head.js';
import type { ProbeResult } from '../../src/probe/probe-result.js';
import { Prober } from '../../src/probe/prober.js';
import { deployment, labSkipReason, useLab } from '../lab/lab.js';
import { listen, makeCertificate, tlsServerSkipReason } from './tls-server.js';

const ordinary = loadHelloSet(join(import.meta.dirname, '../../samples/hello-sets/ordinary'));

/** Only the connection for HTTP matters here: the fingerprint is over the same hello. */
const prober = new Prober({
  helloSet: ordinary,
  http: ordinary,
  rate: 0,
  perServerRate: 0,
  perServerConcurrency: 4,
  handshakeTimeoutMs: 1_500,
  retries: 0,
});

async function serverHeader(address: string, port: number): Promise<ProbeResult> {
  const result = await prober.probe({ address, port, serverName: 'lab.test' });
  assert.ok(result);
  return result;
}

const expected: Readonly<Record<string, RegExp>> = {
  'nginx-tls12': /^nginx\/1\./,
  'nginx-modern-h2': /^nginx\/1\./,
  'nginx-legacy': /^nginx\/1\./,
  'nginx-p521': /^nginx\/1\./,
  'nginx-mtls': /^nginx\/1\./,
  'apache-default': /^Apache\/2\.4\./,
  'lighttpd-openssl': /^lighttpd\/1\.4/,
  'lighttpd-gnutls': /^lighttpd\/1\.4/,
  'python-https': /^SimpleHTTP\/.* Python\/3/,
  'ruby-webrick': /^WEBrick\//,
};
const without = ['go-default', 'go-tls10', 'haproxy-default', 'haproxy-tls13-h2', 'mosquitto', 'odd-http', 'closed'];
const ids = [...Object.keys(expected), ...without];

describe('the lab’s servers say what they are', { skip: labSkipReason(ids) }, () => {
  useLab(ids);
  for (const [id, pattern] of Object.entries(expected)) {
    it(id, async () => {
      const { address, port } = deployment(id);
      assert.match((await serverHeader(address, port)).httpServer ?? '', pattern);
    });
  }
  for (const id of without) {
    it(`${id} has none`, async () => {
      const { address, port } = deployment(id);
      assert.equal((await serverHeader(address, port)).httpServer, null);
    });
  }
});

describe('a server’s answer over TLS', { skip: tlsServerSkipReason() }, () => {
  const certificate = tlsServerSkipReason() === false ? makeCertificate() : { key: '', cert: '' };
  const closers: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closers) await close();
  });

  async function answer(options: TlsOptions, onConnection: (socket: TLSSocket) => void): Promise<ProbeResult> {
    const server = createServer({ ...certificate, ALPNProtocols: ['http/1.1'], ...options }, (socket) => {
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    const { port, close } = await listen(server);
    closers.push(close);
    return serverHeader('127.0.0.1', port);
  }

  for (const version of ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1'] as const) {
    it(`is read under ${version}, whatever pieces it comes in`, async () => {
      let request = '';
      const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
      const { httpServer } = await answer(options, (socket) => {
        socket.on('data', (data: Buffer) => {
          request += data.toString('latin1');
          if (!request.includes('\r\n\r\n')) return;
          for (const piece of ['HTTP/1.1 200 ', 'OK\r\nser', 'ver: One\r\nX: y\r\nSERVER:  Two \r\n\r', '\n'])
            socket.write(piece);
        });
      });
      assert.equal(httpServer, 'One, Two');
      assert.match(request, /^HEAD \/ HTTP\/1\.1\r\nHost: lab\.test:\d+\r\n/);
    });
  }

  it('over HTTP/2 is read where ALPN chose it', async () => {
    let seen = '';
    const server = createSecureServer(certificate, (request, response) => {
      seen = `${request.httpVersion} ${request.method} ${request.authority}${request.url}`;
      response.setHeader('server', 'two/2');
      response.end();
    });
    const { port, close } = await listen(server);
    closers.push(close);
    assert.equal((await serverHeader('127.0.0.1', port)).httpServer, 'two/2');
    assert.equal(seen, `2.0 HEAD lab.test:${port}/`);
  });

  const hostile: readonly [what: string, options: TlsOptions, act: (socket: TLSSocket) => void][] = [
    ['that never comes', {}, () => undefined],
    ['that is no HTTP', {}, (socket) => socket.write('220 mail ESMTP\r\n\r\n')],
    [
      'of endless header lines',
      {},
      (socket) => {
        flood(socket, `HTTP/1.1 200 OK\r\n`, 'A: b\r\n'.repeat(2_000));
      },
    ],
    [
      'of one endless line',
      {},
      (socket) => {
        flood(socket, 'HTTP/1.1 ', 'x'.repeat(16_000));
      },
    ],
    [
      'that is all interim',
      {},
      (socket) => {
        flood(socket, '', 'HTTP/1.1 100 Go on\r\n\r\n'.repeat(500));
      },
    ],
    [
      'of frames that are none',
      { ALPNProtocols: ['h2'] },
      (socket) => {
        flood(socket, '', '\xff'.repeat(16_000));
      },
    ],
    [
      'of endless SETTINGS',
      { ALPNProtocols: ['h2'] },
      (socket) => {
        flood(socket, '', '\0\0\0\x04\0\0\0\0\0'.repeat(1_000));
      },
    ],
    [
      'of endless PINGs',
      { ALPNProtocols: ['h2'] },
      (socket) => {
        flood(socket, '\0\0\0\x04\0\0\0\0\0', '\0\0\x08\x06\0\0\0\0\0abcdefgh'.repeat(1_000));
      },
    ],
    ['that is cut off', {}, (socket) => socket.end('HTTP/1.1 200')],
    ['that ends in a reset', {}, (socket) => socket.destroy()],
  ];
  for (const [what, options, act] of hostile) {
    it(`${what} ends in time, without a header`, async () => {
      const { httpServer, durationMs } = await answer(options, act);
      assert.equal(httpServer, null);
      assert.ok(durationMs < 4_000, `${durationMs} ms`);
    });
  }
});

/** Writes for as long as the other side reads. */
function flood(socket: TLSSocket, first: string, again: string): void {
  socket.write(first, 'latin1');
  const more = (): void => {
    if (socket.writable) socket.write(again, 'latin1', (error) => error ?? setImmediate(more));
  };
  more();
}

describe('the header section of an answer', () => {
  const read = (...pieces: readonly (string | Uint8Array)[]): Http1Head => {
    const head = new Http1Head('host');
    for (const piece of pieces) head.receive(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    return head;
  };

  it('may be preceded by interim answers', () => {
    const head = read('HTTP/1.1 103 Early\r\nServer: early\r\n\r\nHTTP/1.1 404 No\r\nServer: late\r\n\r\nbody');
    assert.deepEqual([head.done, head.answered, head.server], [true, true, 'late']);
  });

  it('may have bare line feeds', () => {
    assert.equal(read('HTTP/1.0 200 OK\nServer: x\n\n').server, 'x');
  });

  it('is read as far as it came when the connection ends', () => {
    const head = read('HTTP/1.1 200 OK\r\nServer: x\r\n');
    assert.equal(head.done, false);
    head.close();
    assert.equal(head.server, 'x');
  });

  it('gives a value without control characters, of bounded length', () => {
    assert.equal(read('HTTP/1.1 200 OK\r\nServer: a\x1b[31m\x00b\r\n\r\n').server, 'a [31m b');
    const long = read(`HTTP/1.1 200 OK\r\nServer: ${'y'.repeat(5_000)}\r\n\r\n`).server ?? '';
    assert.equal(long.length, MAX_SERVER_LENGTH);
  });

  it('is the same in whatever pieces it comes', () => {
    const whole = 'HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nServer: x y\r\n\r\n';
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
        assert.equal(read(...at.slice(1).map((end, i) => whole.slice(at[i], end))).server, 'x y');
      }),
    );
  });

  it('never throws and never waits for more than it takes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (pieces) => {
        read('HTTP/1.1 ', ...pieces).close();
      }),
    );
    assert.equal(read('HTTP/1.1 200 OK\r\n', 'A: b\r\n'.repeat(10_000)).done, true);
  });
});
