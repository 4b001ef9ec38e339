import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stackKey } from '../../src/database/fingerprint-key.js';
import { addLabel } from '../../src/database/labels.js';
import { recordProbes } from '../../src/database/servers.js';
import { NO_SOURCE } from '../../src/database/source.js';
import type { Store } from '../../src/database/store.js';
import { Matcher } from '../../src/match/matcher.js';
import { NearestIndexBuilder, type NearestIndex } from '../../src/match/nearest-index.js';
import { Neighbourhood, nearestLabel } from '../../src/match/nearest.js';
import { freshStore, golden, goldenLine } from '../database/scratch.js';

const texts = [...new Set(golden.map((line) => line.fingerprint).filter((text) => text !== null))];

function indexOf(all: readonly string[], hellos = 10): NearestIndex {
  const builder = new NearestIndexBuilder(hellos);
  for (const text of all) builder.add(text);
  return builder.finish();
}

/** The rule in plain words, without an index. */
function scoreOf(a: string, b: string): number {
  const fields = (part: string): string[] => {
    const [before = '', ...alerts] = part.split('<');
    const own = before.split('_');
    while (own.length < 7) own.push('');
    return [...own, alerts.join('<')];
  };
  const theirs = b.split('|');
  return a.split('|').reduce((sum, part, i) => {
    const other = theirs[i] ?? '';
    if (part === other) return sum + 2;
    const of = fields(other);
    return sum + (fields(part).filter((field, n) => field !== of[n]).length === 1 ? 1 : 0);
  }, 0);
}

