// Servers and tallies against a plain model: maps of what was seen where and in which weeks.
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import fc from 'fast-check';
import { loadServers, mergeServers } from '../../src/database/server-rows.js';
import { WEEK_WINDOW } from '../../src/database/schema.js';
import { NO_SOURCE } from '../../src/database/source.js';
import { Staging } from '../../src/database/staging.js';
import type { Store } from '../../src/database/store.js';
import { mondayOf, weekOf } from '../../src/database/week.js';
import { freshStore } from './scratch.js';

interface Sighting {
  readonly address: number;
  readonly name: string;
  readonly profile: number;
  readonly seen: number;
}

const PROFILES = 4;
/** The database tells so many weeks apart. */
const seconds = fc
  .tuple(fc.nat(WEEK_WINDOW - 1), fc.constantFrom(0, 1, 3600, 604_799))
  .map(([week, second]) => mondayOf(2700 + week) + second);
const sighting: fc.Arbitrary<Sighting> = fc.record({
  address: fc.nat(40),
  name: fc.constantFrom('', 'a.example'),
  profile: fc.nat(PROFILES - 1),
  seen: seconds,
});

/** Servers and tallies as they should come to stand. */
function model(sightings: readonly Sighting[]): { servers: string[]; tally: string[] } {
  const times = new Map<string, number[]>();
  for (const { address, name, profile, seen } of sightings) {
    const key = `${address.toString(16).toUpperCase().padStart(2, '0')} ${name} ${profile + 1}`;
    times.set(key, [...(times.get(key) ?? []), seen]);
  }
  const tally = new Map<string, number>();
  const servers = [...times].map(([key, seen]) => {
    const last = Math.max(...seen);
    const weeks = [...new Set(seen.map(weekOf))];
    const profile = key.split(' ')[2]!;
    for (const week of weeks) tally.set(`${profile} ${week}`, (tally.get(`${profile} ${week}`) ?? 0) + 1);
    return `${key}: ${Math.min(...seen)} to ${last}, ${weeks.length}, ${weeks.reduce((bits, week) => bits + 2 ** (weekOf(last) - week), 0)}`;
  });
  return { servers: servers.sort(), tally: [...tally].map(([key, n]) => `${key}: ${n}`).sort() };
}

function stored(store: Store): { servers: string[]; tally: string[] } {
  const texts = (sql: string): string[] => store.prepare<[], string>(sql).pluck().all().sort();
  return {
    servers: texts(
      `SELECT hex(substr(address, 4)) || ' ' || name || ' ' || profile_id || ': '
         || first_seen || ' to ' || last_seen || ', ' || count || ', ' || weeks FROM server`,
    ),
    tally: texts(`SELECT profile_id || ' ' || week || ': ' || servers FROM tally`),
  };
}

/** Stages sightings, with the row ids of their profiles made so that they are one more than their numbers. */
function staged(store: Store, sightings: readonly Sighting[]): Staging {
  const staging = new Staging(store);
  for (const { address, name, profile, seen } of sightings) {
    staging.add(Uint8Array.of(10, 0, 0, address), 443, name, profile, seen);
  }
  return staging;
}

const IDS = Array.from({ length: PROFILES }, (_, profile) => profile + 1);

function storeWithProfiles(): Store {
  const store = freshStore();
  store.write(() => {
    const add = store.prepare(
      'INSERT INTO profile (id, source_id, outcome) SELECT ?, id, ? FROM source WHERE name = ?',
    );
    for (const id of IDS) add.run(id, String(id), NO_SOURCE.name);
  });
  return store;
}

function hasIndex(store: Store): boolean {
  return store.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'server_by_profile'`).get() !== undefined;
}

/** Runs steps to their end. */
function last<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

describe('sightings in the table of servers', () => {
  for (const rowsInCache of [undefined, 0]) {
    it(`count each week once, ${rowsInCache === 0 ? 'the index made anew' : 'the index kept'}`, () => {
      let leftOut = 0;
      fc.assert(
        fc.property(
          fc.array(fc.array(sighting, { minLength: 100, maxLength: 400 }), { minLength: 1, maxLength: 4 }),
          (loads) => {
            const store = storeWithProfiles();
            const exec = mock.method(store, 'exec');
            const all: Sighting[] = [];
            for (const load of loads) {
              const before = countOf(model(all).tally);
              all.push(...load);
              const added = store.write(() =>
                last(mergeServers(store, staged(store, load).sorted(), IDS, load.length, rowsInCache)),
              );
              const now = model(all);
              assert.deepEqual(stored(store), now);
              assert.equal(added, countOf(now.tally) - before);
              assert.ok(hasIndex(store));
            }
            leftOut += exec.mock.calls.filter(({ arguments: [sql] }) => sql.startsWith('DROP INDEX')).length;
            assert.equal(store.prepare('PRAGMA integrity_check').pluck().get(), 'ok');
          },
        ),
        { numRuns: 30 },
      );
      assert.equal(leftOut > 0, rowsInCache === 0);
    });
  }

  it('come into an empty table as they would into any', () => {
    fc.assert(
      fc.property(fc.array(sighting, { minLength: 1, maxLength: 200 }), seconds, (load, seen) => {
        const sightings = load.map((one) => ({ ...one, seen }));
        const store = storeWithProfiles();
        const added = store.write(() => last(loadServers(store, staged(store, sightings).sorted(), IDS, seen)));
        const now = model(sightings);
        assert.deepEqual(stored(store), now);
        assert.equal(added, countOf(now.tally));
        assert.ok(hasIndex(store));
      }),
      { numRuns: 30 },
    );
  });
});

/** All servers of a tally together. */
function countOf(tally: readonly string[]): number {
  return tally.reduce((sum, line) => sum + Number(line.split(': ')[1]), 0);
}
