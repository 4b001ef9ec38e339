// Fingerprints in the database: kinds, finding by key or by the beginning of an id, making where missing.

import { HellotapError } from '../errors.js';
import { FIXED_KINDS, isFixedKind, type FingerprintKey } from './fingerprint-key.js';
import { sortHellos, type HelloSet } from './hello-set.js';
import type { Store } from './store.js';

/** A fingerprint as it is stored. `digest`: see schema.ts; of a stack fingerprint its id in binary. */
export interface StoredFingerprint {
  readonly id: number;
  readonly kind: string;
  readonly digest: Uint8Array;
  readonly text: string | null;
}

const SELECT = `
  SELECT f.id, k.name AS kind, f.digest, f.text
  FROM fingerprint f JOIN fingerprint_kind k ON k.id = f.kind_id`;

/** The kind's id; null where the database has no such hello set. */
export function findKind(store: Store, kind: string): number | null {
  if (isFixedKind(kind)) return FIXED_KINDS[kind];
  return (
    store.prepare<[string], { id: number }>('SELECT id FROM fingerprint_kind WHERE name = ?').get(kind)?.id ?? null
  );
}

/**
 * The id of a hello set's kind, made where missing; inside of `write`.
 * Throws ERR_HELLO_SET where the database has another set of the same name: their fingerprints must not be compared.
 */
export function ensureHelloSet(store: Store, set: HelloSet): number {
  const names = set.hellos.length === 0 ? null : JSON.stringify(sortHellos(set.hellos));
  const digest = set.digest ?? null;
  const row = store
    .prepare<[string], { id: number; family: string; hellos: string | null; digest: string | null }>(
      'SELECT id, family, hellos, hello_set_digest AS digest FROM fingerprint_kind WHERE name = ?',
    )
    .get(set.name);
  if (row === undefined) {
    const made = store
      .prepare('INSERT INTO fingerprint_kind (name, family, hellos, hello_set_digest) VALUES (?, ?, ?, ?)')
      .run(set.name, 'stack', names, digest);
    return Number(made.lastInsertRowid);
  }
  const differs = (stored: string | null, given: string | null): boolean =>
    stored !== null && given !== null && stored !== given;
  if (row.family !== 'stack' || differs(row.hellos, names) || differs(row.digest, digest)) {
    throw new HellotapError(
      'ERR_HELLO_SET',
      `the database holds fingerprints of another hello set named "${set.name}"; give this one another name`,
    );
  }
  if ((row.hellos === null && names !== null) || (row.digest === null && digest !== null)) {
    store
      .prepare(
        'UPDATE fingerprint_kind SET hellos = ifnull(hellos, ?), hello_set_digest = ifnull(hello_set_digest, ?) WHERE id = ?',
      )
      .run(names, digest, row.id);
  }
  return row.id;
}

/** The fingerprint with this key; null where the database has never met it. */
export function findFingerprint(store: Store, key: FingerprintKey): StoredFingerprint | null {
  const kind = findKind(store, key.kind);
  if (kind === null) return null;
  return (
    store
      .prepare<[number, Uint8Array], StoredFingerprint>(`${SELECT} WHERE f.kind_id = ? AND f.digest = ?`)
      .get(kind, key.digest) ?? null
  );
}

/** The id of the fingerprint with this key, made where missing; inside of `write`. */
export function ensureFingerprint(store: Store, key: FingerprintKey): number {
  const kind = findKind(store, key.kind) ?? ensureHelloSet(store, { name: key.kind, hellos: [] });
  const row = store
    .prepare<[number, Uint8Array, string | null], { id: number }>(
      `INSERT INTO fingerprint (kind_id, digest, text) VALUES (?, ?, ?)
       ON CONFLICT (kind_id, digest) DO UPDATE SET text = ifnull(text, excluded.text) RETURNING id`,
    )
    .get(kind, key.digest, key.text);
  if (row === undefined) throw new Error('INSERT … RETURNING gave no row');
  return row.id;
}

/** Fingerprints of every kind whose digest begins with these hexadecimal digits (at least 4), at most `limit`. */
export function findByPrefix(store: Store, hex: string, limit = 100): StoredFingerprint[] {
  const digits = hex.toLowerCase();
  if (digits.length < 4 || !/^[0-9a-f]+$/.test(digits)) return [];
  const low = Buffer.from(digits.length % 2 === 0 ? digits : `${digits}0`, 'hex');
  // Everything that begins with the digits sorts before the digits followed by ff bytes: digests have 31 bytes at most.
  const high = Buffer.concat([
    Buffer.from(digits.length % 2 === 0 ? digits : `${digits}f`, 'hex'),
    Buffer.alloc(32, 0xff),
  ]);
  return store
    .prepare<[Uint8Array, Uint8Array, number], StoredFingerprint>(
      `${SELECT}
       WHERE f.kind_id IN (SELECT id FROM fingerprint_kind WHERE family <> 'endpoint') AND f.digest BETWEEN ? AND ?
       ORDER BY f.id LIMIT ?`,
    )
    .all(low, high, limit);
}

/** A stored fingerprint by its row id. */
export function fingerprintById(store: Store, id: number): StoredFingerprint | null {
  return store.prepare<[number], StoredFingerprint>(`${SELECT} WHERE f.id = ?`).get(id) ?? null;
}

/** The combined text of a stack fingerprint by its id; null where the database does not know it. */
export function stackText(store: Store, helloSet: string, fingerprintId: string): string | null {
  return (
    findFingerprint(store, { kind: helloSet, digest: Buffer.from(fingerprintId, 'hex'), text: null })?.text ?? null
  );
}
