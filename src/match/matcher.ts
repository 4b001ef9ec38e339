// Says what is known of a server, from an LRU cache in front of the database; misses are remembered as well, for a while.
// Labels are remembered by fingerprint, apart from servers, because many servers share one. Everything remembered before
// the database's generation rose (an import, a label; also of another process) is read again when next asked for.

import { LRUCache } from 'lru-cache';
import { endpointKey, hexKey } from '../database/fingerprint-key.js';
import { findFingerprint, fingerprintById, type StoredFingerprint } from '../database/fingerprints.js';
import { labelledDigests, labelledKinds } from '../database/labels.js';
import type { ServerKey } from '../database/server-key.js';
import { findServer, hasServersAt, type ServerSighting } from '../database/servers.js';
import type { Store } from '../database/store.js';
import { timeText } from '../database/time-text.js';
import { joinFindings, readFindings, type Findings } from './findings.js';
import { ServerCache } from './server-cache.js';
import { Neighbourhood, nearestLabel } from './nearest.js';
import type { KnownVerdict, LabelledKey, NearestLabel, UnknownVerdict } from './verdict.js';

/** What a flow shows of its server that a label may stand on: lower-case hexadecimal. */
export interface PassiveKeys {
  readonly certSha1?: string | undefined;
  readonly ja3s?: string | undefined;
  readonly ja3?: string | undefined;
}

export interface MatcherOptions {
  /** Addresses whose servers are remembered (default 65,536). */
  readonly maxServers?: number;
  /** Bytes, as far as they can be told, that they may take (default 64 MiB). */
  readonly maxBytes?: number;
  /** Fingerprints whose labels are remembered (default 65,536). */
  readonly maxFingerprints?: number;
  /** A fingerprint that was seen less often on block lists and top lists has no C2 score (default 1). */
  readonly minObservations?: number;
  /** How long "unknown" is believed, in milliseconds (default 60,000); `forget` ends it at once. */
  readonly missTtlMs?: number;
  /** How long "known" is believed (default an hour): another process may have probed the server anew. */
  readonly hitTtlMs?: number;
  /** How often commits of other processes are looked for (default 250 ms). */
  readonly refreshMs?: number;
  /** Milliseconds, never going back. */
  readonly now?: () => number;
}

export interface MatcherCounters {
  /** Answers from the cache, and from the database. */
  hits: number;
  misses: number;
  /** How often everything remembered became stale. */
  invalidations: number;
}

/** What is said of a server until something changes. */
export interface Standing {
  /** As it is said from a cache. */
  readonly verdict: KnownVerdict | UnknownVerdict;
  /** Milliseconds of the matcher's clock. */
  readonly until: number;
  /** Whatever the server's name. */
  readonly isForAnyName: boolean;
  /** Whatever the hellos; else only for those with the same JA3 and JA3S. */
  readonly isForAnyHellos: boolean;
}

interface Remembered {
  readonly generation: number;
  readonly until: number;
  readonly verdict: KnownVerdict | UnknownVerdict;
  readonly isForAnyName: boolean;
}

interface RememberedFindings {
  readonly generation: number;
  /** Null: nothing is said of it. */
  readonly fingerprint: StoredFingerprint | null;
  readonly findings: Findings | null;
  /** Of a stack fingerprint without a label. */
  readonly nearest: NearestLabel | null;
}

/** How long the index of labelled fingerprints is used after labels have changed. */
const NEIGHBOURHOOD_MS = 60_000;

/** Certificates that can be listed: 20 MiB of them. SSLBL has some ten thousand. */
const MOST_LISTED = 1 << 20;

type PassiveKind = 'cert-sha1' | 'ja3s' | 'ja3';

/** The matcher of one database. */
export class Matcher {
  readonly counters: MatcherCounters = { hits: 0, misses: 0, invalidations: 0 };
  readonly #store: Store;
  readonly #servers: ServerCache<Remembered>;
  readonly #fingerprints: LRUCache<number, RememberedFindings>;
  readonly #passive: LRUCache<string, RememberedFindings>;
  readonly #minObservations: number;
  readonly #missTtlMs: number;
  readonly #hitTtlMs: number;
  readonly #refreshMs: number;
  readonly #now: () => number;
  #nextRefresh = 0;
  #generation = -1;
  /** By hello set: there are few. */
  readonly #neighbourhoods = new Map<
    string,
    { readonly generation: number; readonly until: number; readonly neighbourhood: Neighbourhood | null }
  >();
  #kinds: ReadonlySet<string> = new Set();
  #passiveLabels = false;

