// Importing a table from a file or a stream: what kind it is, and one transaction for all of it.

import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { HellotapError } from '../errors.js';
import { fingerprintLoad, isFingerprintTable } from './import-fingerprints.js';
import { isLabelTable, labelLoad } from './import-labels.js';
import { commentedColumns, listLayout, listLoad } from './import-lists.js';
import { isNetworkTable, networkListLoad, networkTableLoad, type NetworkOptions } from './import-networks.js';
import { isObservationTable, observationLoad } from './import-observations.js';
import {
  checkOptions,
  refuseOptions,
  seconds,
  sightingOptions,
  sourceOf,
  type ImportOptions,
  type ImportReport,
} from './import-options.js';
import type { Store } from './store.js';
import {
  emptyCounts,
  readTable,
  type Header,
  type MergeResult,
  type ReadCounts,
  type TableLoad,
} from './table-reader.js';
import { fileBytes, unpacked, unreadable } from './table-source.js';

/** Another import may hold the database for minutes. */
const PATIENCE_MS = 600_000;

/**
 * Imports a file (plain or packed with gzip or zstd). Either all of its good rows come in or none; the same file again
 * changes nothing. Throws ERR_IMPORT where it cannot be read or is no table that is known, ERR_USAGE where options do not fit it.
 */
export async function importFile(store: Store, path: string, options: ImportOptions = {}): Promise<ImportReport> {
  const { mtime } = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return importTable(store, path, fileBytes(path), options, mtime);
}

/** Imports a table from a stream of bytes, plain or packed with gzip or zstd; `name` stands for it in messages. */
export function importStream(
  store: Store,
  name: string,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportReport> {
  return importTable(store, name, unpacked(name, source), options, new Date());
}

function importTable(
  store: Store,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  options: ImportOptions,
  written: Date,
): Promise<ImportReport> {
  checkOptions(options);
  return onOwnConnection(store, async (own) => {
    const counts = emptyCounts();
    const choose = (header: Header): TableLoad => chooseLoad(own, name, header, options, written);
    const list = (firstLine: string): TableLoad | null => networkListLoad(own, firstLine, networkOptions(options));
    const load = await readInto(own, name, bytes, counts, choose, options, list);
    const merged = await own.writeInSteps(mergeSteps(own, load), async (stored) => {
      options.progress?.(counts.rows, stored);
      // Signals and the work of others come in here.
      await setImmediate();
      options.signal?.throwIfAborted();
    });
    return { file: name, table: load.table, unknownColumns: load.unknownColumns, ...counts, ...merged };
  });
}

function* mergeSteps(own: Store, load: TableLoad): Generator<number, MergeResult> {
  const merged = load.merge();
  const result = 'next' in merged ? yield* merged : merged;
  if (result.changed > 0) own.raiseGeneration();
  return result;
}

/** Runs an import on a connection of its own: what it stages and locks must not meet a probe that is being stored meanwhile. */
export async function onOwnConnection<T>(store: Store, body: (own: Store) => Promise<T>): Promise<T> {
  const own = store.fork({ busyTimeoutMs: PATIENCE_MS });
  try {
    return await body(own);
  } finally {
    own.close();
    store.refresh();
  }
}

/** Reads a table into what its header calls for, batch by batch in transactions that take no lock on the file. */
export function readInto(
  own: Store,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  counts: ReadCounts,
  choose: (header: Header) => TableLoad,
  { progress, signal }: ImportOptions,
  list?: (firstLine: string) => TableLoad | null,
): Promise<TableLoad> {
  return readTable(name, bytes, counts, {
    choose,
    commentedHeader: commentedColumns,
    list,
    inBatch: (body) => {
      signal?.throwIfAborted();
      own.read(body);
      progress?.(counts.rows, null);
    },
  });
}

function networkOptions(options: ImportOptions): NetworkOptions {
  return {
    source: sourceOf(options),
    label: options.label?.trim(),
    kind: options.kind ?? (options.blocklist === true ? 'c2' : 'other'),
  };
}

function chooseLoad(store: Store, name: string, header: Header, options: ImportOptions, written: Date): TableLoad {
  if (isObservationTable(header)) {
    refuseOptions(name, options, ['label', 'source']);
    return observationLoad(store, header, {
      weekZero: options.seen === undefined ? null : seconds(options.seen),
      helloSet: options.helloSet ?? null,
    });
  }
  if (isFingerprintTable(header)) return fingerprintLoad(store, name, header, sightingOptions(options, written));
  const source = sourceOf(options);
  const seen = options.seen === undefined ? null : seconds(options.seen);
  if (isLabelTable(header)) return labelLoad(store, header, { source, seen, helloSet: options.helloSet });
  if (isNetworkTable(header)) return networkTableLoad(store, header, networkOptions(options));
  const list = listLayout(header);
  if (list !== null) {
    return listLoad(store, header, list, {
      source: options.source === undefined ? null : source,
      seen,
      label: options.label?.trim(),
      kind: options.kind,
      blocklist: options.blocklist === true,
    });
  }
  throw new HellotapError(
    'ERR_IMPORT',
    `${name}, line ${header.line}: no table that is known: expected the columns ` +
      'ip,port,server_name,<one per Client Hello>,fingerprint; fingerprint,label,kind; ' +
      'week,ip,port,server_name,fingerprint,source,label; cidr,label; or a list of abuse.ch, of JARMs or of networks',
  );
}
