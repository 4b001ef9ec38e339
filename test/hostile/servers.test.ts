// Servers that want to hold the prober up, to fill its memory or to break it: each handshake ends in time, and the result
// says what happened.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { ProbeOutcome } from '../../src/probe/probe-result.js';
import {
  alert,
  encounter,
  flood,
  handshake,
  helloRetryRequest,
  IMPATIENT,
  offersTls13,
  PATIENT,
  record,
  serverHello,
  type Encounter,
} from './hostile-server.js';

/** One time-out, its coarse timer, and a busy machine. */
const IN_TIME_MS = IMPATIENT.handshakeTimeoutMs + 5000;
/** Ended by what came, not by the clock. */
const AT_ONCE_MS = PATIENT.handshakeTimeoutMs;

function assertEnded({ result, tookMs }: Encounter, outcomes: readonly ProbeOutcome[], withinMs: number): void {
  const found = Object.values(result.outcome);
  assert.equal(found.length, 10);
  for (const outcome of found) assert.ok(outcomes.includes(outcome), `${outcome}, not ${outcomes.join(' or ')}`);
  assert.ok(tookMs < withinMs, `${Math.round(tookMs)} ms`);
}

function texts({ result }: Encounter): string[] {
  return Object.values(result.hellos).filter((text) => text !== null);
}

/** Sends bytes one by one, `everyMs` apart. */
function drip(socket: Socket, bytes: Uint8Array, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= bytes.length) clearInterval(timer);
    else socket.write(bytes.subarray(at, ++at));
  }, everyMs);
  socket.on('close', () => {
    clearInterval(timer);
  });
}

describe('a server that takes its time', () => {
  it('with one byte a second is given up after the time-out', async () => {
    const met = await encounter(
      {
        onHello: (socket, hello) => {
          drip(socket, serverHello(hello), 1000);
        },
      },
      { handshakeTimeoutMs: 2200 },
    );
    assertEnded(met, ['timeout'], 2200 + 5000);
    assert.ok(met.tookMs > 2200);
    assert.deepEqual(texts(met), []);
  });

  it('with one byte after the other is understood as if it had sent them at once', async () => {
    const met = await encounter({
      onHello: (socket, hello) => {
        drip(socket, Buffer.concat([serverHello(hello), alert(2, 40)]), 1);
      },
    });
    for (const text of texts(met)) assert.match(text, /^771_[0-9a-f]+_+<40$/);
    assert.equal(texts(met).length, 10);
  });

  it('that says nothing, or reads nothing, is given up after the time-out', async () => {
    assertEnded(await encounter({}, IMPATIENT), ['timeout'], IN_TIME_MS);
    assertEnded(await encounter({ onConnect: (socket) => socket.pause() }, IMPATIENT), ['timeout'], IN_TIME_MS);
  });
});

describe('a server that never comes to the point', () => {
  it('with warnings before its ServerHello', async () => {
    const met = await encounter({
      onHello: (socket) => {
        flood(socket, alert(1, 112));
      },
    });
    // A hello of legacy_version 1.3 has the scanner presume 1.3, where every alert ends it.
    assertEnded(met, ['malformed', 'alert'], AT_ONCE_MS);
    for (const text of texts(met)) assert.match(text, /^______<112((-112){16})?$/);
  });

  it('with warnings after its ServerHello', async () => {
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.write(serverHello(hello));
        flood(socket, alert(1, 90));
      },
    });
    assertEnded(met, ['malformed'], AT_ONCE_MS);
    for (const text of texts(met)) assert.match(text, /^771_[0-9a-f]+_+<90(-90){16}$/);
  });

  it('with warnings between the fragments of an endless message', async () => {
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.write(serverHello(hello));
        socket.write(handshake(11, new Uint8Array(0), 60_000));
        flood(socket, Buffer.concat([alert(1, 90), alert(1, 90), record(22, Uint8Array.of(0))]));
      },
    });
    assertEnded(met, ['malformed'], AT_ONCE_MS);
    for (const text of texts(met)) assert.ok(text.length < 2000, `${text.length} characters`);
  });

  const empties: [string, number, ProbeOutcome[]][] = [
    ['handshake', 22, ['malformed']],
    ['alert', 21, ['malformed']],
    ['application data', 23, ['not_tls']],
    ['ChangeCipherSpec', 20, ['not_tls']],
  ];
  for (const [name, type, outcomes] of empties)
    it(`with empty ${name} records`, async () => {
      const met = await encounter({
        onHello: (socket) => {
          flood(socket, record(type, new Uint8Array(0)));
        },
      });
      assertEnded(met, outcomes, AT_ONCE_MS);
    });

  it('with ChangeCipherSpec after ChangeCipherSpec in TLS 1.3', async () => {
    const met = await encounter({
      onHello: (socket, hello) => {
        if (offersTls13(hello)) socket.write(helloRetryRequest(hello, 24));
        else socket.write(serverHello(hello));
        flood(socket, record(20, Uint8Array.of(1)));
      },
    });
    assertEnded(met, ['malformed', 'unsupported'], AT_ONCE_MS);
  });

  it('with HelloRequests', async () => {
    const request = handshake(0, new Uint8Array(0));
    assertEnded(
      await encounter({
        onHello: (socket) => {
          flood(socket, request);
        },
      }),
      ['malformed'],
      AT_ONCE_MS,
    );
    const later = await encounter({
      onHello: (socket, hello) => {
        socket.write(serverHello(hello));
        flood(socket, request);
      },
    });
    assertEnded(later, ['malformed'], AT_ONCE_MS);
  });

  it('with HelloRetryRequests: the second one ends it', async () => {
    const met = await encounter({
      onHello: (socket, hello) => {
        for (const group of [24, 23, 25, 29]) socket.write(helloRetryRequest(hello, group));
        flood(socket, helloRetryRequest(hello, 24));
      },
    });
    assertEnded(met, ['malformed', 'unsupported'], AT_ONCE_MS);
    assert.ok(texts(met).some((text) => text.includes('43.AwQ-51.24')));
  });
});

