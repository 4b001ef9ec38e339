// Sightings into the table of servers, in the order of its key, and into the tally of each week. A server that was seen with
// a profile in a week counts once for that week, however often and in whatever order sightings come.

import type Database from 'better-sqlite3';
import { InsertedRows, ROWS_PER_STATEMENT } from './inserted-rows.js';
import type { MergedRuns, RunReader } from './merged-runs.js';
import { SERVER_INDEX, WEEK_WINDOW } from './schema.js';
import type { Store } from './store.js';
import { weekSql } from './week.js';

/** After so many sightings a step is told of. */
const STEP_ROWS = 50_000;

const MASK = 2 ** WEEK_WINDOW - 1;
const STORED_WEEK = weekSql('s.last_seen');

/** SQL condition on a stored row `s` and a week: this week is not counted in the row yet. */
const IS_NEW = `(
  @week > ${STORED_WEEK}
  OR (@week > ${STORED_WEEK} - ${WEEK_WINDOW} AND (s.weeks >> (${STORED_WEEK} - @week)) & 1 = 0)
  OR (@week <= ${STORED_WEEK} - ${WEEK_WINDOW} AND @week < ${weekSql('s.first_seen')}))`;

const INSERT = 'INSERT INTO server AS s (address, port, name, profile_id, first_seen, last_seen, count, weeks) VALUES';
const LONGER_SPAN = `
  first_seen = min(s.first_seen, excluded.first_seen),
  last_seen = max(s.last_seen, excluded.last_seen)`;

/** Counts the week where it is new; gives the profile of each such row, with a minus where the server was known with it. */
const countWeek = (rows: string): string => `${INSERT} ${rows}
  ON CONFLICT DO UPDATE SET
    count = s.count + 1,
    weeks = CASE
      WHEN @week > ${STORED_WEEK} THEN ((s.weeks << (@week - ${STORED_WEEK})) | 1) & ${MASK}
      WHEN @week > ${STORED_WEEK} - ${WEEK_WINDOW} THEN s.weeks | (1 << (${STORED_WEEK} - @week))
      ELSE s.weeks END,
    ${LONGER_SPAN}
  WHERE ${IS_NEW}
  RETURNING iif(count = 1, profile_id, -profile_id)`;

/** For rows whose week is counted: they may still have been seen earlier or later in it. */
const extendSpan = (rows: string): string => `${INSERT} ${rows}
  ON CONFLICT DO UPDATE SET ${LONGER_SPAN}
  WHERE excluded.first_seen < s.first_seen OR excluded.last_seen > s.last_seen`;

const TALLY = `
  INSERT INTO tally (profile_id, week, servers) VALUES (?, ?, ?)
  ON CONFLICT DO UPDATE SET servers = servers + excluded.servers`;

/** Rows whose index by profile is in the page cache as a whole: one more of them costs little. */
const ROWS_IN_CACHE = 1_000_000;

/**
 * Merges sightings into what is stored; inside of `write`. Each step gives how many have been merged so far, the last one how
 * many were new: a server seen with a profile in a week.
 * @param profiles the row id of each profile's number
 * @param total how many sightings there are
 * @param rowsInCache up to how many servers the index by profile is kept while rows come in
 */
export function* mergeServers(
  store: Store,
  sightings: MergedRuns,
  profiles: readonly number[],
  total: number,
  rowsInCache = ROWS_IN_CACHE,
): Generator<number, number> {
  const index = new ProfileIndex(store, total, rowsInCache);
  const addresses = new AddressMemory();
  let week = -1;
  let added = 0;
  /** How many servers were newly seen with a profile in this week. */
  const fresh = new Map<number, number>();
  const rows = new InsertedRows(
    '(?, ?, ?, ?, ?, ?, 1, 1)',
    (values) => ({
      count: store.prepare<unknown[], number>(countWeek(values)).pluck(),
      extend: store.prepare<unknown[]>(extendSpan(values)),
    }),
    ({ count, extend }, values, length) => {
      const counted = count.all(values, { week });
      for (const signed of counted) {
        const profile = Math.abs(signed);
        if (signed > 0) index.inserted += 1;
        fresh.set(profile, (fresh.get(profile) ?? 0) + 1);
      }
      added += counted.length;
      if (counted.length < length) extend.run(values);
      index.merged(length);
    },
  );
  const endWeek = (): void => {
    rows.flush();
    const tally = store.prepare<[number, number, number]>(TALLY);
    for (const [profile, servers] of [...fresh].sort(([a], [b]) => a - b)) tally.run(profile, week, servers);
    fresh.clear();
  };
  for (let seen = sightings.next(), n = 1; seen !== null; seen = sightings.next(), n++) {
    if (seen.week !== week) {
      endWeek();
      week = seen.week;
    }
    const time = seen.seen;
    rows.add(addresses.of(seen), seen.port, seen.name, profiles[seen.profile], time, time);
    if (n % STEP_ROWS === 0) yield n;
  }
  endWeek();
  index.complete();
  return added;
}

