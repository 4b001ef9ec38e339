import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ClientHelloShapes } from '../../src/fingerprint/client-hello-shapes.js';
import { ja3, ja3Text } from '../../src/fingerprint/ja3.js';
import { ja4, ja4Parts } from '../../src/fingerprint/ja4.js';
import { decodeClientHello } from '../../src/tls/client-hello.js';
import type { ClientHello } from '../../src/tls/client-hello.js';
import { HandshakeType } from '../../src/tls/constants.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import { goldenConversations } from '../tls/golden-openings.js';
import { clientHelloBody, uint16, vector } from './hello-bytes.js';
import type { HelloParts } from './hello-bytes.js';

function hello(parts: HelloParts): ClientHello {
  const decoded = decodeClientHello(clientHelloBody(parts));
  assert.ok(decoded.kind === 'message');
  return decoded.value;
}

// The example of the specification (FoxIO-LLC/ja4, technical_details/JA4.md), from its raw form JA4_r.
const RAW_CIPHERS = '002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9';
const RAW_EXTENSIONS = '0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01';
const RAW_SIGNATURES = '0403,0804,0401,0503,0805,0501,0806,0601';
const EXPECTED = 't13d1516h2_8daaf6152771_e5627efa2ab1';

const SERVER_NAME = [0, vector(2, [0, ...vector(2, [...Buffer.from('example.com')])])] as const;

function codes(text: string): number[] {
  return text.split(',').map((code) => Number.parseInt(code, 16));
}

function alpn(...names: (readonly number[])[]): readonly [number, readonly number[]] {
  return [
    16,
    vector(
      2,
      names.flatMap((name) => vector(1, name)),
    ),
  ];
}

function text(value: string): number[] {
  return [...Buffer.from(value)];
}

/** The example with its lists in another order than sorted, and GREASE wherever a client may put it. */
function example(grease: readonly number[], alpnExtension = alpn(text('h2'), text('http/1.1'))): HelloParts {
  const signatures = [...codes(RAW_SIGNATURES), ...grease].flatMap(uint16);
  const versions = [...grease, 0x0304, 0x0303].flatMap(uint16);
  const data = new Map<number, number[]>([
    [0x000d, vector(2, signatures)],
    [0x002b, vector(1, versions)],
    [0x000a, vector(2, [...grease, 29, 23, 24].flatMap(uint16))],
    [0x000b, vector(1, [0])],
  ]);
  const extensions = codes(RAW_EXTENSIONS)
    .reverse()
    .map((type) => [type, data.get(type) ?? []] as const);
  return {
    ciphers: [...grease, ...codes(RAW_CIPHERS).reverse()],
    extensions: [...grease.map((type) => [type, []] as const), SERVER_NAME, ...extensions, alpnExtension],
  };
}

