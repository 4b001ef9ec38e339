// Labels tables: fingerprint,label,kind[,source][,first_seen][,last_seen][,count].

import { parseFingerprintKey } from './fingerprint-key.js';
import { printable } from './import-fingerprints.js';
import { isLabelKind, LABEL_KINDS, MAX_LABEL } from './labels.js';
import { CONTROL, isSourceName, MAX_SOURCE, sourceByName, type SourceRef } from './source.js';
import { StagedClaims } from './staged-claims.js';
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

export function isLabelTable(header: Header): boolean {
  return header.has('fingerprint') && header.has('label') && header.has('kind');
}

const LABEL_COLUMNS = ['fingerprint', 'label', 'kind', 'source', 'first_seen', 'last_seen', 'count'];

export function labelLoad(store: Store, header: Header, defaults: LabelDefaults): TableLoad {
  const claims = new StagedClaims(store);
  const at = Object.fromEntries(LABEL_COLUMNS.map((column) => [column, header.position(column)]));
  const value = (values: readonly string[], column: string): string => (values[at[column] ?? -1] ?? '').trim();
  return {
    table: 'labels',
    unknownColumns: header.columns.filter((column) => !LABEL_COLUMNS.includes(column)),
    merge: () => ({ changed: claims.merge(), newFingerprints: 0 }),
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
      if (!isSourceName(source)) {
        return `a source of more than ${MAX_SOURCE} characters, or with control characters`;
      }
      const first = timeOf(value(values, 'first_seen'));
      const last = timeOf(value(values, 'last_seen'));
      if (typeof first === 'string') return first;
      if (typeof last === 'string') return last;
      if (first !== null && last !== null && last < first) return 'last_seen is before first_seen';
      const count = countOf(value(values, 'count'));
      if (count === null) return `"${printable(value(values, 'count'))}" is no count of 1 or more`;
      claims.add({
        key,
        label: { name: label, kind },
        source: source === '' ? defaults.source : sourceByName(source),
        firstSeen: first ?? last ?? defaults.seen,
        lastSeen: last ?? first ?? defaults.seen,
        count,
      });
      return null;
    },
  };
}

/** Seconds since 1970, null where nothing stands, or why it is no time. */
export function timeOf(text: string): number | null | string {
  if (text === '') return null;
  return parseTime(text) ?? `"${printable(text)}" is no date (YYYY-MM-DD) or time (ISO 8601)`;
}

function countOf(text: string): number | null {
  if (text === '') return 1;
  if (!/^\d{1,15}$/.test(text)) return null;
  const count = Number(text);
  return count >= 1 ? count : null;
}