/** As `mergeServers`, into a table that is empty and from sightings of one time: nothing to compare with. */
export function* loadServers(
  store: Store,
  sightings: MergedRuns,
  profiles: readonly number[],
  time: number,
): Generator<number, number> {
  let added = 0;
  const rows = new InsertedRows(
    `(?, ?, ?, ?, ${time}, ${time}, 1, 1)`,
    (values): Database.Statement => store.prepare(`INSERT OR IGNORE INTO server VALUES ${values}`),
    (insert, values) => {
      added += insert.run(values).changes;
    },
  );
  const addresses = new AddressMemory();
  store.exec(DROP_INDEX);
  let week = 0;
  for (let seen = sightings.next(), n = 1; seen !== null; seen = sightings.next(), n++) {
    week = seen.week;
    rows.add(addresses.of(seen), seen.port, seen.name, profiles[seen.profile]);
    if (n % STEP_ROWS === 0) yield n;
  }
  rows.flush();
  makeIndex(store);
  store.prepare('INSERT INTO tally SELECT profile_id, ?, count(*) FROM server GROUP BY profile_id').run(week);
  return added;
}

/** Memory for the addresses of rows that wait, used again and again: an object for each row would be garbage by the million. */
class AddressMemory {
  /** By their length. */
  readonly #places: Uint8Array[][] = [];
  #next = 0;

  /** A copy of the address, good while no statement's worth of rows has come after it. */
  of(seen: RunReader): Uint8Array {
    const { addressBytes } = seen;
    const places = (this.#places[addressBytes] ??= Array.from({ length: ROWS_PER_STATEMENT }, () =>
      Buffer.alloc(addressBytes),
    ));
    const place = places[this.#next++ % ROWS_PER_STATEMENT] ?? new Uint8Array(addressBytes);
    seen.copyAddress(place);
    return place;
  }
}

const DROP_INDEX = 'DROP INDEX server_by_profile';

/** Cache while the index is made: SQLite sorts as much at a time, and what fits the processor's cache takes half as long. */
const SORTER_KIB = 2048;

function makeIndex(store: Store): void {
  store.withCache(SORTER_KIB, () => {
    store.exec(SERVER_INDEX);
  });
}

/** Of the table of servers and its index together (docs/performance.md). */
const BYTES_PER_SERVER = 94;
/** An entry into an index that is not in the cache costs about as much as so many of an index that is made anew. */
const ENTRY_COST = 32;

/** Sightings after which it shows how many of them are new rows. */
const SAMPLE = 2000;

/** The index by profile, whose order is not that of the sightings: left out where making it anew is cheaper than what comes in. */
class ProfileIndex {
  /** Rows that came into the table. */
  inserted = 0;
  #merged = 0;
  readonly #rowsBefore: number;
  #isLeftOut = false;

  constructor(
    readonly store: Store,
    readonly total: number,
    readonly rowsInCache: number,
  ) {
    // Counting them would read the whole index; fingerprints are counted as servers here, which does no harm.
    this.#rowsBefore = store.bytes / BYTES_PER_SERVER;
  }

  /** Told of sightings that have been merged: drops the index where that pays if the others are like those before. */
  merged(sightings: number): void {
    this.#merged += sightings;
    if (this.#isLeftOut || this.#merged < Math.min(SAMPLE, this.total)) return;
    const expected = (this.inserted / this.#merged) * this.total;
    const rows = this.#rowsBefore + expected;
    if (rows < this.rowsInCache || expected * ENTRY_COST < rows) return;
    this.store.exec(DROP_INDEX);
    this.#isLeftOut = true;
  }

  complete(): void {
    if (this.#isLeftOut) makeIndex(this.store);
  }
}
