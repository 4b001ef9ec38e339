// Labels tables: fingerprint,label,kind[,source][,first_seen][,last_seen][,count]. Rows wait in a temporary table until
// the whole file has been read, then come in together.

import { parseFingerprintKey, type FingerprintKey } from './fingerprint-key.js';
import { printable } from './import-fingerprints.js';
import { isLabelKind, LABEL_KINDS, MAX_LABEL, mergeClaim } from './labels.js';
import { MAX_SOURCE, sourceByName, type SourceRef } from './source.js';
import type { Store } from './store.js';
import type { Header, TableLoad } from './table-reader.js';
import { parseTime } from './time-text.js';

/** What a row means where the table has no column for it. */
export interface LabelDefaults {
  readonly source: SourceRef;
  /** Seconds since 1970, null: unknown. */
  readonly seen: number | null;
  readonly helloSet: string | undefined;
}

const CONTROL = /\p{Cc}/u;

const TABLE = `
CREATE TABLE IF NOT EXISTS temp.staged_claim (
  kind TEXT NOT NULL, digest BLOB NOT NULL, text TEXT, label TEXT NOT NULL, label_kind TEXT NOT NULL, source TEXT NOT NULL,
  class TEXT, first_seen INTEGER, last_seen INTEGER, count INTEGER NOT NULL
);
DELETE FROM temp.staged_claim;
`;

interface StagedClaim {
  kind: string;
  digest: Uint8Array;
  text: string | null;
  label: string;
  labelKind: string;
  source: string;
  class: SourceRef['class'];
  firstSeen: number | null;
  lastSeen: number | null;
  count: number;
}

export function isLabelTable(header: Header): boolean {
  return header.has('fingerprint') && header.has('label') && header.has('kind');
}

const LABEL_COLUMNS = ['fingerprint', 'label', 'kind', 'source', 'first_seen', 'last_seen', 'count'];

export function labelLoad(store: Store, header: Header, defaults: LabelDefaults): TableLoad {
  store.exec(TABLE);
  const at = Object.fromEntries(LABEL_COLUMNS.map((column) => [column, header.position(column)]));
  const value = (values: readonly string[], column: string): string => (values[at[column] ?? -1] ?? '').trim();
  return {
    table: 'labels',
    unknownColumns: header.columns.filter((column) => !LABEL_COLUMNS.includes(column)),
    merge: () => ({ changed: mergeStagedClaims(store), newFingerprints: 0 }),
    row(values) {
      const key = parseFingerprintKey(value(values, 'fingerprint'), defaults.helloSet);
      if (typeof key === 'string') return key;
      const label = value(values, 'label');
      if (label === '') return 'no label';
      if (label.length > MAX_LABEL) return `a label of more than ${MAX_LABEL} characters`;
      if (CONTROL.test(label)) return 'control characters in the label';
      const kind = value(values, 'kind').toLowerCase();
      if (!isLabelKind(kind)) return `"${printable(kind)}" is none of the kinds ${LABEL_KINDS.join(', ')}`;
      const source = value(values, 'source');
      if (source.length > MAX_SOURCE || CONTROL.test(source)) {
        return `a source of more than ${MAX_SOURCE} characters, or with control characters`;
      }
      const first = timeOf(value(values, 'first_seen'));
      const last = timeOf(value(values, 'last_seen'));
      if (typeof first === 'string') return first;
      if (typeof last === 'string') return last;
      if (first !== null && last !== null && last < first) return 'last_seen is before first_seen';
      const count = countOf(value(values, 'count'));
      if (count === null) return `"${printable(value(values, 'count'))}" is no count of 1 or more`;
      stage(store, key, label, kind, source === '' ? defaults.source : sourceByName(source), [
        first ?? last ?? defaults.seen,
        last ?? first ?? defaults.seen,
        count,
      ]);
      return null;
    },
  };
}

/** Brings the staged rows in, inside of `write`; returns how many of them changed anything. */
function mergeStagedClaims(store: Store): number {
  let changed = 0;
  // In pieces: a statement that is being read keeps this connection from writing.
  const step = store.prepare<[number], StagedClaim & { rowid: number }>(
    `SELECT rowid, kind, digest, text, label, label_kind AS labelKind, source, class, first_seen AS firstSeen,
       last_seen AS lastSeen, count FROM temp.staged_claim WHERE rowid > ? ORDER BY rowid LIMIT 1000`,
  );
  for (let last = 0; ;) {
    const batch = step.all(last);
    for (const row of batch) {
      last = row.rowid;
      const { kind, digest, text, firstSeen, lastSeen, count } = row;
      const claim = {
        key: { kind, digest, text },
        label: { name: row.label, kind: row.labelKind },
        source: { name: row.source, class: row.class },
        firstSeen,
        lastSeen,
        count,
      };
      if (mergeClaim(store, claim)) changed += 1;
    }
    if (batch.length === 0) return changed;
  }
}

function stage(
  store: Store,
  key: FingerprintKey,
  label: string,
  labelKind: string,
  source: SourceRef,
  [first, last, count]: readonly [number | null, number | null, number],
): void {
  store
    .prepare('INSERT INTO temp.staged_claim VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(key.kind, key.digest, key.text, label, labelKind, source.name, source.class, first, last, count);
}

function timeOf(text: string): number | null | string {
  if (text === '') return null;
  return parseTime(text) ?? `"${printable(text)}" is no date (YYYY-MM-DD) or time (ISO 8601)`;
}

function countOf(text: string): number | null {
  if (text === '') return 1;
  if (!/^\d{1,15}$/.test(text)) return null;
  const count = Number(text);
  return count >= 1 ? count : null;
}
