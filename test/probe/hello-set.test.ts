import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { HellotapError } from '../../src/errors.js';
import { loadGoscannerHelloSet } from '../../src/probe/goscanner-hello-set.js';
import { HelloPreparer } from '../../src/probe/hello-set.js';
import type { HelloSet } from '../../src/probe/hello-set.js';
import { loadHelloSet, parseHelloSet } from '../../src/probe/hello-set-file.js';
import { isGrease } from '../../src/tls/grease.js';
import { writeClientHelloRecord } from '../../src/tls/client-hello-writer.js';

const root = join(import.meta.dirname, '../..');
const atsf = loadHelloSet(join(root, 'samples/hello-sets/atsf-2022'));

interface GoldenHello {
  readonly without_server_name: string;
  readonly 'with_server_name_lab.test': string;
}
const golden = JSON.parse(readFileSync(join(root, 'test/golden/client-hellos.json'), 'utf8')) as Record<
  string,
  GoldenHello
>;

/** The hello that the set sends, with the random parts (random, session id, key shares) taken from the golden bytes. */
function writeLike(set: HelloSet, name: string, expected: Buffer, serverName: string | null): Buffer {
  const definition = set.hellos.find((hello) => hello.name === name);
  assert.ok(definition);
  const prepared = new HelloPreparer(() => 0).prepare(definition, serverName !== null);
  const shares = goldenKeyShares(expected);
  return Buffer.from(
    writeClientHelloRecord(definition.recordVersion, prepared.first, {
      random: expected.subarray(11, 43),
      sessionId: expected.subarray(44, 76),
      serverName,
      keyShares: prepared.keyShareGroups.map((group, at) => ({
        group,
        keyExchange: isGrease(group) ? Uint8Array.of(0) : (shares[at] ?? new Uint8Array(0)),
      })),
      cookie: null,
    }),
  );
}

/** key_exchange of every KeyShareEntry of a Client Hello record. */
function goldenKeyShares(record: Buffer): Buffer[] {
  let at = 76;
  at += 2 + record.readUInt16BE(at);
  at += 1 + record.readUInt8(at) + 2;
  while (at < record.length) {
    const type = record.readUInt16BE(at);
    const end = at + 4 + record.readUInt16BE(at + 2);
    if (type === 51) {
      const shares: Buffer[] = [];
      for (let share = at + 6; share < end; share += 4 + record.readUInt16BE(share + 2)) {
        shares.push(record.subarray(share + 4, share + 4 + record.readUInt16BE(share + 2)));
      }
      return shares;
    }
    at = end;
  }
  return [];
}

describe('the hello set atsf-2022', () => {
  it('has the ten hellos in the order of the combined fingerprint', () => {
    assert.deepEqual(
      atsf.hellos.map((hello) => hello.name),
      Object.keys(golden).sort(),
    );
  });

  for (const name of Object.keys(golden)) {
    it(`writes ${name} as the paper's scanner does, without server name`, () => {
      const expected = Buffer.from(golden[name]!.without_server_name, 'hex');
      assert.equal(writeLike(atsf, name, expected, null).toString('hex'), expected.toString('hex'));
    });

    it(`writes ${name} as the paper's scanner does, with server name`, () => {
      const expected = Buffer.from(golden[name]!['with_server_name_lab.test'], 'hex');
      assert.equal(writeLike(atsf, name, expected, 'lab.test').toString('hex'), expected.toString('hex'));
    });
  }

  it('puts a cookie where the paper’s scanner puts it in the second hello', () => {
    // Extension orders of the second hellos to odd-hrr-cookie in test/golden/{without,with}-sni.pcap, read with tshark.
    const orders: Record<string, readonly [without: string, withName: string]> = {
      random4520: ['45,51914,28,51,44,43,16,65281,13,10,5', '45,5,10,13,65281,16,43,44,51,28,51914,0'],
      random7590: ['5,10,35,13,65281,16,43,44,51,28,27242,45,1', '0,5,10,35,13,65281,16,43,44,51,28,27242,45,1'],
      random9428: ['28,51,44,43,16,10,5', '28,5,10,16,43,44,51,0'],
    };
    for (const [name, [without, withName]] of Object.entries(orders)) {
      const definition = atsf.hellos.find((hello) => hello.name === name)!;
      const types = (situation: 'retry_without_server_name' | 'retry_with_server_name'): string =>
        definition.order[situation]
          .filter(({ name }) => name !== 'server_name' || situation === 'retry_with_server_name')
          .map(({ type }) => type)
          .join(',');
      assert.equal(types('retry_without_server_name'), without);
      assert.equal(types('retry_with_server_name'), withName);
    }
  });

  it('has a digest that does not depend on titles, only on what is sent', () => {
    const path = join(root, 'samples/hello-sets/atsf-2022/hello-set.json');
    const text = readFileSync(path, 'utf8');
    assert.equal(parseHelloSet(text.replace('"title": "', '"title": "Another '), path).digest, atsf.digest);
    assert.notEqual(parseHelloSet(text.replace('"limit": 4096', '"limit": 4097'), path).digest, atsf.digest);
  });
});