describe('the index of fingerprints', () => {
  it('gives what comparing with every one of them gives, for real fingerprints changed a little', () => {
    const index = indexOf(texts);
    const change = fc.record({
      base: fc.constantFrom(...texts),
      other: fc.constantFrom(...texts),
      parts: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }),
      field: fc.integer({ min: 0, max: 6 }),
      whole: fc.boolean(),
    });
    fc.assert(
      fc.property(change, ({ base, other, parts, field, whole }) => {
        const donor = other.split('|');
        const query = base
          .split('|')
          .map((part, i) => {
            if (!parts.includes(i)) return part;
            if (whole) return donor[i] ?? '';
            const [own = '', ...alerts] = part.split('<');
            const fields = own.split('_');
            fields[field] = (donor[i] ?? '').split('<')[0]?.split('_')[field] ?? '';
            return [fields.join('_'), ...alerts].join('<');
          })
          .join('|');
        const plain = texts.map((text) => scoreOf(query, text)).sort((a, b) => b - a);
        const found = index.nearest(query, 3);
        for (const { index: place, score } of found) assert.equal(score, scoreOf(query, texts[place]!));
        assert.equal(found[0]?.score ?? 0, plain[0]);
        assert.deepEqual(
          found.map(({ score }) => score),
          plain.filter((score) => score > 0).slice(0, found.length),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('answers nothing where nothing is alike, or where other Client Hellos were asked', () => {
    const index = indexOf(texts);
    assert.deepEqual(index.nearest(Array(10).fill('9_9_9.9_9_9_9_9<9').join('|'), 5), []);
    assert.deepEqual(index.nearest('<40', 5), []);
    assert.deepEqual(index.nearest('', 5), []);
    assert.equal(new NearestIndexBuilder(10).add('<40|<40'), false);
    assert.deepEqual(indexOf([]).nearest(texts[0]!, 5), []);
  });

  it('answers from 100,000 fingerprints within milliseconds', () => {
    const all: string[] = [];
    for (let n = 0; all.length < 100_000; n++) {
      const parts = texts[n % texts.length]!.split('|');
      parts[n % 10] = `771_${(n * 7919).toString(16)}_${n % 977}.-____`;
      parts[(n * 3) % 10] = `771_${(n % 5000).toString(16)}_43.AwQ-51.29_16____`;
      all.push(parts.join('|'));
    }
    const index = indexOf(all);
    const times: number[] = [];
    for (let n = 0; n < 400; n++) {
      // Where the changed answer was the one that few have, thousands are equally alike.
      if ((n * 249) % 10 === 5) continue;
      const parts = all[n * 249]!.split('|');
      parts[5] = '771_cca8_65281.____';
      const start = performance.now();
      const [best] = index.nearest(parts.join('|'), 8);
      times.push(performance.now() - start);
      assert.ok(best!.score >= 17);
    }
    times.sort((a, b) => a - b);
    const median = times[times.length >> 1]!;
    assert.ok(median < 20, `median ${median} ms`);
  });
});

const seenAt = new Date('2022-06-27T12:00:00Z');
const server = { address: '192.0.2.1', port: 443, serverName: null };

function label(store: Store, deployment: string, name: string): void {
  addLabel(store, {
    key: stackKey(goldenLine(deployment).fingerprint!),
    label: { name, kind: 'software' },
    source: NO_SOURCE,
    firstSeen: null,
    lastSeen: null,
    count: 1,
  });
}

/** A server that answers as a deployment does, but for the cipher suite of one Client Hello. */
function nextRelease(store: Store, deployment: string): string {
  const { hellos } = goldenLine(deployment);
  const changed = { ...hellos, random458: hellos['random458']!.replace(/^771_c09c_/, '771_c09d_') };
  assert.notDeepEqual(changed, hellos);
  const names = Object.keys(changed).sort();
  const fingerprint = names.map((name) => (changed as Record<string, string>)[name]).join('|');
  recordProbes(store, [{ server, helloSet: 'atsf-2022', hellos: changed, fingerprint, seenAt }]);
  return fingerprint;
}

describe('the verdict on a fingerprint without a label', () => {
  it('names the nearest label and what differs', () => {
    const store = freshStore();
    label(store, 'nginx-default', 'nginx');
    label(store, 'apache-default', 'Apache');
    nextRelease(store, 'nginx-default');
    const matcher = new Matcher(store);
    const verdict = matcher.verdict(server);
    assert.ok(verdict.status === 'known');
    assert.deepEqual(verdict.labels, []);
    assert.equal(verdict.nearest?.label, 'nginx');
    assert.deepEqual(verdict.nearest.differing, ['random458: cipher suite']);
    const again = matcher.verdict(server);
    assert.deepEqual(again, { ...verdict, cached: true });
  });

  it('names none where one stands on it, where nothing is alike, and where nothing is labelled', () => {
    const store = freshStore();
    const fingerprint = nextRelease(store, 'nginx-default');
    const nearest = (): unknown => {
      const verdict = new Matcher(store).verdict(server);
      assert.ok(verdict.status === 'known');
      return verdict.nearest;
    };
    assert.equal(nearest(), undefined);
    label(store, 'nginx-default', 'nginx');
    addLabel(store, {
      key: stackKey(fingerprint),
      label: { name: 'mine', kind: 'own' },
      source: NO_SOURCE,
      firstSeen: null,
      lastSeen: null,
      count: 1,
    });
    assert.equal(nearest(), undefined);
  });

  it('follows labels that come later', () => {
    let now = 0;
    const store = freshStore();
    nextRelease(store, 'nginx-default');
    const matcher = new Matcher(store, { now: () => now });
    const nearest = (): string | undefined => {
      const verdict = matcher.verdict(server);
      assert.ok(verdict.status === 'known');
      return verdict.nearest?.label;
    };
    assert.equal(nearest(), undefined);
    label(store, 'nginx-default', 'nginx');
    now += 61_000;
    assert.equal(nearest(), 'nginx');
  });
});

describe('neighbours', () => {
  it('come the most alike first, with what differs field by field, and never the fingerprint itself', () => {
    const store = freshStore();
    for (const line of golden) if (line.fingerprint !== null) label(store, line.deployment, line.deployment);
    const query = goldenLine('nginx-default').fingerprint!;
    const neighbours = Neighbourhood.of(store, 'atsf-2022')!.nearest(query, 5, 0);
    assert.ok(neighbours.length > 2);
    for (const [i, one] of neighbours.entries()) {
      assert.notEqual(one.fingerprint.text, query);
      assert.equal(one.same + one.different.length, 10);
      if (i > 0) assert.ok(one.same <= neighbours[i - 1]!.same);
      assert.equal(nearestLabel(one)?.differing.length, one.different.length);
    }
  });
});
