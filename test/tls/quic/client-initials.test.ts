import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeClientHello } from '../../../src/tls/client-hello.js';
import { ClientInitials } from '../../../src/tls/quic/client-initials.js';
import { CryptoStream } from '../../../src/tls/quic/crypto-stream.js';
import { clientInitialKeys } from '../../../src/tls/quic/initial-keys.js';
import { quicVersion, quicVersionName } from '../../../src/tls/quic/versions.js';
import { cryptoFrame, RFC_CONNECTION_ID, RFC_CRYPTO_FRAME, sealInitial } from './sealed-initials.js';

const V1 = 0x00000001;
const V2 = 0x6b3343cf;
const MESSAGE = RFC_CRYPTO_FRAME.subarray(4);
const OTHER_ID = Buffer.from('f067a5502a4262b5', 'hex');
/** RFC 9001 appendix A.2: padded to a payload of 1162 bytes. */
const RFC_FRAMES = Buffer.concat([RFC_CRYPTO_FRAME], 1162);

function nameIn(hellos: ReturnType<ClientInitials['add']>): (string | null)[] {
  return hellos.map(({ body }) => {
    const decoded = decodeClientHello(body);
    return decoded.kind === 'message' ? decoded.value.serverName : 'malformed';
  });
}

const initial = (packetNumber: number, frames: Uint8Array, more = {}): Buffer =>
  sealInitial({ version: V1, destinationId: RFC_CONNECTION_ID, packetNumber, frames, ...more });

describe('the keys of Initials', () => {
  const vectors = [
    [
      'RFC 9001 appendix A.1',
      V1,
      '1f369613dd76d5467730efcbe3b1a22d',
      'fa044b2f42a3fd3b46fb255c',
      '9f50449e04a0e810283a1e9933adedd2',
    ],
    [
      'RFC 9369 appendix A.1',
      V2,
      '8b1a0bc121284290a29e0971b5cd045d',
      '91f73e2351d8fa91660e909f',
      '45b95e15235d6f45a6b19cbcb0294ba9',
    ],
  ] as const;
  for (const [source, version, key, iv, headerProtection] of vectors) {
    it(`are those of ${source}`, () => {
      const rules = quicVersion(version)!;
      const keys = clientInitialKeys(rules, rules.salts[0]!, RFC_CONNECTION_ID);
      const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
      assert.deepEqual([hex(keys.key), hex(keys.iv), hex(keys.headerProtection)], [key, iv, headerProtection]);
    });
  }
});

