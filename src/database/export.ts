// The database's content as the tables that go in (CONTRACT): goscanner's fingerprints.csv, and labels. Text comes out in
// pieces, so that a database larger than memory can be written.

import { stringify } from 'csv-stringify/sync';
import { HellotapError } from '../errors.js';
import { addressText } from './address.js';
import { keyText } from './fingerprint-key.js';
import { ATSF_2022 } from './hello-set.js';
import { labelEvidence } from './scores.js';
import type { Store } from './store.js';
import { timeText } from './time-text.js';

const ROWS_PER_PIECE = 500;

interface ServerRow {
  address: Uint8Array;
  port: number;
  name: string;
  answers: string | null;
  fingerprint: string;
}

/**
 * `ip,port,server_name,<one per Client Hello>,fingerprint`: each server's newest complete fingerprint, in the order of
 * addresses. Throws ERR_HELLO_SET where the database has no such hello set, or does not know its Client Hellos.
 */
export function* exportFingerprints(store: Store, helloSet: string = ATSF_2022.name): Generator<string> {
  const kind = store
    .prepare<[string], { id: number; hellos: string | null }>(
      `SELECT id, hellos FROM fingerprint_kind WHERE name = ? AND family = 'stack'`,
    )
    .get(helloSet);
  if (kind === undefined || kind.hellos === null) {
    throw new HellotapError('ERR_HELLO_SET', `${store.path}: holds no answers to a hello set named "${helloSet}"`);
  }
  const hellos = JSON.parse(kind.hellos) as string[];
  yield csv([['ip', 'port', 'server_name', ...hellos, 'fingerprint']]);
  const rows = store
    .prepare<[number], ServerRow>(
      `SELECT s.address, s.port, s.name, a.text AS answers, f.text AS fingerprint
       FROM server s
       JOIN profile p ON p.id = s.profile_id
       JOIN answers a ON a.id = p.answers_id
       JOIN fingerprint f ON f.id = a.fingerprint_id
       WHERE a.kind_id = ? AND f.text IS NOT NULL
       ORDER BY s.address, s.port, s.name, s.last_seen DESC, s.profile_id DESC`,
    )
    .iterate(kind.id);
  let previous = '';
  let piece: string[][] = [];
  for (const row of rows) {
    const ip = addressText(row.address);
    const server = `${ip} ${row.port} ${row.name}`;
    if (server === previous) continue;
    previous = server;
    const texts = (row.answers ?? row.fingerprint).split('|');
    piece.push([ip, String(row.port), row.name, ...hellos.map((_, i) => texts[i] ?? ''), row.fingerprint]);
    if (piece.length < ROWS_PER_PIECE) continue;
    yield csv(piece);
    piece = [];
  }
  if (piece.length > 0) yield csv(piece);
}

/**
 * `fingerprint,label,kind,source,first_seen,last_seen,count`: every label of every kind of fingerprint, one row per source,
 * in the order in which fingerprints were first met.
 */
export function* exportLabels(store: Store): Generator<string> {
  yield csv([['fingerprint', 'label', 'kind', 'source', 'first_seen', 'last_seen', 'count']]);
  const fingerprints = store
    .prepare<[], { id: number; kind: string; digest: Uint8Array; text: string | null }>(
      `SELECT f.id, k.name AS kind, f.digest, f.text
       FROM fingerprint f JOIN fingerprint_kind k ON k.id = f.kind_id
       WHERE f.id IN (SELECT fingerprint_id FROM claim) ORDER BY f.id`,
    )
    .iterate();
  let piece: string[][] = [];
  for (const { id, kind, digest, text } of fingerprints) {
    const key = keyText(kind, digest, text);
    for (const one of labelEvidence(store, { id, kind, digest })) {
      if (one.label === null) continue;
      piece.push([
        key,
        one.label,
        one.kind ?? '',
        one.source,
        one.firstSeen === null ? '' : timeText(one.firstSeen),
        one.lastSeen === null ? '' : timeText(one.lastSeen),
        String(one.count),
      ]);
    }
    if (piece.length < ROWS_PER_PIECE) continue;
    yield csv(piece);
    piece = [];
  }
  if (piece.length > 0) yield csv(piece);
}

function csv(rows: readonly (readonly string[])[]): string {
  return stringify(rows.map((row) => [...row]));
}
