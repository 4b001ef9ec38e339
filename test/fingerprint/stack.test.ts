import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { HandshakeObservation } from '../../src/fingerprint/handshake-observation.js';
import { parseHandshakeText, parseStackText } from '../../src/fingerprint/stack-parse.js';
import { combineHandshakes, fingerprintId, handshakeFingerprint, handshakeText } from '../../src/fingerprint/stack.js';
import { GOLDEN_FINGERPRINTS, GOLDEN_HANDSHAKES } from './golden-fingerprints.js';

const NOTHING: HandshakeObservation = {
  serverHello: null,
  serverHelloExtensions: null,
  encryptedExtensions: null,
  certificateRequestExtensions: null,
  helloRetryRequestExtensions: null,
  certificateExtensions: null,
  alerts: [],
};

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.of(...values);
}

describe('the text of one handshake', () => {
  it('has no fingerprint where nothing was seen', () => {
    assert.equal(handshakeText(NOTHING), '______');
    assert.equal(handshakeFingerprint(NOTHING), null);
  });

  it('tells a list that never came from one that came empty', () => {
    assert.equal(handshakeText({ ...NOTHING, encryptedExtensions: [] }), '___-___');
    assert.equal(handshakeText({ ...NOTHING, certificateExtensions: [] }), '______-');
  });

  it('writes the cipher suite without leading zeros, zero itself as 0', () => {
    assert.equal(handshakeText({ ...NOTHING, serverHello: { version: 771, cipher: 0x003c } }), '771_3c_____');
    assert.equal(handshakeText({ ...NOTHING, serverHello: { version: 768, cipher: 0 } }), '768_0_____');
  });

  it('keeps data, the group of a key share, or nothing, by the type of the extension', () => {
    const list = [
      { type: 65281, data: bytes(0) },
      { type: 11, data: bytes(3, 0, 1, 2) },
      { type: 51, data: bytes(0, 29, 0, 1, 42) },
      { type: 51, data: bytes(0, 23) },
      { type: 51, data: bytes(7) },
      { type: 16, data: bytes() },
    ];
    assert.equal(
      handshakeText({ ...NOTHING, serverHelloExtensions: list }),
      '__65281.-11.AwABAg-51.29-51.23-51.0-16.____',
    );
  });

  it('lists the alerts behind everything else', () => {
    assert.equal(handshakeText({ ...NOTHING, alerts: [112, 47, 0] }), '______<112-47-0');
  });
});

describe('the combined fingerprint', () => {
  it('equals that of the paper’s scanner for every line of golden', () => {
    assert.equal(GOLDEN_FINGERPRINTS.length, 104);
    for (const { deployment, server_name, hellos, fingerprint } of GOLDEN_FINGERPRINTS) {
      assert.equal(combineHandshakes(hellos), fingerprint, `${deployment} ${server_name ?? 'without SNI'}`);
    }
  });

  it('leaves status_request out wherever it stands in a list', () => {
    const text = (list: string): string | null => combineHandshakes({ only: `771_c030_${list}____` });
    assert.equal(text('5.-16.'), '771_c030_16.____');
    assert.equal(text('1.AQ-5.-16.'), '771_c030_1.AQ-16.____');
    assert.equal(text('1.AQ-5.'), '771_c030_1.AQ____');
    assert.equal(text('5.'), '771_c030_____');
    assert.equal(text('45.AQ'), '771_c030_45.AQ____');
    assert.equal(combineHandshakes({ only: '771_1301______5.' }), '771_1301______');
  });

  it('is none where one handshake has none, or where there are none', () => {
    assert.equal(combineHandshakes({ a: '______<40', b: null }), null);
    assert.equal(combineHandshakes({ a: '______<40', b: '' }), null);
    assert.equal(combineHandshakes({}), null);
  });

  it('is ordered by the names of the Client Hellos as text', () => {
    assert.equal(combineHandshakes({ random9: 'c', random10: 'b', random1: 'a' }), 'a|b|c');
  });

  it('has a short name: 32 digits of its SHA-256', () => {
    const expected = createHash('sha256').update('______<40|______<40').digest('hex').slice(0, 32);
    assert.equal(fingerprintId('______<40|______<40'), expected);
  });
});

describe('reading a text fingerprint', () => {
  it('gives back what writes the same text, for every handshake and every fingerprint of golden', () => {
    assert.ok(GOLDEN_HANDSHAKES.length > 100);
    const texts = GOLDEN_FINGERPRINTS.flatMap((line) => (line.fingerprint === null ? [] : [line.fingerprint]));
    for (const text of [...GOLDEN_HANDSHAKES, ...texts]) {
      const parsed = parseStackText(text);
      assert.ok(parsed.kind === 'message', text);
      assert.equal(parsed.value.map(handshakeText).join('|'), text);
    }
  });

  it('is the inverse of writing, whatever was observed', () => {
    const list = fc.option(
      fc.array(fc.record({ type: fc.oneof(fc.constantFrom(5, 10, 16, 43, 51), fc.nat(65535)), data: fc.uint8Array() })),
    );
    const observation = fc.record({
      serverHello: fc.option(fc.record({ version: fc.nat(65535), cipher: fc.nat(65535) })),
      serverHelloExtensions: list,
      encryptedExtensions: list,
      certificateRequestExtensions: list,
      helloRetryRequestExtensions: list,
      certificateExtensions: list,
      alerts: fc.array(fc.nat(255)),
    });
    fc.assert(
      fc.property(observation, (value) => {
        const text = handshakeText(value);
        const parsed = parseHandshakeText(text);
        assert.ok(parsed.kind === 'message', JSON.stringify(parsed));
        assert.equal(handshakeText(parsed.value), text);
      }),
    );
  });

  it('never throws, and takes no text that writing would not give', () => {
    const characters = fc.constantFrom(...Array.from('0123456789abcdefAQ+/=._-<|é '));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: characters, maxLength: 60 })), (text) => {
        const parsed = parseStackText(text);
        if (parsed.kind === 'message') assert.equal(parsed.value.map(handshakeText).join('|'), text);
      }),
      { numRuns: 2000 },
    );
  });

  const malformed: [string, number, RegExp][] = [
    ['', 0, /1 fields/],
    ['771_c030', 0, /2 fields/],
    ['771__16.____', 4, /no cipher suite/],
    ['_c030_____', 0, /no version/],
    ['771_C030_____', 4, /no cipher suite/],
    ['771_0c030_____', 4, /no cipher suite/],
    ['771_c030_16____', 9, /no extension/],
    ['771_c030_1.AQ-16.AA=____', 17, /no value of extension 16/],
    ['771_c030_0.AQ____', 11, /no value of extension 0/],
    ['771_c030_51.99999____', 12, /no value of extension 51/],
    ['______<300', 7, /no alert code/],
    ['______<40-', 10, /no alert code/],
    ['______<40|x', 10, /fields/],
  ];
  for (const [text, offset, reason] of malformed) {
    it(`says where "${text}" is wrong`, () => {
      const parsed = parseStackText(text);
      assert.ok(parsed.kind === 'malformed');
      assert.equal(parsed.offset, offset);
      assert.match(parsed.reason, reason);
    });
  }
});
