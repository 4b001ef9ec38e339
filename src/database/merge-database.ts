// Another hellotap database into this one: its sightings and labels come in by the same door as imported tables, so that
// doing it twice changes nothing and what both know counts once.

import { HellotapError } from '../errors.js';
import { addressText } from './address.js';
import { mergeClaim, type Claim } from './labels.js';
import { MAX_NAME } from './import-fingerprints.js';
import { mergeStaged } from './merge.js';
import { WEEK_WINDOW } from './schema.js';
import type { SourceClass } from './source.js';
import { Staging } from './staging.js';
import { Store } from './store.js';
import { mondayOf, weekOf } from './week.js';

/** What came of it: sightings and labels of the other database, and those of them that were new here. */
export interface DatabaseMergeReport {
  readonly sightings: number;
  readonly newSightings: number;
  readonly newFingerprints: number;
  readonly claims: number;
  readonly newClaims: number;
}

interface ServerRow {
  address: Uint8Array;
  port: number;
  name: string;
  profile: number;
  first: number;
  last: number;
  weeks: number;
}

interface ProfileRow {
  helloSet: string | null;
  hellos: string | null;
  helloSetDigest: string | null;
  answers: string | null;
  fingerprint: string | null;
  jarm: Uint8Array | null;
  httpServer: string | null;
  source: string;
  sourceClass: SourceClass;
  label: string | null;
  labelKind: string | null;
  outcome: string | null;
}

interface ClaimRow {
  kind: string;
  digest: Uint8Array;
  text: string | null;
  label: string;
  labelKind: string;
  source: string;
  sourceClass: SourceClass;
  firstSeen: number | null;
  lastSeen: number | null;
  count: number;
}

const SERVERS = `
  SELECT address, port, name, profile_id AS profile, first_seen AS first, last_seen AS last, weeks FROM server`;

const PROFILE = `
  SELECT k.name AS helloSet, k.hellos, k.hello_set_digest AS helloSetDigest, ifnull(a.text, f.text) AS answers,
    f.text AS fingerprint, j.digest AS jarm, h.text AS httpServer, s.name AS source, s.class AS sourceClass,
    l.name AS label, l.kind AS labelKind, p.outcome
  FROM profile p JOIN source s ON s.id = p.source_id
  LEFT JOIN answers a ON a.id = p.answers_id LEFT JOIN fingerprint_kind k ON k.id = a.kind_id
  LEFT JOIN fingerprint f ON f.id = a.fingerprint_id LEFT JOIN fingerprint j ON j.id = p.jarm_id
  LEFT JOIN http_server h ON h.id = p.http_server_id LEFT JOIN label l ON l.id = p.label_id
  WHERE p.id = ?`;

/** Labels that sightings carry come with these; what was taken away by hand there is nobody's business here. */
const CLAIMS = `
  SELECT k.name AS kind, f.digest, f.text, l.name AS label, l.kind AS labelKind, s.name AS source,
    s.class AS sourceClass, c.first_seen AS firstSeen, c.last_seen AS lastSeen, c.count
  FROM claim c JOIN fingerprint f ON f.id = c.fingerprint_id JOIN fingerprint_kind k ON k.id = f.kind_id
  JOIN label l ON l.id = c.label_id JOIN source s ON s.id = c.source_id
  WHERE c.removed = 0 AND c.count > 0`;

/**
 * Merges the database at `path` into `store`, all or nothing; the other file is only read. Of a server that was seen so
 * for more than a year, weeks before the last 53 come as one: the database does not tell them apart.
 * Throws what opening throws, and ERR_USAGE where both are the same file.
 */
