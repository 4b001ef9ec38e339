import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { deriveSecret, handshakeSecret, masterSecretOf, trafficKeys } from '../../../src/tls/crypto/key-schedule.js';

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

/** The two hellos of the trace, with their handshake headers. */
const CLIENT_HELLO =
  '010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7000006130113031302010000910000000b' +
  '0009000006736572766572ff01000100000a00140012001d0017001800190100010101020103010400230000003300260024001d002099' +
  '381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e0403050306030203080408' +
  '05080604010501060102010402050206020202002d00020101001c00024001';
const SERVER_HELLO =
  '020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800130100002e00330024001d0020c98288' +
  '76112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304';
const helloHash = createHash('sha256').update(CLIENT_HELLO, 'hex').update(SERVER_HELLO, 'hex').digest();

/** RFC 8448 section 3, "Simple 1-RTT Handshake" (TLS_AES_128_GCM_SHA256, X25519). */
const trace = {
  sharedSecret: '8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d',
  handshakeSecret: '1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac',
  clientHandshakeTraffic: 'b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21',
  serverHandshakeTraffic: 'b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38',
  serverKey: '3fce516009c21727d0f2e4e86ee403bc',
  serverIv: '5d313eb2671276ee13000b30',
  masterSecret: '18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919',
} as const;

describe('the key schedule follows the trace of RFC 8448 section 3', () => {
  const secret = handshakeSecret('sha256', bytes(trace.sharedSecret));

  it('to the Handshake Secret', () => {
    assert.equal(hex(secret), trace.handshakeSecret);
  });

  it('to the handshake traffic secrets of both sides', () => {
    const derive = (label: string): string => hex(deriveSecret('sha256', secret, label, helloHash));
    assert.equal(derive('c hs traffic'), trace.clientHandshakeTraffic);
    assert.equal(derive('s hs traffic'), trace.serverHandshakeTraffic);
  });

  it('to the server’s key and IV', () => {
    const { key, iv } = trafficKeys('sha256', bytes(trace.serverHandshakeTraffic), 16);
    assert.equal(hex(key), trace.serverKey);
    assert.equal(hex(iv), trace.serverIv);
  });

  it('to the Master Secret', () => {
    assert.equal(hex(masterSecretOf('sha256', secret)), trace.masterSecret);
  });
});
