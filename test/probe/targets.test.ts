import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { HellotapError } from '../../src/errors.js';
import { canonicalAddress, parseNetwork } from '../../src/probe/networks.js';
import type { ProbeTarget } from '../../src/probe/probe-result.js';
import { addressesOf, parseTarget, parseTargetLines, resolveTargets } from '../../src/probe/targets.js';
import type { TargetSpec } from '../../src/probe/targets.js';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* linesOf(text: string): AsyncGenerator<string> {
  for (const line of text.split('\n')) yield await Promise.resolve(line);
}

function unexpected(error: Error): void {
  throw error;
}

describe('a target', () => {
  const cases: [text: string, spec: object][] = [
    ['192.0.2.7', { kind: 'address', address: '192.0.2.7', port: 443, serverName: null }],
    ['192.0.2.7:8443', { kind: 'address', address: '192.0.2.7', port: 8443, serverName: null }],
    ['192.0.2.7:1,WWW.Example.ORG.', { kind: 'address', address: '192.0.2.7', port: 1, serverName: 'www.example.org' }],
    ['192.0.2.7,a,random458', { kind: 'address', address: '192.0.2.7', port: 443, serverName: 'a' }],
    ['192.0.2.7,', { kind: 'address', address: '192.0.2.7', port: 443, serverName: null }],
    [
      'smtp://mx.example.org',
      { kind: 'name', host: 'mx.example.org', port: 25, serverName: 'mx.example.org', startTls: 'smtp' },
    ],
    [
      'PostgreSQL://192.0.2.7:6432/',
      { kind: 'address', address: '192.0.2.7', port: 6432, serverName: null, startTls: 'postgres' },
    ],
    [
      'ldap://[2001:db8::7],Name.Example',
      { kind: 'address', address: '2001:db8::7', port: 389, serverName: 'name.example', startTls: 'ldap' },
    ],
    ['2001:DB8::0:7', { kind: 'address', address: '2001:db8::7', port: 443, serverName: null }],
    ['[2001:db8::7]:65535', { kind: 'address', address: '2001:db8::7', port: 65535, serverName: null }],
    ['[::ffff:192.0.2.7]', { kind: 'address', address: '192.0.2.7', port: 443, serverName: null }],
    ['Example.org', { kind: 'name', host: 'Example.org', port: 443, serverName: 'example.org' }],
    ['example.org.:99', { kind: 'name', host: 'example.org.', port: 99, serverName: 'example.org' }],
    ['a,b.example', { kind: 'name', host: 'a', port: 443, serverName: 'b.example' }],
    [' 192.0.2.7 , x ', { kind: 'address', address: '192.0.2.7', port: 443, serverName: 'x' }],
  ];
  for (const [text, spec] of cases)
    it(`"${text}" is read`, () => {
      assert.deepEqual(parseTarget(text), spec);
    });

  it('is a block of addresses with a slash, of either family, with a port', () => {
    for (const [text, port, count] of [
      ['192.0.2.128/30', 443, 4],
      ['192.0.2.128/30:8443', 8443, 4],
      ['[2001:db8::/126]:8443', 8443, 4],
      ['2001:db8::/127', 443, 2],
    ] as const) {
      const spec = parseTarget(text);
      assert.ok(spec.kind === 'network');
      assert.equal(spec.port, port);
      assert.equal([...addressesOf(spec.network)].length, count);
    }
  });

  for (const text of [
    '',
    ',name',
    '192.0.2',
    '192.0.2.256',
    '01.2.3.4',
    '192.0.2.7:0',
    '192.0.2.7:65536',
    'gopher://192.0.2.7',
    '192.0.2.7:https',
    '192.0.2.7:',
    '192.0.2.7:1:2',
    '[2001:db8::7',
    '[2001:db8::7]8443',
    '[example.org]:x',
    'fe80::1%eth0',
    '-a.example',
    'a..example',
    'ex ample',
    'exämple.org',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(130)}example`,
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/24/24',
    'example.org/24',
    '192.0.2.7,-x',
    '192.0.2.7,a b',
  ])
    it(`"${text.slice(0, 40)}" is none, and the message says so`, () => {
      assert.throws(
        () => parseTarget(text),
        (error: HellotapError) => error.code === 'ERR_TARGET' && error.message.includes(text),
      );
    });

  it('is told from what is none without any other failure', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[[\]0-9a-f.:/,-]{0,24}$/)), (text) => {
        try {
          parseTarget(text);
        } catch (error) {
          assert.equal((error as HellotapError).code, 'ERR_TARGET');
        }
      }),
    );
  });
});

describe('a block of addresses', () => {
  it('is counted out from its first address, whatever address named it', () => {
    assert.deepEqual(
      [...addressesOf(parseNetwork('192.0.2.254/30'))],
      ['192.0.2.252', '192.0.2.253', '192.0.2.254', '192.0.2.255'],
    );
    assert.deepEqual([...addressesOf(parseNetwork('255.255.255.255/31'))], ['255.255.255.254', '255.255.255.255']);
    assert.deepEqual([...addressesOf(parseNetwork('2001:db8::ffff/127'))], ['2001:db8::fffe', '2001:db8::ffff']);
    assert.deepEqual([...addressesOf(parseNetwork('192.0.2.1'))], ['192.0.2.1']);
  });

  it('gives canonical text, each address once', () => {
    const addresses = [...addressesOf(parseNetwork('10.0.0.0/20'))];
    assert.equal(new Set(addresses).size, 4096);
    for (const address of addresses) assert.equal(canonicalAddress(address), address);
  });

  it('of every address there is can be begun', () => {
    assert.equal(addressesOf(parseNetwork('::/0')).next().value, '::');
  });
});

describe('a list of targets', () => {
  it('is goscanner’s CSV or a target per line, with comments; what does not parse is named with its line', async () => {
    const problems: string[] = [];
    const text = [
      '# servers',
      '192.0.2.7:8443,www.example.org,random458',
      '',
      '  "192.0.2.8","a.example" # quoted',
      '999.0.0.1',
      'x'.repeat(100_000),
      'b.example\r',
    ].join('\n');
    const specs = await collect(parseTargetLines(linesOf(text), 'list.csv', (error) => problems.push(error.message)));
    assert.deepEqual(
      specs.map((spec) => (spec.kind === 'name' ? spec.host : spec.kind === 'address' ? spec.address : '')),
      ['192.0.2.7', '192.0.2.8', 'b.example'],
    );
    assert.equal(problems.length, 2);
    assert.match(problems[0] ?? '', /list\.csv, line 5: "999\.0\.0\.1"/);
    assert.match(problems[1] ?? '', /line 6: 100000 characters/);
    assert.ok((problems[1] ?? '').length < 200);
  });
});

describe('resolving', () => {
  const specs = ['192.0.2.1', 'slow.example', 'none.example', '192.0.2.16/31:8443', 'fast.example:9'].map(parseTarget);

  it('keeps the order, counts blocks out, and names what cannot be resolved', async () => {
    const problems: string[] = [];
    const targets = await collect(
      resolveTargets(specs, {
        lookups: 3,
        onProblem: (error) => problems.push(error.message),
        resolve: async (host) => {
          if (host === 'none.example') throw new Error('NXDOMAIN');
          await new Promise((resolve) => setTimeout(resolve, host === 'slow.example' ? 20 : 1));
          return ['2001:DB8::1', '192.0.2.99'];
        },
      }),
    );
    assert.deepEqual(targets, [
      { address: '192.0.2.1', port: 443, serverName: null },
      { address: '2001:db8::1', port: 443, serverName: 'slow.example' },
      { address: '192.0.2.16', port: 8443, serverName: null },
      { address: '192.0.2.17', port: 8443, serverName: null },
      { address: '2001:db8::1', port: 9, serverName: 'fast.example' },
    ] satisfies ProbeTarget[]);
    assert.deepEqual(problems, ['none.example: cannot be resolved: NXDOMAIN']);
  });

  it('never has more lookups open than it may', async () => {
    let open = 0;
    let most = 0;
    const names = Array.from({ length: 50 }, (_, index) => parseTarget(`h${index}.example`));
    const targets = resolveTargets(names, {
      lookups: 7,
      onProblem: unexpected,
      resolve: async () => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 2));
        open--;
        return ['192.0.2.1'];
      },
    });
    assert.equal((await collect(targets)).length, 50);
    assert.equal(most, 7);
  });

  it('says how a URL is written as a target', () => {
    assert.throws(() => parseTarget('https://www.example.org/'), /host:port, without https/);
    assert.throws(() => parseTarget('gopher://www.example.org'), /gopher:\/\/ is none of smtp, /);
  });

  it('hands on what is ready while the input is silent, and ends without waiting for it', async () => {
    async function* silentAfter(first: TargetSpec): AsyncGenerator<TargetSpec> {
      yield first;
      await new Promise(() => undefined);
    }
    for (const text of ['192.0.2.1', 'a.example']) {
      const targets = resolveTargets(silentAfter(parseTarget(text)), {
        lookups: 8,
        onProblem: unexpected,
        resolve: () => Promise.resolve(['192.0.2.1']),
      });
      assert.equal(((await targets.next()).value as ProbeTarget | undefined)?.address, '192.0.2.1');
      assert.equal((await targets.return(undefined)).done, true);
    }
  });

  it('throws what its input throws, after the targets before', async () => {
    async function* broken(): AsyncGenerator<TargetSpec> {
      yield await Promise.resolve(parseTarget('192.0.2.1'));
      throw new Error('disk on fire');
    }
    const seen: string[] = [];
    await assert.rejects(async () => {
      const options = { lookups: 2, onProblem: unexpected, resolve: () => Promise.resolve([]) };
      for await (const target of resolveTargets(broken(), options)) seen.push(target.address);
    }, /disk on fire/);
    assert.deepEqual(seen, ['192.0.2.1']);
  });
});