export function mergeDatabase(store: Store, path: string): DatabaseMergeReport {
  const other = Store.open(path, { create: false });
  try {
    if (other.isSameFile(store)) {
      throw new HellotapError('ERR_USAGE', `${path}: is the database that it would be merged into`);
    }
    const staging = new Staging(store);
    return other.read(() => {
      store.read(() => {
        stageServers(other, staging);
      });
      return store.write(() => {
        const merged = mergeStaged(staging);
        let claims = 0;
        let newClaims = 0;
        for (const row of other.prepare<[], ClaimRow>(CLAIMS).iterate()) {
          claims += 1;
          if (mergeClaim(store, claimOf(row))) newClaims += 1;
        }
        if (merged.added > 0 || newClaims > 0) store.raiseGeneration();
        const { sightings, added: newSightings, newFingerprints } = merged;
        return { sightings, newSightings, newFingerprints, claims, newClaims };
      });
    });
  } finally {
    other.close();
  }
}

function stageServers(other: Store, staging: Staging): void {
  const profiles = new Map<number, number>();
  const read = other.prepare<[number], ProfileRow>(PROFILE);
  for (const row of other.prepare<[], ServerRow>(SERVERS).iterate()) {
    let profile = profiles.get(row.profile);
    if (profile === undefined || !isSound(row)) {
      const found = read.get(row.profile);
      if (found === undefined || !isSound(row)) {
        const at = `${addressText(row.address)} port ${row.port}`;
        throw new HellotapError(
          'ERR_DATABASE_FORMAT',
          `${other.path}: is damaged at ${at}; "hellotap db verify" says more`,
        );
      }
      profile = stageProfile(staging, found);
      profiles.set(row.profile, profile);
    }
    for (const seen of sightings(row)) staging.add(row.address, row.port, row.name, profile, seen);
  }
}

/** Whether a row can be a server: another file may be damaged. */
function isSound({ address, port, name }: ServerRow): boolean {
  return (address.length === 4 || address.length === 16) && port > 0 && port < 65_536 && name.length <= MAX_NAME;
}

function stageProfile(staging: Staging, row: ProfileRow): number {
  const { helloSet, hellos, fingerprint, answers } = row;
  return staging.profile({
    answers:
      helloSet === null
        ? null
        : {
            helloSet: {
              name: helloSet,
              hellos: hellos === null ? [] : (JSON.parse(hellos) as string[]),
              digest: row.helloSetDigest ?? undefined,
            },
            texts: (answers ?? '').split('|').map((text) => (text === '' ? null : text)),
            fingerprint,
          },
    jarm: row.jarm,
    httpServer: row.httpServer,
    source: { name: row.source, class: row.sourceClass },
    label: row.label === null ? null : { name: row.label, kind: row.labelKind ?? 'other' },
    outcome: row.outcome,
  });
}

/**
 * One time in each week in which a server was seen: the first and the last as they are, Mondays between. A first time whose
 * week was pruned is none.
 */
export function sightings({ first, last, weeks }: Pick<ServerRow, 'first' | 'last' | 'weeks'>): number[] {
  const lastWeek = weekOf(last);
  const firstWeek = weekOf(first);
  const times = [last];
  // By division: shifts of JavaScript end at 32 bits.
  for (
    let back = 1, rest = Math.floor(weeks / 2);
    back < WEEK_WINDOW && rest > 0;
    back++, rest = Math.floor(rest / 2)
  ) {
    const week = lastWeek - back;
    if (rest % 2 === 1 && week > firstWeek) times.push(mondayOf(week));
  }
  const toFirst = lastWeek - firstWeek;
  const isCounted = toFirst >= WEEK_WINDOW || Math.floor(weeks / 2 ** toFirst) % 2 === 1;
  if (first < last && isCounted) times.push(first);
  return times;
}

function claimOf(row: ClaimRow): Claim {
  const { kind, digest, text, firstSeen, lastSeen, count } = row;
  return {
    key: { kind, digest, text },
    label: { name: row.label, kind: row.labelKind },
    source: { name: row.source, class: row.sourceClass },
    firstSeen,
    lastSeen,
    count,
  };
}
