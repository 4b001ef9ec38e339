// Block lists as abuse.ch publishes them (SSLBL: certificates, JA3, addresses; Feodo Tracker) and lists of JARMs, into
// claims: that a certificate, an address and port, or a fingerprint stands on a list, and under what name.
// Layouts: https://sslbl.abuse.ch/blacklist/ and https://feodotracker.abuse.ch/blocklist/.

import { parse } from 'csv-parse/sync';
import { endpointKey, parseFingerprintKey, type FingerprintKey } from './fingerprint-key.js';
import { parsePort, printable } from './import-fingerprints.js';
import { timeOf } from './import-labels.js';
import { MAX_LABEL } from './labels.js';
import { CONTROL, sourceByName, type SourceRef } from './source.js';
import { StagedClaims } from './staged-claims.js';
import type { Store } from './store.js';
import type { Header, TableLoad } from './table-reader.js';

/** Names of columns by what they mean here; the first of them that is there counts. */
export interface ListLayout {
  readonly table: string;
  /** Null: nobody's in particular. */
  readonly source: SourceRef | null;
  /** What its entries are where the list says no more; null: it has to. */
  readonly name: string | null;
  readonly key: 'jarm' | 'ja3' | 'cert-sha1' | 'endpoint';
  readonly value: readonly string[];
  readonly port: readonly string[];
  readonly label: readonly string[];
  readonly first: readonly string[];
  readonly last: readonly string[];
  /** Columns that have no meaning here and are no surprise. */
  readonly other: readonly string[];
}

const LAYOUTS: readonly ListLayout[] = [
  {
    table: 'SSLBL certificates',
    source: sourceByName('blocklist:sslbl'),
    name: 'SSLBL certificate',
    key: 'cert-sha1',
    value: ['sha1'],
    port: [],
    label: ['listingreason'],
    first: ['listingdate'],
    last: [],
    other: [],
  },
  {
    table: 'SSLBL JA3',
    source: sourceByName('blocklist:sslbl-ja3'),
    name: 'SSLBL JA3',
    key: 'ja3',
    value: ['ja3_md5'],
    port: [],
    label: ['listingreason'],
    first: ['firstseen'],
    last: ['lastseen'],
    other: [],
  },
  {
    table: 'Feodo Tracker addresses',
    source: sourceByName('blocklist:feodotracker'),
    name: 'Feodo Tracker C2',
    key: 'endpoint',
    value: ['dst_ip', 'dstip'],
    port: ['dst_port', 'dstport'],
    label: ['malware'],
    first: ['first_seen_utc', 'firstseen'],
    last: ['last_online', 'lastonline'],
    other: ['c2_status'],
  },
  {
    table: 'SSLBL addresses',
    source: sourceByName('blocklist:sslbl-ip'),
    name: 'SSLBL C2',
    key: 'endpoint',
    value: ['dstip'],
    port: ['dstport'],
    label: [],
    first: ['firstseen'],
    last: [],
    other: [],
  },
  {
    table: 'JARMs',
    source: null,
    name: null,
    key: 'jarm',
    value: ['jarm', 'jarm hash'],
    port: [],
    label: ['label', 'c2/red team tool'],
    first: ['first_seen'],
    last: ['last_seen'],
    other: ['ssl implementation tested', 'link to tool'],
  },
];

/** Which list a header belongs to; null: none that is known. */
export function listLayout(header: Pick<Header, 'has'>): ListLayout | null {
  const some = (names: readonly string[]): boolean => names.length === 0 || names.some((name) => header.has(name));
  return (
    LAYOUTS.find(
      ({ value, port, first, label, source }) =>
        [value, port, label, ...(source === null ? [] : [first])].every(some) &&
        // A table of servers that has JARMs among other things is no list of JARMs.
        (source !== null || !(header.has('ip') || header.has('fingerprint'))),
    ) ?? null
  );
}

