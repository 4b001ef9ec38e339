import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MergedRuns, RunReader } from '../../src/database/merged-runs.js';
import { mergeStaged } from '../../src/database/merge.js';
import { SightingRun } from '../../src/database/sighting-run.js';
import { NO_SOURCE } from '../../src/database/source.js';
import { Staging } from '../../src/database/staging.js';
import type { Store } from '../../src/database/store.js';
import { verifyDatabase } from '../../src/database/verify.js';
import { mondayOf, weekOf } from '../../src/database/week.js';
import { freshStore } from './scratch.js';

interface Sighting {
  readonly address: Uint8Array;
  readonly port: number;
  readonly name: string;
  readonly profile: number;
  readonly seen: number;
}

/** Few values of each, so that much is equal. */
const byte = fc.constantFrom(0, 1, 10, 128, 255);
const sighting: fc.Arbitrary<Sighting> = fc.record({
  address: fc
    .oneof(fc.tuple(byte, byte), fc.tuple(byte, byte, byte, byte))
    .map((part) =>
      Uint8Array.from(
        { length: 4 * (part.length - 1) + (part.length === 4 ? 4 : 0) },
        (_, i) => part[i % part.length]!,
      ),
    ),
  port: fc.constantFrom(1, 443, 65_535),
  name: fc.constantFrom('', 'a.example', 'bücher.example', 'x'.repeat(255)),
  profile: fc.nat(3),
  seen: fc.nat(4).map((week) => mondayOf(2700 + week) + 1000 * week),
});

const text = ({ address, port, name, profile, seen }: Sighting): string =>
  [Buffer.from(address).toString('hex'), port, name, profile, seen].join(' ');

/** What sightings are sorted by. */
const place = ({ address, seen }: Sighting): string =>
  `${String(weekOf(seen)).padStart(6)} ${Buffer.from(address).toString('hex').slice(0, 16).padEnd(16, '0')}`;

function readerOf(sightings: readonly Sighting[]): RunReader {
  const run = new SightingRun();
  for (const { address, port, name, profile, seen } of sightings) {
    run.add(address, port, name, profile, seen, weekOf(seen));
  }
  return new RunReader(run.sorted());
}

describe('sightings in runs', () => {
  it('come out as they went in, by week and address, from however many runs', () => {
    fc.assert(
      fc.property(fc.array(fc.array(sighting, { maxLength: 200 }), { maxLength: 5 }), (runs) => {
        const merged = new MergedRuns(runs.map(readerOf));
        const out: Sighting[] = [];
        for (let one = merged.next(); one !== null; one = merged.next()) {
          const { port, name, profile, seen } = one;
          const address = new Uint8Array(one.addressBytes);
          one.copyAddress(address);
          out.push({ address, port, name, profile, seen });
          assert.equal(one.week, weekOf(seen));
        }
        assert.deepEqual(out.map(text).sort(), runs.flat().map(text).sort());
        const places = out.map(place);
        assert.deepEqual(places, [...places].sort());
      }),
    );
  });

  it('enter the database alike, whether they are sorted at one go or in many small runs', () => {
    const content = (store: Store): unknown =>
      ['server', 'tally'].map((table) => store.prepare(`SELECT * FROM ${table} ORDER BY 1, 2, 3`).all());
    fc.assert(
      fc.property(
        fc.array(fc.array(sighting, { maxLength: 100 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 3000 }),
        (loads, runBytes) => {
          const stores = [undefined, runBytes].map((bytes) => {
            const store = freshStore();
            for (const load of loads) {
              const staging = new Staging(store, bytes);
              const profiles = ['a', 'b', 'c', 'd'].map((httpServer) =>
                staging.profile({
                  answers: null,
                  jarm: null,
                  httpServer,
                  source: NO_SOURCE,
                  label: null,
                  outcome: null,
                }),
              );
              for (const { address, port, name, profile, seen } of load) {
                staging.add(address, port, name, profiles[profile]!, seen);
              }
              store.write(() => mergeStaged(staging));
            }
            return store;
          });
          const [whole, pieces] = stores.map(content);
          assert.deepEqual(pieces, whole);
          assert.deepEqual(
            stores.map((store) => verifyDatabase(store).damages),
            [[], []],
          );
        },
      ),
      { numRuns: 20 },
    );
  });
});