describe('a hello set that cannot be used', () => {
  const hello = {
    record_version: '0301',
    legacy_version: '0303',
    cipher_suites: '1301 grease',
    compression_methods: '00',
    extensions: [{ type: 'server_name' }, { type: 'supported_groups', groups: 'grease 001d' }] as object[],
  };
  const set = {
    format: 'hellotap-hello-set/1',
    name: 'mine',
    title: '',
    license: '',
    source: '',
    hellos: { a: hello },
  };
  const load = (value: unknown): HelloSet =>
    parseHelloSet(typeof value === 'string' ? value : JSON.stringify(value), 'x.json');
  const withExtension = (extension: object): object => ({
    ...set,
    hellos: { a: { ...hello, extensions: [...hello.extensions, extension] } },
  });

  const faults: readonly [what: string, value: unknown, message: RegExp][] = [
    ['text that is not JSON', '{', /^x\.json: not JSON/],
    ['another format', { ...set, format: 'x/9' }, /^x\.json: format: "x\/9" is not a format of this version/],
    ['no hellos', { ...set, hellos: {} }, /^x\.json: hellos: is empty/],
    ['a missing field', { ...set, title: undefined }, /^x\.json: the set: "title" is missing/],
    ['an unknown field', { ...set, colour: 1 }, /"colour" is not known here/],
    [
      'a cipher suite that is not one',
      { ...set, hellos: { a: { ...hello, cipher_suites: '13' } } },
      /hellos\.a\.cipher_suites: "13" is not four/,
    ],
    ['an unknown extension', withExtension({ type: 'sni', data: '' }), /hellos\.a\.extensions\[2\]: "sni" is neither/],
    ['an extension that comes twice', withExtension({ type: 'server_name' }), /"server_name" comes twice/],
    [
      'a key share that cannot be made',
      withExtension({ type: 'key_share', groups: '001e' }),
      /no key share can be made for group 001e/,
    ],
    [
      'an order that leaves one out',
      {
        ...set,
        hellos: {
          a: {
            ...hello,
            order: {
              without_server_name: [],
              with_server_name: [],
              retry_without_server_name: [],
              retry_with_server_name: [],
            },
          },
        },
      },
      /order\.without_server_name: leaves "supported_groups" out/,
    ],
  ];
  for (const [what, value, message] of faults) {
    it(`${what} is refused with the place of the fault`, () => {
      assert.throws(
        () => load(value),
        (error) => error instanceof HellotapError && error.code === 'ERR_HELLO_SET' && message.test(error.message),
      );
    });
  }

  it('a folder without one is refused with the path', () => {
    assert.throws(() => loadHelloSet('/nowhere'), /\/nowhere\/hello-set\.json/);
  });

  it('draws a GREASE value anew for every place and connection', () => {
    let byte = 0;
    const preparer = new HelloPreparer(() => (byte += 0x10));
    const [definition] = load(set).hellos;
    const first = preparer.prepare(definition!, false).first;
    const second = preparer.prepare(definition!, false).first;
    assert.equal(Buffer.from(first.cipherSuites).toString('hex'), '13011a1a');
    assert.equal(Buffer.from(second.cipherSuites).toString('hex'), '13013a3a');
  });
});

describe('presets of goscanner', () => {
  const presets = join(root, '../shared/client-hellos');
  const skip = existsSync(presets) ? false : 'needs ../shared/client-hellos';

  it('give the hellos of the paper byte for byte, and so the digest of our own set', { skip }, () => {
    const set = loadGoscannerHelloSet(presets);
    assert.equal(set.name, 'client-hellos');
    for (const [name, expected] of Object.entries(golden)) {
      const without = Buffer.from(expected.without_server_name, 'hex');
      const withName = Buffer.from(expected['with_server_name_lab.test'], 'hex');
      assert.equal(writeLike(set, name, without, null).toString('hex'), without.toString('hex'));
      assert.equal(writeLike(set, name, withName, 'lab.test').toString('hex'), withName.toString('hex'));
    }
    assert.equal(set.digest, atsf.digest);
  });

  const preset = {
    ...{ Ciphers: [4865], CompressionMethods: 'AA==', RenegotiationInfo: false, Renegotiation: 0, Padding: 0 },
    ...{ SignatureAlgorithms: null, StatusRequest: false, Sct: false, SessionTicket: false, Alpn: ['h2'] },
    ...{ EcPointFormats: null, PskKeyExchangeModes: '', SupportedVersions: [772], SupportedGroups: [29, 2570, 23] },
    ...{ RecordSizeLimit: 0, Version: 771, ExtendedMasterSecret: false, MaxFragmentLength: 0, KeyShares: 1 },
    ...{ GreaseExtension: 0, ReversedExtensionOrder: false },
  };
  const load = (content: object): HelloSet => {
    const folder = mkdtempSync(join(tmpdir(), 'presets-'));
    try {
      writeFileSync(join(folder, 'one.json'), JSON.stringify(content));
      return loadGoscannerHelloSet(folder);
    } catch (error) {
      assert.ok(error instanceof HellotapError);
      throw error;
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const types = (set: HelloSet): unknown[] => set.hellos[0]!.order.without_server_name.map(({ name }) => name);

  it('have no extension for lists that are null or empty', () => {
    assert.deepEqual(types(load({ ...preset, ReversedExtensionOrder: true, SupportedGroups: [] })), [
      'key_share',
      'supported_versions',
      'application_layer_protocol_negotiation',
    ]);
  });

  it('bring a share for a GREASE group as long as no group is one too many', () => {
    assert.deepEqual(load(preset).hellos[0]!.keyShareGroups, [29, 2570]);
  });

  it('that cannot be used are refused with file and place', () => {
    assert.throws(() => load({ ...preset, Heartbeat: 1 }), /one\.json: the set: "Heartbeat" is not known here/);
    assert.throws(() => load({ ...preset, Sct: 1 }), /one\.json: Sct: has to be true or false/);
    assert.throws(() => load({ ...preset, EcPointFormats: '?' }), /one\.json: EcPointFormats: is not base64/);
    assert.throws(
      () => load({ ...preset, SupportedGroups: [257] }),
      /KeyShares: no key share can be made for group 257/,
    );
    assert.throws(() => loadGoscannerHelloSet(join(root, 'docs')), /neither a hello-set\.json nor presets/);
  });
});