/** The columns that a comment names, where they are those of a known list; null where it is a mere comment. */
export function commentedColumns(comment: string): readonly string[] | null {
  const text = comment.replace(/^[#\s]+/, '').replace(/[#\s]+$/, '');
  if (!text.includes(',') || text.length > 500) return null;
  let columns: readonly string[];
  try {
    const rows: string[][] = parse(text, { relax_column_count: true, trim: true });
    columns = (rows[0] ?? []).map((column) => column.trim().toLowerCase());
  } catch {
    return null;
  }
  const layout = listLayout({ has: (name) => columns.includes(name) });
  return (layout?.source ?? null) === null ? null : columns;
}

export interface ListOptions {
  /** Null: the list's own. */
  readonly source: SourceRef | null;
  /** Seconds since 1970, for lists without dates; null: unknown. */
  readonly seen: number | null;
  /** For entries that have no name. */
  readonly label: string | undefined;
  readonly kind: string | undefined;
  readonly blocklist: boolean;
}

export function listLoad(store: Store, header: Header, layout: ListLayout, options: ListOptions): TableLoad {
  const claims = new StagedClaims(store);
  const { key: keyKind, value, port, label, first, last } = layout;
  const at = {
    value: header.position(...value),
    port: header.position(...port),
    label: header.position(...label),
    first: header.position(...first),
    last: header.position(...last),
  };
  const known = [value, port, label, first, last, layout.other].flat();
  // abuse.ch's lists are block lists by themselves; a list of JARMs is one where --blocklist says so.
  const isBlocklist = layout.source !== null || options.blocklist;
  const source: SourceRef = {
    ...(options.source ?? layout.source ?? sourceByName(options.blocklist ? 'blocklist' : '')),
    ...(isBlocklist ? { class: 'blocklist' as const } : {}),
  };
  const kind = options.kind ?? (isBlocklist ? 'c2' : 'other');
  return {
    table: layout.table,
    unknownColumns: header.columns.filter((column) => !known.includes(column)),
    leastColumns: Math.max(at.value, at.port, layout.source === null ? at.label : -1) + 1,
    merge: () => ({ changed: claims.merge(), newFingerprints: 0 }),
    row(values) {
      const cell = (position: number): string => (values[position] ?? '').trim();
      const key = keyOf(keyKind, cell(at.value), cell(at.port));
      if (typeof key === 'string') return key;
      const name = cleanName(cell(at.label)) || (options.label ?? layout.name ?? '');
      if (name === '') return 'no label; --label NAME gives one to entries without';
      if (name.length > MAX_LABEL) return `a label of more than ${MAX_LABEL} characters`;
      if (CONTROL.test(name)) return 'control characters in the label';
      const firstSeen = timeOf(cell(at.first));
      const lastSeen = timeOf(cell(at.last));
      if (typeof firstSeen === 'string') return firstSeen;
      if (typeof lastSeen === 'string') return lastSeen;
      const begin = firstSeen ?? lastSeen ?? options.seen;
      // Feodo Tracker gives the last day without the time: earlier than the first moment on that day.
      const end = lastSeen === null || begin === null ? (lastSeen ?? begin) : Math.max(begin, lastSeen);
      claims.add({ key, label: { name, kind }, source, firstSeen: begin, lastSeen: end, count: 1 });
      return null;
    },
  };
}

function keyOf(kind: ListLayout['key'], value: string, port: string): FingerprintKey | string {
  if (kind === 'endpoint') {
    const number = parsePort(port);
    if (number === null) return `"${printable(port)}" is no port`;
    return endpointKey(value, number) ?? `"${printable(value)}" is no IP address`;
  }
  return parseFingerprintKey(`${kind}:${value}`);
}

/** SSLBL writes "AsyncRAT C&C" in one list and "AsyncRAT" in the other: one name, so that they are one label. */
function cleanName(reason: string): string {
  return reason.replace(/\s+C&C$/i, '');
}
