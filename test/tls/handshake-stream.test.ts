import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ContentType, HandshakeType } from '../../src/tls/constants.js';
import { HandshakeJoiner } from '../../src/tls/handshake-joiner.js';
import type { HandshakeMessage } from '../../src/tls/handshake-joiner.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import type { Opening } from '../../src/tls/handshake-stream.js';
import { goldenConversations } from './golden-openings.js';

const CONVERSATIONS = goldenConversations('with-sni.pcap');
/** Answers of real servers: TLS 1.2 flights with several messages, TLS 1.3 hellos, alerts. */
const SERVER_OPENINGS = CONVERSATIONS.map((conversation) => conversation.serverBytes).filter(
  (bytes) => bytes.length > 0,
);
const openingsOfServers = fc.constantFrom(...SERVER_OPENINGS);

function shape(messages: readonly HandshakeMessage[]): string[] {
  return messages.map((message) => `${message.type}:${Buffer.from(message.raw).toString('hex')}`);
}

function record(type: ContentType, fragment: Uint8Array, version = 0x0303): Uint8Array {
  return Buffer.concat([
    Uint8Array.of(type, version >> 8, version & 0xff, fragment.length >> 8, fragment.length & 0xff),
    fragment,
  ]);
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** Cuts bytes at the given points (any numbers). */
function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const points = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const parts: Uint8Array[] = [];
  let start = 0;
  for (const point of [...points, bytes.length]) {
    parts.push(bytes.subarray(start, point));
    start = point;
  }
  return parts;
}

/** A flight of a TLS 1.2 server of golden: ServerHello, Certificate and more. */
function flight(): { bytes: Uint8Array; opening: Opening } {
  for (const bytes of SERVER_OPENINGS) {
    const opening = readOpening(bytes);
    if (opening.messages.length >= 4) return { bytes, opening };
  }
  throw new Error('golden has no flight of four messages');
}

const FLIGHT = flight();