  constructor(store: Store, options: MatcherOptions = {}) {
    this.#store = store;
    this.#servers = new ServerCache({
      maxServers: options.maxServers ?? 65_536,
      maxBytes: options.maxBytes ?? 64 * 2 ** 20,
    });
    // By size, as in server-cache.ts: room is made when it is needed.
    const bound = { maxSize: options.maxFingerprints ?? 65_536, sizeCalculation: (): number => 1 };
    this.#fingerprints = new LRUCache(bound);
    this.#passive = new LRUCache(bound);
    this.#minObservations = options.minObservations ?? 1;
    this.#missTtlMs = options.missTtlMs ?? 60_000;
    this.#hitTtlMs = options.hitTtlMs ?? 3_600_000;
    this.#refreshMs = options.refreshMs ?? 250;
    this.#now = options.now ?? ((): number => performance.now());
  }

  /**
   * What is known of a server: by its stored fingerprint, by its address and port, and by what the flow showed.
   * Throws only what the database throws (`ERR_DATABASE_…`).
   */
  verdict(server: ServerKey, passive?: PassiveKeys): KnownVerdict | UnknownVerdict {
    const now = this.#now();
    this.#refresh(now);
    const remembered = this.#servers.get(server);
    let verdict: KnownVerdict | UnknownVerdict;
    if (remembered?.generation === this.#generation && now < remembered.until) {
      this.counters.hits += 1;
      verdict = remembered.verdict;
    } else {
      this.counters.misses += 1;
      verdict = this.#read(server);
      const until = now + (verdict.status === 'known' ? this.#hitTtlMs : this.#missTtlMs);
      // Most endpoints are in no database, under whatever name they are asked for.
      const isForAnyName = verdict === NOTHING && !hasServersAt(this.#store, server);
      // Made here once, so that a hit hands out what is ready.
      const fresh = { generation: this.#generation, until, verdict: { ...verdict, cached: true }, isForAnyName };
      if (isForAnyName) this.#servers.setAll(server, fresh);
      else this.#servers.set(server, fresh);
    }
    return passive !== undefined && this.#passiveLabels ? this.#withPassive(verdict, passive) : verdict;
  }

  /**
   * Changes when what was said before does not hold any more. With it, whoever remembers answers need not ask again until one is too
   * old, but has to say how often it gave them (`answered`).
   */
  get era(): number {
    this.#refresh(this.#now());
    return this.#generation;
  }

  get clock(): number {
    return this.#now();
  }

  /** SHA-1 of the certificates that say something by themselves, one behind the other; null: too many to be kept. */
  listedCertificates(): Uint8Array | null {
    return this.#kinds.has('cert-sha1') ? labelledDigests(this.#store, 'cert-sha1', MOST_LISTED) : new Uint8Array(0);
  }

  /**
   * What was said of a server last, while it holds for flows that show the same hellos, and no certificate that is listed.
   * Null: it has to be asked for each time.
   */
  standing(server: ServerKey, passive: PassiveKeys): Standing | null {
    const remembered = this.#servers.get(server);
    if (remembered?.generation !== this.#generation || this.#passiveFindingsOf(passive).length > 0) return null;
    return { ...remembered, isForAnyHellos: !this.#kinds.has('ja3') && !this.#kinds.has('ja3s') };
  }

  /** So many verdicts were given from what had been said. */
  answered(count: number): void {
    this.counters.hits += count;
  }

  /** Forgets what is remembered of a server, because the database has news of it. */
  forget(server: ServerKey): void {
    this.#servers.delete(server);
  }

  /** Looks now and then whether the database has changed. */
  #refresh(now: number): void {
    if (now >= this.#nextRefresh) {
      this.#nextRefresh = now + this.#refreshMs;
      this.#store.refresh();
    }
    if (this.#store.generation !== this.#generation) this.#invalidate();
  }

  #invalidate(): void {
    if (this.#generation >= 0) this.counters.invalidations += 1;
    this.#generation = this.#store.generation;
    this.#kinds = labelledKinds(this.#store);
    this.#passiveLabels = this.#kinds.has('cert-sha1') || this.#kinds.has('ja3s') || this.#kinds.has('ja3');
  }

  #read(server: ServerKey): KnownVerdict | UnknownVerdict {
    const sightings = findServer(this.#store, server);
    const apart = [this.#endpointFindings(server), this.#jarmFindings(sightings)].filter((one) => one !== null);
    // An older complete answer says more than a newer attempt that got none.
    const complete = sightings.find((sighting) => sighting.fingerprintId !== null);
    if (complete === undefined || complete.fingerprintId === null)
      return unknownVerdict(sightings[0]?.lastSeen ?? null, apart);
    const stack = this.#findingsById(complete.fingerprintId, 'stack');
    if (stack.fingerprint === null) return unknownVerdict(complete.lastSeen, apart);
    const { labels, score, c2 } = joinFindings([stack.findings, ...apart].filter((one) => one !== null));
    return {
      status: 'known',
      fingerprint_id: hex(stack.fingerprint.digest),
      labels,
      c2_score: score,
      ...(c2 === null ? {} : { c2 }),
      ...(stack.nearest === null ? {} : { nearest: stack.nearest }),
      cached: false,
      probed_at: timeText(complete.lastSeen),
      first_seen: timeText(complete.firstSeen),
    };
  }

  #findingsById(id: number, key: 'stack' | 'jarm'): RememberedFindings {
    const remembered = this.#fingerprints.get(id);
    if (remembered?.generation === this.#generation) return remembered;
    const fingerprint = fingerprintById(this.#store, id);
    const findings = fingerprint === null ? null : this.#findings(fingerprint, key);
    const alone = key === 'stack' && findings?.labels.length === 0;
    const nearest = alone && fingerprint !== null ? this.#nearest(fingerprint) : null;
    const fresh = { generation: this.#generation, fingerprint, findings, nearest };
    this.#fingerprints.set(id, fresh);
    return fresh;
  }

  #nearest({ kind, text }: StoredFingerprint): NearestLabel | null {
    if (text === null || !this.#kinds.has(kind)) return null;
    let known = this.#neighbourhoods.get(kind);
    // Making one reads every labelled fingerprint: labels that came meanwhile are seen a little later.
    if (known === undefined || (known.generation !== this.#generation && this.#now() >= known.until)) {
      known = {
        generation: this.#generation,
        until: this.#now() + NEIGHBOURHOOD_MS,
        neighbourhood: Neighbourhood.of(this.#store, kind),
      };
      this.#neighbourhoods.set(kind, known);
    }
    const [neighbour] = known.neighbourhood?.nearest(text, 1) ?? [];
    return neighbour === undefined ? null : nearestLabel(neighbour);
  }

  #findings(fingerprint: StoredFingerprint, key: LabelledKey): Findings {
    return readFindings(this.#store, fingerprint, key, this.#minObservations);
  }

  #jarmFindings(sightings: readonly ServerSighting[]): Findings | null {
    const id = sightings.find(({ jarmId }) => jarmId !== null)?.jarmId;
    return id === undefined || id === null ? null : this.#findingsById(id, 'jarm').findings;
  }

  #endpointFindings({ address, port }: ServerKey): Findings | null {
    if (!this.#kinds.has('endpoint')) return null;
    const key = endpointKey(address, port);
    const fingerprint = key === null ? null : findFingerprint(this.#store, key);
    return fingerprint === null ? null : this.#findings(fingerprint, 'endpoint');
  }

  #withPassive(verdict: KnownVerdict | UnknownVerdict, passive: PassiveKeys): KnownVerdict | UnknownVerdict {
    const found = this.#passiveFindingsOf(passive);
    return found.length === 0 ? verdict : withFindings(verdict, found);
  }

  #passiveFindingsOf({ certSha1, ja3s, ja3 }: PassiveKeys): Findings[] {
    if (!this.#passiveLabels) return [];
    return [
      certSha1 === undefined ? null : this.#passiveFindings('cert-sha1', certSha1),
      ja3s === undefined ? null : this.#passiveFindings('ja3s', ja3s),
      ja3 === undefined ? null : this.#passiveFindings('ja3', ja3),
    ].filter((one) => one !== null);
  }

  #passiveFindings(kind: PassiveKind, value: string): Findings | null {
    if (!this.#kinds.has(kind)) return null;
    const memory = `${kind}:${value}`;
    const remembered = this.#passive.get(memory);
    if (remembered?.generation === this.#generation) return remembered.findings;
    const key = hexKey(kind, value);
    this.#store.hold();
    const fingerprint = key === null ? null : findFingerprint(this.#store, key);
    const read = fingerprint === null ? null : this.#findings(fingerprint, kind);
    const findings = read !== null && (read.labels.length > 0 || read.score !== null) ? read : null;
    this.#passive.set(memory, { generation: this.#generation, fingerprint, findings, nearest: null });
    return findings;
  }
}

/** Nothing is known of a server, nor of its endpoint. */
const NOTHING: UnknownVerdict = { status: 'unknown', cached: false };

/** @param lastTry seconds since 1970 of the newest answer that was not complete, null where none was ever tried */
function unknownVerdict(lastTry: number | null, findings: readonly Findings[]): UnknownVerdict {
  if (lastTry === null && findings.length === 0) return NOTHING;
  const probedAt = lastTry === null ? {} : { probed_at: timeText(lastTry) };
  const unknown: UnknownVerdict = { status: 'unknown', cached: false, ...probedAt };
  return findings.length === 0 ? unknown : withFindings(unknown, findings);
}

/** A verdict with what other keys say added. */
function withFindings<V extends KnownVerdict | UnknownVerdict>(verdict: V, more: readonly Findings[]): V {
  const own: Findings = { labels: verdict.labels ?? [], score: verdict.c2_score ?? null, c2: verdict.c2 ?? null };
  const { labels, score, c2 } = joinFindings([own, ...more]);
  return { ...verdict, labels, c2_score: score, ...(c2 === null ? {} : { c2 }) };
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}