describe('a server that sends too much', () => {
  it('by announcing a Certificate of 16 MiB is left at its header', async () => {
    let poured = 0;
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.write(serverHello(hello));
        socket.write(handshake(11, Buffer.alloc(1000), 0xffffff));
        flood(socket, record(22, Buffer.alloc(16_384)));
        socket.on('close', () => (poured += socket.bytesWritten));
      },
    });
    assertEnded(met, ['malformed'], AT_ONCE_MS);
    for (const text of texts(met)) assert.match(text, /^771_/);
    assert.ok(poured < 10 * 8 * 1024 * 1024, `${poured} bytes were taken`);
  });

  it('in one record is left at its header', async () => {
    for (const length of [16_384 + 2048 + 1, 65_535]) {
      const met = await encounter({
        onHello: (socket) => {
          flood(socket, record(22, Buffer.alloc(length)));
        },
      });
      assertEnded(met, ['malformed'], AT_ONCE_MS);
      assert.deepEqual(texts(met), []);
    }
  });

  it('in a ServerHello with 65,535 bytes of extensions is over the scanner’s limit for a message', async () => {
    const extensions = Buffer.alloc(65_535, Uint8Array.of(0xfa, 0xfa, 0, 0));
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.write(serverHello(hello, { extensions }));
      },
    });
    assertEnded(met, ['malformed'], AT_ONCE_MS);
  });

  it('in a ServerHello with as many extensions as fit leaves no text of that size', async () => {
    const extensions = Buffer.alloc(65_400, Uint8Array.of(0xfa, 0xfa, 0, 0));
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.end(serverHello(hello, { extensions }));
      },
    });
    assertEnded(met, ['malformed'], AT_ONCE_MS);
    assert.deepEqual(texts(met), []);
  });

  it('in a ServerHello with one extension of 60,000 bytes is noted without its data where data is not part of it', async () => {
    const extensions = Buffer.concat([Buffer.from([0xfa, 0xfa, 60_000 >> 8, 60_000 & 0xff]), Buffer.alloc(60_000)]);
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.end(serverHello(hello, { extensions }));
      },
    });
    for (const text of texts(met)) assert.match(text, /^771_[0-9a-f]+_64250\.____$/);
    assert.equal(texts(met).length, 10);
  });
});

describe('a server that goes away', () => {
  const stages: [string, Parameters<typeof encounter>[0]][] = [
    ['as soon as it is connected to', { onConnect: (socket) => socket.resetAndDestroy() }],
    ['after the Client Hello', { onHello: (socket) => socket.resetAndDestroy() }],
    [
      'within its first record',
      {
        onHello: (socket) => {
          socket.write(Buffer.from([22, 3, 3]), () => setTimeout(() => socket.resetAndDestroy(), 20));
        },
      },
    ],
  ];
  for (const [when, behaviour] of stages)
    it(`with a reset ${when}`, async () => {
      const met = await encounter(behaviour);
      assertEnded(met, ['reset'], AT_ONCE_MS);
      assert.deepEqual(texts(met), []);
      assert.equal(met.result.fingerprint, null);
    });

  it('with a reset after its ServerHello, which counts', async () => {
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.write(serverHello(hello), () => setTimeout(() => socket.resetAndDestroy(), 50));
      },
    });
    assertEnded(met, ['reset'], AT_ONCE_MS);
    assert.equal(texts(met).length, 10);
  });

  it('with a reset within its Certificate', async () => {
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.write(Buffer.concat([serverHello(hello), handshake(11, Buffer.alloc(100), 5000)]), () =>
          setTimeout(() => socket.resetAndDestroy(), 50),
        );
      },
    });
    assertEnded(met, ['reset'], AT_ONCE_MS);
    for (const text of texts(met)) assert.match(text, /^771_[0-9a-f]+_+$/);
  });

  it('in an orderly way, at each stage', async () => {
    for (const onHello of [
      (socket: Socket) => {
        socket.end();
      },
      (socket: Socket) => {
        socket.end(Buffer.from([22, 3, 3, 0]));
      },
    ]) {
      assertEnded(await encounter({ onHello }), ['closed'], AT_ONCE_MS);
    }
  });

  it('and yet goes on sending: what comes after close_notify is nobody’s', async () => {
    const met = await encounter({
      onHello: (socket, hello) => {
        socket.write(alert(1, 0));
        socket.write(serverHello(hello));
        flood(socket, record(22, Buffer.alloc(16_384)));
      },
    });
    assertEnded(met, ['alert'], AT_ONCE_MS);
    for (const text of texts(met)) assert.equal(text, '______<0');
  });
});

describe('a server that is no TLS server', () => {
  for (const banner of [
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    'SSH-2.0-x\r\n',
    '220 smtp\r\n',
    '\u0000',
    '\x80\x2e\x01\x00\x02',
  ])
    it(`and says ${JSON.stringify(banner)}`, async () => {
      const isCutShort = banner.length < 5;
      const onHello = (socket: Socket): void => void socket.write(Buffer.from(banner, 'latin1'));
      const met = await encounter({ onHello }, isCutShort ? IMPATIENT : PATIENT);
      assertEnded(met, isCutShort ? ['timeout'] : ['not_tls'], isCutShort ? IN_TIME_MS : AT_ONCE_MS);
      assert.deepEqual(texts(met), []);
    });
});
