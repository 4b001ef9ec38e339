import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import type { HellotapError } from '../../src/errors.js';
import { ExclusionFile, NetworkSet, parseExclusions } from '../../src/probe/exclusions.js';
import { contains, parseNetwork } from '../../src/probe/networks.js';

function unexpected(error: Error): void {
  throw error;
}

describe('a list of exclusions', () => {
  it('is read in ZMap’s format', () => {
    const list = parseExclusions(
      '\ufeff# reserved\r\n10.0.0.0/8 # private\r\n\r\n192.0.2.7\t#one\n2001:db8::/33\n::ffff:203.0.113.9\n',
      'x',
    );
    for (const inside of ['10.0.0.0', '10.255.255.255', '192.0.2.7', '2001:db8::1', '203.0.113.9']) {
      assert.ok(list.has(inside), inside);
    }
    for (const outside of ['9.255.255.255', '11.0.0.0', '192.0.2.8', '2001:db8:8000::', 'nonsense']) {
      assert.ok(!list.has(outside), outside);
    }
    assert.ok(list.has('::ffff:10.1.1.1'), 'mapped addresses count as the IPv4 that they map');
  });

  it('agrees with comparing bit by bit', () => {
    const network = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
      fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
    );
    fc.assert(
      fc.property(fc.array(network), fc.oneof(fc.ipV4(), fc.ipV6()), (networks, address) => {
        const parsed = networks.map(([text, length]) => parseNetwork(`${text}/${length}`));
        const own = ipaddr.process(address);
        const expected = parsed.some(([prefix, length]) => contains(prefix, length, own));
        return new NetworkSet(parsed).has(address) === expected;
      }),
    );
  });

  for (const line of ['10.0.0.0/33', 'example.org', '10.0.0.0-10.0.0.9', '10.0.0', '10.0.0.0/8 10.1.0.0/16'])
    it(`with "${line}" in it is refused by line: an exclusion that is not understood is not passed over`, () => {
      assert.throws(
        () => parseExclusions(`10.0.0.0/8\n${line}\n`, 'no-probe.txt'),
        (error: HellotapError) => error.code === 'ERR_TARGET' && error.message.includes('no-probe.txt, line 2'),
      );
    });
});

describe('a file of exclusions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-exclusions-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  let files = 0;
  /** A file, the clock that it is looked at by, and what was said about it. */
  function follow(text: string) {
    const path = join(folder, `list${files++}`);
    writeFileSync(path, text);
    const problems: string[] = [];
    let now = 0;
    const file = new ExclusionFile(
      path,
      () => now,
      (error) => problems.push(error.message),
    );
    return { path, problems, file, pass: (ms: number) => (now += ms) };
  }

  it('that cannot be read is an error, not an empty list', () => {
    assert.throws(
      () => new ExclusionFile(join(folder, 'missing'), () => 0, unexpected),
      (error: HellotapError) => error.code === 'ERR_CONFIG' && error.message.includes('missing'),
    );
  });

  it('is read again when it changes, and when it is replaced', () => {
    const { path, file, pass, problems } = follow('192.0.2.1\n');
    assert.ok(file.excludes('192.0.2.1') && !file.excludes('192.0.2.2'));
    writeFileSync(path, '192.0.2.1\n192.0.2.2\n');
    pass(1000);
    assert.ok(file.excludes('192.0.2.2'));
    writeFileSync(`${path}.new`, '192.0.2.3\n');
    renameSync(`${path}.new`, path);
    pass(1000);
    assert.ok(file.excludes('192.0.2.3') && !file.excludes('192.0.2.1'));
    assert.deepEqual(problems, []);
  });

  it('stays in force when it breaks or goes, which is said once, until it is whole again', () => {
    const { path, file, pass, problems } = follow('192.0.2.1\n');
    writeFileSync(path, '192.0.2.2\nnonsense\n');
    pass(1000);
    assert.ok(file.excludes('192.0.2.1') && !file.excludes('192.0.2.2'));
    pass(1000);
    file.excludes('192.0.2.1');
    assert.equal(problems.length, 1);
    rmSync(path);
    pass(1000);
    assert.ok(file.excludes('192.0.2.1'));
    assert.equal(problems.length, 2);
    writeFileSync(path, '192.0.2.9\n');
    pass(1000);
    assert.ok(file.excludes('192.0.2.9') && !file.excludes('192.0.2.1'));
  });
});