describe("a client's Initials", () => {
  it('open the packet of RFC 9001 appendix A.2', () => {
    const packet = initial(2, RFC_FRAMES);
    // The packet as the appendix has it: its first 32 bytes and its tag, which covers all of it.
    const start = 'c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11';
    assert.equal(packet.subarray(0, 32).toString('hex'), start);
    assert.equal(packet.subarray(-16).toString('hex'), 'e221af44860018ab0856972e194cd934');
    assert.deepEqual(nameIn(new ClientInitials().add(packet)), ['example.com']);
  });

  it('open the packet of RFC 9369 appendix A.2', () => {
    const packet = initial(2, RFC_FRAMES, { version: V2 });
    const start =
      'd76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071bf03dceebfa162e75d6c96058bdbfb127cdf';
    assert.equal(packet.subarray(0, 56).toString('hex'), start);
    assert.deepEqual(nameIn(new ClientInitials().add(packet)), ['example.com']);
  });

  it('join a hello over packets and datagrams, in any order, among PADDING, PING and ACK', () => {
    const client = new ClientInitials();
    const noise = Buffer.from('0001020500000003020000000102030000', 'hex');
    const first = initial(0, Buffer.concat([noise, cryptoFrame(100, MESSAGE.subarray(100, 200))], 400));
    const second = initial(1, Buffer.concat([cryptoFrame(200, MESSAGE.subarray(200)), noise], 400));
    const third = initial(2, cryptoFrame(0, MESSAGE.subarray(0, 100)));
    assert.deepEqual(client.add(first), []);
    assert.deepEqual(nameIn(client.add(Buffer.concat([second, third]))), ['example.com']);
    assert.deepEqual(client.add(first), [], 'a hello is given once');
    assert.equal(client.isSettled, true);
  });

  it("keep their keys when the server's connection id takes the place of the client's", () => {
    const client = new ClientInitials();
    client.add(initial(0, cryptoFrame(0, MESSAGE.subarray(0, 100))));
    const rest = initial(1, cryptoFrame(100, MESSAGE.subarray(100)), {
      destinationId: OTHER_ID,
      keyId: RFC_CONNECTION_ID,
    });
    assert.deepEqual(nameIn(client.add(rest)), ['example.com']);
  });

  it('are read where one under the connection id of the server overtook the first', () => {
    const client = new ClientInitials();
    const later = initial(1, cryptoFrame(120, MESSAGE.subarray(120)), {
      destinationId: OTHER_ID,
      keyId: RFC_CONNECTION_ID,
    });
    assert.deepEqual([client.add(later), client.isClient], [[], false]);
    later.fill(0); // the caller's memory is used again
    assert.deepEqual(nameIn(client.add(initial(0, cryptoFrame(0, MESSAGE.subarray(0, 120))))), ['example.com']);
  });

  it('take their keys from the new connection id after a Retry, and give the hello once', () => {
    const retried = { destinationId: OTHER_ID, token: Buffer.from('token') };
    const complete = new ClientInitials();
    assert.deepEqual(nameIn(complete.add(initial(0, RFC_FRAMES))), ['example.com']);
    assert.deepEqual(complete.add(initial(1, RFC_FRAMES, retried)), []);
    const seenAfterwards = new ClientInitials();
    assert.deepEqual(nameIn(seenAfterwards.add(initial(1, RFC_FRAMES, retried))), ['example.com']);
  });

  it('are told from those of a server, and from bytes changed on the way', () => {
    const client = new ClientInitials();
    const packet = initial(0, RFC_FRAMES);
    packet[500] = (packet[500] ?? 0) ^ 1;
    assert.deepEqual(client.add(packet), []);
    assert.deepEqual(client.add(initial(0, RFC_FRAMES, { destinationId: OTHER_ID, keyId: RFC_CONNECTION_ID })), []);
    assert.equal(client.isClient, false);
  });

  it('are named by version', () => {
    const names = [V1, V2, 0xff00001d, 0xfaceb002, 0x54303531, 0x1a2a3a4a, 0xff000001].map(quicVersionName);
    assert.deepEqual(names, ['QUIC v1', 'QUIC v2', 'draft-29', 'mvfst-27', 'T051', '0x1a2a3a4a', '0xff000001']);
    assert.equal(quicVersion(0x51303436), null, 'Q046 has no TLS inside');
  });
});

describe('a CRYPTO stream', () => {
  it('gives the message however it is cut, repeated and shuffled', () => {
    const pieces = fc.array(fc.tuple(fc.nat(MESSAGE.length - 1), fc.integer({ min: 1, max: 120 })), { maxLength: 30 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 16, max: 100 }), (extra, size) => {
        const stream = new CryptoStream();
        const cuts: [number, number][] = [...extra];
        for (let at = MESSAGE.length - (MESSAGE.length % size); at >= 0; at -= size) cuts.push([at, size]);
        for (const [at, length] of cuts) stream.addFrames(cryptoFrame(at, MESSAGE.subarray(at, at + length)), 6);
        assert.deepEqual(stream.message(), new Uint8Array(MESSAGE));
      }),
    );
  });

  it('holds no more than its bound, whatever offsets come', () => {
    const stream = new CryptoStream();
    for (let offset = 0; offset < 16_000; offset += 3) stream.addFrames(cryptoFrame(offset, Uint8Array.of(1)), 6);
    stream.addFrames(Buffer.from('06ffffffffffffffff01aa', 'hex'), 6);
    assert.ok(stream.size <= 16 * 1024);
    assert.equal(stream.message(), null);
  });
});
