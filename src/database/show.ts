// What the database knows of one thing: a server, a fingerprint, a label. Plain data for the command line and the console.

import { addressBytes, addressText } from './address.js';
import { endpointKey, keyText, parseFingerprintKey } from './fingerprint-key.js';
import { findByPrefix, findFingerprint, fingerprintById, type StoredFingerprint } from './fingerprints.js';
import { summarizeLabels, type FingerprintLabel, type LabelKindName } from './labels.js';
import { c2Score, countLists, labelEvidence, type ListCounts } from './scores.js';
import { SERVER_STATES } from './server-states.js';
import type { Store } from './store.js';

/** A fingerprint with everything said of it. */
export interface FingerprintCard {
  /** A hello set's name, or jarm, ja3s, ja3, cert-sha1, endpoint. */
  readonly kind: string;
  /** fingerprint_id of a stack fingerprint, the value in hexadecimal of the others. */
  readonly id: string;
  /** As tables hold it. */
  readonly key: string;
  readonly labels: readonly FingerprintLabel[];
  readonly lists: ListCounts;
  readonly c2Score: number | null;
  /** Servers that were seen with it, and some of them. */
  readonly servers: number;
  readonly examples: readonly ServerCard[];
}

/** One state in which a server was seen; times in seconds since 1970. */
export interface ServerCard {
  readonly address: string;
  readonly port: number;
  readonly serverName: string | null;
  readonly fingerprintId: string | null;
  readonly helloSet: string | null;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly weeks: number;
  readonly outcome: string | null;
  readonly httpServer: string | null;
  readonly source: string;
}

export interface LabelCard {
  readonly name: string;
  readonly kind: LabelKindName;
  /** Fingerprints that carry it; the first ones. */
  readonly fingerprints: number;
  readonly examples: readonly FingerprintCard[];
}

interface ServerRow {
  address: Uint8Array;
  port: number;
  name: string;
  digest: Uint8Array | null;
  helloSet: string | null;
  firstSeen: number;
  lastSeen: number;
  weeks: number;
  outcome: string | null;
  httpServer: string | null;
  source: string;
}

const EXAMPLES = 10;

const SERVERS = `
  SELECT s.address, s.port, s.name, f.digest, k.name AS helloSet, s.first_seen AS firstSeen, s.last_seen AS lastSeen,
    s.count AS weeks, p.outcome, h.text AS httpServer, o.name AS source
  ${SERVER_STATES}`;

/**
 * All states of the servers at an address, the newest first.
 * @param port,serverName narrow it down; `serverName` null: those probed without a name
 */
export function showServers(
  store: Store,
  address: string,
  port?: number,
  serverName?: string | null,
  limit = 1000,
): ServerCard[] {
  const bytes = addressBytes(address);
  if (bytes === null) return [];
  return store
    .prepare<[Uint8Array, number | null, string | null, number], ServerRow>(
      `${SERVERS} WHERE s.address = ? AND s.port = ifnull(?, s.port) AND s.name = ifnull(?, s.name)
       ORDER BY s.last_seen DESC, s.port, s.name LIMIT ?`,
    )
    .all(bytes, port ?? null, serverName === undefined ? null : (serverName ?? '').toLowerCase(), limit)
    .map(serverCard);
}

/** Fingerprints by a key (see fingerprint-key.ts) or by the first digits, at least 4, of an id. */
export function showFingerprints(store: Store, text: string, helloSet?: string): FingerprintCard[] {
  const key = parseFingerprintKey(text, helloSet);
  const exact = typeof key === 'string' ? null : findFingerprint(store, key);
  const found = exact === null ? findByPrefix(store, text) : [exact];
  return found.map((fingerprint) => fingerprintCard(store, fingerprint));
}

/** What is said of an address and port itself; null where nothing is. */
export function showEndpoint(store: Store, address: string, port: number): FingerprintCard | null {
  const key = endpointKey(address, port);
  const found = key === null ? null : findFingerprint(store, key);
  return found === null ? null : fingerprintCard(store, found);
}

/** Labels of this name, of every kind. */
export function showLabels(store: Store, name: string): LabelCard[] {
  const labels = store
    .prepare<[string], { id: number; name: string; kind: LabelKindName }>(
      'SELECT id, name, kind FROM label WHERE name = ? ORDER BY kind',
    )
    .all(name);
  return labels.map(({ id, name: exactName, kind }) => {
    const fingerprints = store
      .prepare<[number], { id: number }>(
        'SELECT DISTINCT fingerprint_id AS id FROM claim WHERE label_id = ? AND removed = 0 ORDER BY fingerprint_id',
      )
      .all(id);
    const examples = fingerprints.slice(0, EXAMPLES).flatMap((row) => {
      const found = fingerprintById(store, row.id);
      return found === null ? [] : [fingerprintCard(store, found)];
    });
    return { name: exactName, kind, fingerprints: fingerprints.length, examples };
  });
}

function fingerprintCard(store: Store, fingerprint: StoredFingerprint): FingerprintCard {
  const { id, kind, digest, text } = fingerprint;
  const evidence = labelEvidence(store, fingerprint);
  const lists = countLists(evidence);
  const profiles = `
    SELECT p.id FROM answers a JOIN profile p ON p.answers_id = a.id WHERE a.fingerprint_id = @id
    UNION SELECT id FROM profile WHERE jarm_id = @id`;
  const servers = store
    .prepare<[{ id: number }], { n: number }>(`SELECT count(*) AS n FROM server WHERE profile_id IN (${profiles})`)
    .get({ id });
  const examples = store
    .prepare<[{ id: number; limit: number }], ServerRow>(`${SERVERS} WHERE s.profile_id IN (${profiles}) LIMIT @limit`)
    .all({ id, limit: EXAMPLES });
  return {
    kind,
    id: hex(digest),
    key: keyText(kind, digest, text),
    labels: summarizeLabels(evidence),
    lists,
    c2Score: c2Score(lists),
    servers: servers?.n ?? 0,
    examples: examples.map(serverCard),
  };
}

function serverCard(row: ServerRow): ServerCard {
  const { address, name, digest, ...rest } = row;
  return {
    ...rest,
    address: addressText(address),
    serverName: name === '' ? null : name,
    fingerprintId: digest === null ? null : hex(digest),
  };
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}
