import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareFingerprints, explainFingerprint } from '../../src/fingerprint/explain.js';
import { TEN_HELLOS } from '../../src/fingerprint/stack.js';
import { GOLDEN_FINGERPRINTS, GOLDEN_HANDSHAKES } from './golden-fingerprints.js';

function fingerprintOf(deployment: string): string {
  const line = GOLDEN_FINGERPRINTS.find((candidate) => candidate.deployment === deployment);
  assert.ok(line?.fingerprint);
  return line.fingerprint;
}

describe('a fingerprint in words', () => {
  it('names what a TLS 1.3 server did', () => {
    const text = '771_1302_43.AwQ-51.23_10.ABQAHQAXAB4AGQAYAQABAQECAQMBBA-16.AAMCaDI__43.AwQ-51.23_-';
    assert.ok(GOLDEN_HANDSHAKES.includes(text));
    assert.deepEqual(explainFingerprint(text), {
      kind: 'message',
      end: text.length,
      value: [
        {
          hello: 'hello 1',
          fields: [
            { name: 'version', values: ['TLS 1.3 (version field: TLS 1.2)'] },
            { name: 'cipher suite', values: ['TLS_AES_256_GCM_SHA384'] },
            { name: 'ServerHello extensions', values: ['supported_versions: TLS 1.3', 'key_share: secp256r1'] },
            {
              name: 'EncryptedExtensions',
              values: [
                'supported_groups: x25519, secp256r1, x448, secp521r1, secp384r1, ffdhe2048, ffdhe3072, ffdhe4096, ffdhe6144, ffdhe8192',
                'application_layer_protocol_negotiation: h2',
              ],
            },
            { name: 'HelloRetryRequest', values: ['supported_versions: TLS 1.3', 'key_share: secp256r1'] },
            { name: 'Certificate extensions', values: [] },
          ],
        },
      ],
    });
  });

  it('names alerts, and says where a ServerHello was malformed', () => {
    const explained = explainFingerprint('__35.-65281.____<50');
    assert.ok(explained.kind === 'message');
    assert.deepEqual(explained.value[0]?.fields, [
      { name: 'ServerHello', values: ['malformed'] },
      { name: 'ServerHello extensions', values: ['session_ticket', 'renegotiation_info'] },
      { name: 'alerts', values: ['decode_error (50)'] },
    ]);
  });

  it('shows data that makes no sense as it is', () => {
    const explained = explainFingerprint('771_c030_16.AQI-1.AQ____');
    assert.ok(explained.kind === 'message');
    assert.deepEqual(explained.value[0]?.fields[2]?.values, [
      'application_layer_protocol_negotiation: malformed (0x0102)',
      'max_fragment_length: 512 bytes',
    ]);
  });

  it('has words for every handshake of golden, and undefined in none', () => {
    for (const text of GOLDEN_HANDSHAKES) {
      const explained = explainFingerprint(text);
      assert.ok(explained.kind === 'message');
      const words = JSON.stringify(explained.value);
      assert.doesNotMatch(words, /undefined|malformed \(|0x/, text);
    }
  });

  it('names the paper’s Client Hellos in a combined fingerprint', () => {
    const explained = explainFingerprint(fingerprintOf('nginx-default'));
    assert.ok(explained.kind === 'message');
    assert.deepEqual(
      explained.value.map((handshake) => handshake.hello),
      TEN_HELLOS,
    );
  });

  it('says where a text is no fingerprint', () => {
    assert.deepEqual(explainFingerprint('771_c030_nonsense____').kind, 'malformed');
  });
});

describe('two fingerprints side by side', () => {
  it('show nothing where they are equal', () => {
    const text = fingerprintOf('nginx-default');
    const compared = compareFingerprints(text, text);
    assert.ok(compared.kind === 'message');
    assert.deepEqual(compared.value, { compared: 10, different: [] });
  });

  it('show only the handshakes and aspects that differ', () => {
    const compared = compareFingerprints(fingerprintOf('nginx-default'), fingerprintOf('nginx-tls12'));
    assert.ok(compared.kind === 'message');
    const { different } = compared.value;
    assert.ok(different.length > 0 && different.length < 10);
    assert.deepEqual(different[0], {
      hello: 'random4520',
      differences: [
        {
          name: 'alerts',
          left: ['internal_error (80)'],
          right: ['protocol_version (70)'],
          onlyLeft: ['internal_error (80)'],
          onlyRight: ['protocol_version (70)'],
        },
      ],
    });
  });

  it('tell another order from other contents', () => {
    const compared = compareFingerprints('771_c030_35.-16.____', '771_c030_16.-35.____');
    assert.ok(compared.kind === 'message');
    assert.deepEqual(compared.value.different[0]?.differences, [
      {
        name: 'ServerHello extensions',
        left: ['session_ticket', 'application_layer_protocol_negotiation: empty'],
        right: ['application_layer_protocol_negotiation: empty', 'session_ticket'],
        onlyLeft: [],
        onlyRight: [],
      },
    ]);
  });

  it('tell an extension that came twice from one that came once', () => {
    const compared = compareFingerprints('771_c030_35.-35.____', '771_c030_35.____');
    assert.ok(compared.kind === 'message');
    assert.deepEqual(compared.value.different[0]?.differences[0]?.onlyLeft, ['session_ticket']);
  });

  it('cannot be compared where they come from hello sets of different sizes', () => {
    const compared = compareFingerprints('______<40|______<40', '______<40');
    assert.ok(compared.kind === 'malformed');
    assert.match(compared.reason, /2 handshakes in the first, 1 in the second/);
  });

  it('say which of the two is malformed', () => {
    const compared = compareFingerprints('______<40', '771_c030');
    assert.ok(compared.kind === 'malformed');
    assert.match(compared.reason, /^second: /);
  });
});
