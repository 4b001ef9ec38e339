// Servers in the database: storing what a probe answered, and finding what is known of a server.

import { sortHellos } from './hello-set.js';
import { addressBytes } from './address.js';
import { mergeStaged } from './merge.js';
import type { ServerKey } from './server-key.js';
import { NO_SOURCE, type SourceRef } from './source.js';
import { Staging, type LabelRef } from './staging.js';
import type { Store } from './store.js';

/** What one probe of a server answered. */
export interface ProbeObservation {
  readonly server: ServerKey;
  readonly helloSet: string;
  readonly helloSetDigest?: string | undefined;
  /** Text fingerprint per Client Hello name; null: no answer. */
  readonly hellos: Readonly<Record<string, string | null>>;
  /** The combined fingerprint; null where a Client Hello had no answer. Remembered as well: not to be probed at once again. */
  readonly fingerprint: string | null;
  readonly seenAt: Date;
  /** Why the answers are not complete, in a word (`timeout`, `refused`, …). */
  readonly outcome?: string | null | undefined;
  /** 62 hexadecimal digits. */
  readonly jarm?: string | null | undefined;
  readonly httpServer?: string | null | undefined;
}

/** What is known of where and how often a server was seen with a fingerprint. Times in seconds since 1970. */
export interface ServerSighting {
  /** Row id of the stack fingerprint, null where the answers were not complete. */
  readonly fingerprintId: number | null;
  /** Row id of its JARM, null where it has none. */
  readonly jarmId: number | null;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Number of weeks in which it was seen so. */
  readonly count: number;
  readonly outcome: string | null;
}

/**
 * Stores probes, all or nothing; when this returns they are on the disk. Gather what comes within a moment into one call:
 * each call is a transaction. Addresses that are none are ignored (their number comes back).
 */
export function recordProbes(
  store: Store,
  observations: Iterable<ProbeObservation>,
  given: { readonly source?: SourceRef; readonly label?: LabelRef } = {},
): { readonly stored: number; readonly ignored: number } {
  const staging = new Staging(store);
  let ignored = 0;
  // One transaction on the temporary tables: a statement of its own for each row would be slower.
  store.read(() => {
    for (const observation of observations) {
      const { server } = observation;
      const address = addressBytes(server.address);
      const seen = Math.floor(observation.seenAt.getTime() / 1000);
      if (address === null || !(seen >= 0)) {
        ignored += 1;
        continue;
      }
      const hellos = sortHellos(Object.keys(observation.hellos));
      const profile = staging.profile({
        answers: {
          helloSet: { name: observation.helloSet, hellos, digest: observation.helloSetDigest },
          texts: hellos.map((name) => observation.hellos[name] ?? null),
          fingerprint: observation.fingerprint,
        },
        jarm: observation.jarm === null || observation.jarm === undefined ? null : Buffer.from(observation.jarm, 'hex'),
        httpServer: observation.httpServer ?? null,
        source: given.source ?? NO_SOURCE,
        label: given.label ?? null,
        outcome: observation.fingerprint === null ? (observation.outcome ?? null) : null,
      });
      staging.add(address, server.port, (server.serverName ?? '').toLowerCase(), profile, seen);
    }
  });
  store.write(() => {
    const report = mergeStaged(staging);
    if (report.labelled) store.raiseGeneration();
  });
  return { stored: staging.rows, ignored };
}

const FIND = `
  SELECT a.fingerprint_id, p.jarm_id, s.first_seen, s.last_seen, s.count, p.outcome
  FROM server s JOIN profile p ON p.id = s.profile_id LEFT JOIN answers a ON a.id = p.answers_id
  WHERE s.address = ? AND s.port = ? AND s.name = ?`;

type FoundRow = [
  fingerprintId: number | null,
  jarmId: number | null,
  firstSeen: number,
  lastSeen: number,
  count: number,
  outcome: string | null,
];

/**
 * What was seen of this very server (address, port and name), the newest first; of one moment the complete answers first.
 */
export function findServer(store: Store, server: ServerKey): ServerSighting[] {
  const address = addressBytes(server.address);
  if (address === null) return [];
  store.hold();
  // Rows as arrays, sorted here: most servers have one, and each flow of a new one waits for this.
  return store
    .prepare<[Uint8Array, number, string], FoundRow>(FIND)
    .raw()
    .all(address, server.port, server.serverName ?? '')
    .map(([fingerprintId, jarmId, firstSeen, lastSeen, count, outcome]) => ({
      fingerprintId,
      jarmId,
      firstSeen,
      lastSeen,
      count,
      outcome,
    }))
    .sort((a, b) => b.lastSeen - a.lastSeen || Number(a.fingerprintId === null) - Number(b.fingerprintId === null));
}

const FIND_AT = `SELECT 1 FROM server WHERE address = ? AND port = ? LIMIT 1`;

/** Whether anything was seen at an address and port, under any name. */
export function hasServersAt(store: Store, { address, port }: Omit<ServerKey, 'serverName'>): boolean {
  const bytes = addressBytes(address);
  store.hold();
  return bytes !== null && store.prepare<[Uint8Array, number]>(FIND_AT).get(bytes, port) !== undefined;
}
