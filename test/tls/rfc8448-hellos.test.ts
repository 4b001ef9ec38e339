import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeClientHello } from '../../src/tls/client-hello.js';
import { HandshakeType, ProtocolVersion } from '../../src/tls/constants.js';
import { decodeEncryptedExtensions } from '../../src/tls/encrypted-extensions.js';
import { decodeCodePoints } from '../../src/tls/extensions.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import { decodeServerHello, selectedGroup, selectedVersion } from '../../src/tls/server-hello.js';

// RFC 8448 section 3, "Simple 1-RTT Handshake": the messages with their handshake headers.
const CLIENT_HELLO =
  '010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7000006130113031302010000910000000b' +
  '0009000006736572766572ff01000100000a00140012001d0017001800190100010101020103010400230000003300260024001d002099' +
  '381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e0403050306030203080408' +
  '05080604010501060102010402050206020202002d00020101001c00024001';
const SERVER_HELLO =
  '020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800130100002e00330024001d0020c98288' +
  '76112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304';
const ENCRYPTED_EXTENSIONS = '080000240022000a00140012001d00170018001901000101010201030104001c0002400100000000';

/** The message in a record of its own, as RFC 8448 shows it. */
function opening(hex: string): Uint8Array {
  const message = Buffer.from(hex, 'hex');
  return Buffer.concat([Uint8Array.of(22, 3, 1, message.length >> 8, message.length & 0xff), message]);
}

describe('the handshake of RFC 8448 section 3', () => {
  it('opens with its ClientHello', () => {
    const { messages, end } = readOpening(opening(CLIENT_HELLO));
    assert.deepEqual(end, { kind: 'end' });
    assert.equal(messages.length, 1);
    assert.equal(messages[0]?.type, HandshakeType.ClientHello);
    assert.equal(messages[0].body.length, 192);
    const decoded = decodeClientHello(messages[0].body);
    assert.ok(decoded.kind === 'message');
    const hello = decoded.value;
    assert.equal(hello.fault, null);
    assert.equal(hello.format, 'tls');
    assert.equal(hello.legacyVersion, ProtocolVersion.Tls12);
    assert.match(Buffer.from(hello.random).toString('hex'), /^cb34ecb1.*4dece7$/);
    assert.equal(hello.sessionId.length, 0);
    assert.deepEqual(hello.cipherSuites, [0x1301, 0x1303, 0x1302]);
    assert.deepEqual([...hello.compressionMethods], [0]);
    assert.equal(hello.serverName, 'server');
    assert.equal(hello.alpn, null);
    assert.deepEqual(hello.supportedVersions, [ProtocolVersion.Tls13]);
    assert.deepEqual(hello.supportedGroups, [29, 23, 24, 25, 256, 257, 258, 259, 260]);
    assert.deepEqual(hello.keyShareGroups, [29]);
    assert.equal(hello.signatureAlgorithms?.length, 15);
    assert.equal(hello.ecPointFormats, null);
    assert.equal(hello.encryptedClientHello, null);
    assert.equal(hello.offersPreSharedKey, false);
    assert.deepEqual(
      hello.extensions?.list().map((extension) => extension.type),
      [0, 65281, 10, 35, 51, 43, 13, 45, 28],
    );
  });

  it('goes on with its ServerHello', () => {
    const { messages } = readOpening(opening(SERVER_HELLO));
    const decoded = decodeServerHello(messages[0]?.body ?? new Uint8Array());
    assert.ok(decoded.kind === 'message');
    const hello = decoded.value;
    assert.equal(hello.isHelloRetryRequest, false);
    assert.equal(hello.legacyVersion, ProtocolVersion.Tls12);
    assert.equal(selectedVersion(hello), ProtocolVersion.Tls13);
    assert.equal(hello.cipherSuite, 0x1301);
    assert.equal(selectedGroup(hello), 29);
    assert.equal(hello.framing, null);
  });

  it('has EncryptedExtensions with two values and an empty server_name', () => {
    const decoded = decodeEncryptedExtensions(Buffer.from(ENCRYPTED_EXTENSIONS, 'hex').subarray(4));
    assert.ok(decoded.kind === 'message');
    const { block, framing } = decoded.value;
    assert.equal(framing, null);
    assert.ok(block);
    assert.deepEqual(
      block.list().map((extension) => extension.type),
      [10, 28, 0],
    );
    const groups = decodeCodePoints(block.data(10) ?? new Uint8Array());
    assert.deepEqual(groups.kind === 'message' && groups.value, [29, 23, 24, 25, 256, 257, 258, 259, 260]);
  });
});