describe('the opening of one direction', () => {
  it('gives the messages of a server’s flight, and says where protection starts', () => {
    const types = FLIGHT.opening.messages.map((message) => message.type);
    assert.deepEqual(types.slice(0, 2), [HandshakeType.ServerHello, HandshakeType.Certificate]);
    assert.equal(FLIGHT.opening.end.kind === 'protected' || FLIGHT.opening.end.kind === 'end', true);
  });

  it('is a view of the bytes where a message lies in one record', () => {
    const message = FLIGHT.opening.messages[0];
    assert.equal(message?.raw.buffer, FLIGHT.bytes.buffer);
  });

  it('cut anywhere, gives a beginning of the same messages and asks for more', () => {
    fc.assert(
      fc.property(openingsOfServers, fc.nat(), (bytes, cut) => {
        const whole = readOpening(bytes);
        const length = cut % (bytes.length + 1);
        const part = readOpening(bytes.subarray(0, length));
        const messages = shape(part.messages);
        assert.deepEqual(messages, shape(whole.messages).slice(0, messages.length));
        assert.deepEqual(part.alerts, whole.alerts.slice(0, part.alerts.length));
        if (part.end.kind === 'malformed') assert.deepEqual(part.end, whole.end);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same messages however they are cut into records', () => {
    const raws = FLIGHT.opening.messages.map((message) => message.raw);
    const stream = concat(...raws);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => {
        const records = pieces(stream, cuts).map((piece) => record(ContentType.Handshake, piece));
        const opening = readOpening(concat(...records));
        assert.deepEqual(shape(opening.messages), shape(FLIGHT.opening.messages));
        assert.deepEqual(opening.end, { kind: 'end' });
      }),
    );
  });

  it('gives the same messages in records of one byte each', () => {
    const raw = FLIGHT.opening.messages[0]?.raw ?? new Uint8Array();
    const opening = readOpening(
      concat(...pieces(raw, [...raw.keys()]).map((piece) => record(ContentType.Handshake, piece))),
    );
    assert.deepEqual(shape(opening.messages), shape(FLIGHT.opening.messages.slice(0, 1)));
  });

  it('asks for what is missing of a message, and shows its beginning', () => {
    const raw = FLIGHT.opening.messages[1]?.raw ?? new Uint8Array();
    const opening = readOpening(record(ContentType.Handshake, raw.subarray(0, 100)));
    assert.deepEqual(opening.messages, []);
    assert.deepEqual(opening.end, { kind: 'need_more', missing: raw.length - 100 });
    assert.equal(opening.partial?.type, HandshakeType.Certificate);
    assert.equal(opening.partial.length, raw.length - 4);
    assert.deepEqual([...opening.partial.body], [...raw.subarray(4, 100)]);
  });

  it('ends at the first application data', () => {
    const hello = record(ContentType.Handshake, FLIGHT.opening.messages[0]?.raw ?? new Uint8Array());
    const data = record(ContentType.ApplicationData, Uint8Array.of(1, 2, 3));
    assert.deepEqual(readOpening(concat(hello, data, hello)).end, { kind: 'protected', offset: hello.length });
  });

  it('ends at an encrypted Finished behind ChangeCipherSpec', () => {
    const hello = record(ContentType.Handshake, FLIGHT.opening.messages[0]?.raw ?? new Uint8Array());
    const ccs = record(ContentType.ChangeCipherSpec, Uint8Array.of(1));
    const finished = record(ContentType.Handshake, new Uint8Array(40).fill(0xa7));
    const opening = readOpening(concat(hello, ccs, finished));
    assert.equal(opening.changeCipherSpec, true);
    assert.deepEqual(opening.end, { kind: 'protected', offset: hello.length + ccs.length });
    assert.equal(opening.messages.length, 1);
  });

  it('goes on behind the pretended ChangeCipherSpec of TLS 1.3, to the second hello', () => {
    const retries = CONVERSATIONS.filter((conversation) => {
      const hellos = readOpening(conversation.clientBytes).messages;
      return hellos.filter((message) => message.type === HandshakeType.ClientHello).length === 2;
    });
    assert.ok(retries.length > 20, `${retries.length} connections with a HelloRetryRequest`);
    const behind = retries.filter((conversation) => readOpening(conversation.serverBytes).changeCipherSpec);
    assert.ok(behind.length > 0);
  });

  it('reads alerts in clear text in every position, and one encrypted alert as the end', () => {
    const hello = record(ContentType.Handshake, FLIGHT.opening.messages[0]?.raw ?? new Uint8Array());
    const warning = record(ContentType.Alert, Uint8Array.of(1, 112));
    const fatal = record(ContentType.Alert, Uint8Array.of(2, 40));
    const ccs = record(ContentType.ChangeCipherSpec, Uint8Array.of(1));
    const encrypted = record(ContentType.Alert, new Uint8Array(26).fill(0x99));
    const opening = readOpening(concat(warning, hello, fatal, ccs, encrypted));
    assert.deepEqual(opening.alerts, [
      { level: 1, description: 112 },
      { level: 2, description: 40 },
    ]);
    assert.equal(opening.end.kind, 'protected');
    assert.equal(readOpening(concat(hello, encrypted)).end.kind, 'malformed');
  });

  it('finds fault with what is no record, a record over the limit and a message over the limit', () => {
    const hello = record(ContentType.Handshake, FLIGHT.opening.messages[0]?.raw ?? new Uint8Array());
    const http = Buffer.from('HTTP/1.1 400 Bad Request\r\n');
    assert.deepEqual(readOpening(http).end, { kind: 'malformed', offset: 0, reason: 'not a TLS record' });
    assert.equal(readOpening(concat(hello, http)).end.kind, 'malformed');
    assert.equal(readOpening(concat(hello, http)).messages.length, 1);
    const huge = readOpening(Uint8Array.of(22, 3, 3, 0xff, 0xff, 1, 2, 3));
    assert.ok(huge.end.kind === 'malformed' && huge.end.reason.includes('record of 65535 bytes'));
    const announced = readOpening(record(ContentType.Handshake, Uint8Array.of(11, 0xff, 0xff, 0xff, 0)));
    assert.ok(announced.end.kind === 'malformed' && announced.end.reason.includes('message of 16777215 bytes'));
  });

  it('never throws, whatever the bytes are', () => {
    const mutated = fc
      .tuple(openingsOfServers, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }))
      .map(([bytes, changes]) => {
        const copy = Uint8Array.from(bytes);
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated), (bytes) => {
        const opening = readOpening(bytes);
        const total = opening.messages.reduce((sum, message) => sum + message.raw.length, 0);
        assert.ok(total <= bytes.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the joiner of handshake messages', () => {
  const stream = concat(...FLIGHT.opening.messages.map((message) => message.raw));

  function joined(fragments: readonly Uint8Array[], drain: boolean): string[] {
    const joiner = new HandshakeJoiner();
    const messages: HandshakeMessage[] = [];
    const take = (): void => {
      for (let next = joiner.next(); next !== null; next = joiner.next()) {
        assert.ok(!('kind' in next));
        messages.push(next);
      }
    };
    for (const fragment of fragments) {
      joiner.push(fragment);
      if (drain) take();
    }
    take();
    assert.equal(joiner.pending, false);
    return shape(messages);
  }

  it('gives the same messages however they are cut, taken out at once or at the end', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), fc.boolean(), (cuts, drain) => {
        assert.deepEqual(joined(pieces(stream, cuts), drain), shape(FLIGHT.opening.messages));
      }),
    );
  });

  it('holds no more than was received, however much is announced', () => {
    const joiner = new HandshakeJoiner(1 << 24);
    joiner.push(Uint8Array.of(11, 0xff, 0xff, 0xff));
    assert.equal(joiner.next(), null);
    for (let count = 0; count < 1000; count += 1) {
      joiner.push(new Uint8Array(10));
      assert.equal(joiner.next(), null);
    }
    assert.equal(joiner.partial()?.body.length, 10_000);
    assert.ok((joiner.partial()?.body.buffer.byteLength ?? 0) <= 4 * 10_000);
  });
});
