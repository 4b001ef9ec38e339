// Lists of address ranges with labels (a content network's own list, an IP-to-AS table) into claims: what the servers of a
// range answer carries its label, as often as they were seen. Of ranges within ranges the narrowest counts.

import { printable } from './import-fingerprints.js';
import { ensureSource, isLabelKind, LABEL_KINDS, MAX_LABEL } from './labels.js';
import { NetworkServers } from './network-servers.js';
import { networkBetween, parseNetwork, type Network } from './networks.js';
import { CONTROL, type SourceRef } from './source.js';
import type { Store } from './store.js';
import type { Header, TableLoad } from './table-reader.js';

export interface NetworkOptions {
  readonly source: SourceRef;
  /** For ranges without a label of their own. */
  readonly label: string | undefined;
  readonly kind: string;
}

const COLUMNS = ['cidr', 'label', 'kind'];

export function isNetworkTable(header: Header): boolean {
  return header.has('cidr') && header.has('label');
}

/** `cidr,label[,kind]`. */
export function networkTableLoad(store: Store, header: Header, options: NetworkOptions): TableLoad {
  const [cidr, label, kind] = COLUMNS.map((column) => header.position(column)) as [number, number, number];
  const load = new NetworkLoad(store, options);
  return {
    table: 'networks',
    unknownColumns: header.columns.filter((column) => !COLUMNS.includes(column)),
    row: (values) => {
      const text = (values[cidr] ?? '').trim();
      const network = parseNetwork(text);
      if (network === null) return `"${printable(text)}" is no range of addresses`;
      return load.add(network, (values[label] ?? '').trim(), (values[kind] ?? '').trim().toLowerCase());
    },
    merge: () => ({ changed: load.merge(), newFingerprints: 0 }),
  };
}

/**
 * A list without a header line: a range alone, a range and an AS number (pyasn), or first address, last address, AS number,
 * country and name with tabs between them (iptoasn.com). Null where a line is none of these.
 */
export function networkListLoad(store: Store, firstLine: string, options: NetworkOptions): TableLoad | null {
  if (parseLine(firstLine) === null) return null;
  const load = new NetworkLoad(store, options);
  return {
    table: 'networks',
    unknownColumns: [],
    row: () => null,
    line(text) {
      const parsed = parseLine(text);
      if (parsed === null) return `"${printable(text)}" is no range of addresses`;
      return parsed.routed ? load.add(parsed.network, parsed.label, '') : null;
    },
    merge: () => ({ changed: load.merge(), newFingerprints: 0 }),
  };
}

function parseLine(text: string): { network: Network; label: string; routed: boolean } | null {
  const fields = text.trim().split('\t');
  if (fields.length >= 5) {
    const [first = '', last = '', as = '', , ...name] = fields.map((field) => field.trim());
    const network = networkBetween(first, last);
    if (network === null || !/^\d{1,10}$/.test(as)) return null;
    return { network, label: `AS${as} ${name.join(' ')}`.trim(), routed: as !== '0' };
  }
  const [range = '', as, ...more] = text.trim().split(/\s+/);
  const network = parseNetwork(range);
  if (network === null || more.length > 0 || (as !== undefined && !/^\d{1,10}$/.test(as))) return null;
  return { network, label: as === undefined ? '' : `AS${as}`, routed: as !== '0' };
}

class NetworkLoad {
  readonly #servers: NetworkServers;

  constructor(
    readonly store: Store,
    readonly options: NetworkOptions,
  ) {
    this.#servers = new NetworkServers(store);
  }

  /** Why the range is refused; null where it is not. */
  add(network: Network, label: string, kind: string): string | null {
    const name = label === '' ? (this.options.label ?? '') : label;
    if (name === '') return 'no label; --label NAME gives one to ranges without';
    if (name.length > MAX_LABEL || CONTROL.test(name))
      return `a label of more than ${MAX_LABEL} characters, or with control characters`;
    if (kind !== '' && !isLabelKind(kind)) return `"${printable(kind)}" is none of the kinds ${LABEL_KINDS.join(', ')}`;
    this.#servers.add(network, { name, kind: kind === '' ? this.options.kind : kind });
    return null;
  }

  merge(): number {
    return this.#servers.claim(ensureSource(this.store, this.options.source));
  }
}