describe('JA4', () => {
  it('of the example in the specification is the one given there', () => {
    const client = hello(example([]));
    assert.deepEqual(ja4Parts(client, 't'), {
      a: 't13d1516h2',
      ciphers: RAW_CIPHERS,
      extensions: RAW_EXTENSIONS,
      signatureAlgorithms: RAW_SIGNATURES,
    });
    assert.equal(ja4(client), EXPECTED);
  });

  it('leaves GREASE out of every list, that of the signature algorithms too', () => {
    assert.equal(ja4(hello(example([0x0a0a, 0xfafa]))), EXPECTED);
  });

  it('starts with q for QUIC', () => {
    assert.equal(ja4(hello(example([])), 'q'), EXPECTED.replace('t', 'q'));
  });

  it('takes the version field where supported_versions is missing, and 00 for a version without a name', () => {
    const a = (version: number): string => ja4Parts(hello({ version, ciphers: [0x2f], extensions: [] }), 't').a;
    assert.equal(a(0x0303), 't12i010000');
    assert.equal(a(0x0301), 't10i010000');
    assert.equal(a(0x0300), 't' + 's3i010000');
    assert.equal(a(0x7f1c), 't00i010000');
  });

  it('of a hello without ciphers or extensions has zeros for them', () => {
    assert.equal(ja4(hello({ ciphers: [], extensions: [] })), 't12i000000_000000000000_000000000000');
    assert.equal(ja4(hello({ ciphers: [], extensions: [SERVER_NAME] })), 't12d000100_000000000000_000000000000');
  });

  it('counts no further than 99', () => {
    const ciphers = Array.from({ length: 150 }, (_, index) => 0xc001 + index);
    assert.equal(ja4Parts(hello({ ciphers, extensions: [] }), 't').a, 't12i990000');
  });

  // The specification's examples, section "ALPN Extension Value".
  const alpnRules: [number[], string][] = [
    [text('h2'), 'h2'],
    [text('http/1.1'), 'h1'],
    [text('h'), 'hh'],
    [[0xab], 'ab'],
    [[0xab, 0xcd], 'ad'],
    [[0x30, 0xab], '3b'],
    [[0x30, 0x31, 0xab, 0xcd], '3d'],
    [[0x30, 0xab, 0xcd, 0x31], '01'],
    [[], '00'],
  ];
  for (const [name, expected] of alpnRules) {
    it(`writes ${expected} for a first protocol of ${Buffer.from(name).toString('hex') || 'no'} bytes`, () => {
      const client = hello(example([], alpn(name, text('h2'))));
      assert.equal(ja4Parts(client, 't').a.slice(-2), expected);
    });
  }
});

describe('JA3', () => {
  it('leaves GREASE out of every list', () => {
    const client = hello(example([0x1a1a]));
    assert.equal(ja3Text(client), ja3Text(hello(example([]))));
    assert.equal(ja3(client)?.string, ja3Text(client));
    assert.match(ja3Text(client) ?? '', /^771,52393-52392-.*,29-23-24,0$/);
  });

  it('has empty fields for what is not there', () => {
    assert.equal(ja3Text(hello({ version: 0x0301, ciphers: [4], extensions: [] })), '769,4,,,');
  });
});

describe('fingerprints remembered by shape', () => {
  const bodies = goldenConversations('with-sni.pcap').flatMap(({ clientBytes }) =>
    readOpening(clientBytes)
      .messages.filter((message) => message.type === HandshakeType.ClientHello)
      .map((message) => message.body),
  );

  it('are those that are computed, for every hello of golden and for mutations of them', () => {
    const shapes = new ClientHelloShapes('t', 64);
    const mutated = fc
      .tuple(fc.constantFrom(...bodies), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
      .map(([body, changes]) => {
        const copy = Uint8Array.from(body);
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return copy;
      });
    fc.assert(
      fc.property(mutated, (body) => {
        const decoded = decodeClientHello(body);
        if (decoded.kind === 'malformed') return;
        const client = decoded.value;
        const expected = { ja3: ja3(client), ja4: ja4(client), alpn: client.alpn };
        assert.deepEqual(shapes.fingerprints(client), expected);
        assert.deepEqual(shapes.fingerprints(client), expected);
      }),
      { numRuns: 5000 },
    );
    assert.ok(shapes.size <= 64);
  });

  it('are one entry for hellos that differ in GREASE, random or key share alone', () => {
    const shapes = new ClientHelloShapes('t');
    const first = shapes.fingerprints(hello(example([0x0a0a])));
    assert.equal(shapes.fingerprints(hello(example([0xdada]))), first);
    assert.equal(shapes.size, 1);
    assert.notEqual(shapes.fingerprints(hello(example([]))), first);
    for (const body of bodies) {
      const decoded = decodeClientHello(body);
      assert.ok(decoded.kind === 'message');
      shapes.fingerprints(decoded.value);
    }
    const remembered: number = shapes.size;
    assert.ok(remembered < 60, `${remembered} shapes of ${bodies.length} hellos`);
  });

  it('are computed each time where a shape is too long to remember', () => {
    const shapes = new ClientHelloShapes('t');
    const ciphers = Array.from({ length: 2000 }, (_, index) => index);
    const client = hello({ ciphers, extensions: [] });
    assert.equal(shapes.fingerprints(client).ja4, ja4(client));
    assert.equal(shapes.size, 0);
  });
});
