// Importing a table from a file or a stream: what kind it is, its options, and one transaction for all of it.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { decompressed } from '../decompress.js';
import { HellotapError } from '../errors.js';
import { fingerprintLoad, isFingerprintTable } from './import-fingerprints.js';
import { isLabelTable, labelLoad } from './import-labels.js';
import { isLabelKind, LABEL_KINDS, MAX_LABEL } from './labels.js';
import { commentedColumns, listLayout, listLoad } from './import-lists.js';
import { MAX_SOURCE, NO_SOURCE, sourceByName, type SourceRef } from './source.js';
import type { Store } from './store.js';
import { emptyCounts, readTable, type Header, type Reject, type TableLoad } from './table-reader.js';

export interface ImportOptions {
  /** What the servers of a fingerprint table are. */
  readonly label?: string | undefined;
  readonly kind?: string | undefined;
  /** Name of the source; `toplist…` and `blocklist…` make its rows count for the C2 score. */
  readonly source?: string | undefined;
  /** When the servers of a fingerprint table were seen; otherwise the file's time of change, of a stream the time of day. */
  readonly seen?: Date | undefined;
  readonly helloSet?: string | undefined;
  /** The table is a block list: its rows count so for the C2 score, and its labels are of kind c2 where it has no kinds. */
  readonly blocklist?: boolean | undefined;
  /** Told now and then how many rows were read. */
  readonly progress?: ((rows: number) => void) | undefined;
}

/** What came of an import. `changed` counts new sightings of servers, or label rows that said something new. */
export interface ImportReport {
  readonly file: string;
  readonly table: string;
  readonly rows: number;
  readonly rejected: number;
  readonly changed: number;
  readonly newFingerprints: number;
  /** The first rejected rows. */
  readonly rejects: readonly Reject[];
  /** Columns that mean nothing here. */
  readonly unknownColumns: readonly string[];
}

const CHUNK_BYTES = 1 << 20;
/** Another import may hold the database for minutes. */
const PATIENCE_MS = 600_000;

/**
 * Imports a file (plain or packed with gzip or zstd). Either all of its good rows come in or none; the same file again changes nothing.
 * Throws ERR_IMPORT where it cannot be read or is no table that is known, ERR_USAGE where options do not fit it.
 */
export async function importFile(store: Store, path: string, options: ImportOptions = {}): Promise<ImportReport> {
  try {
    const written = (await stat(path)).mtime;
    return await importStream(store, path, createReadStream(path, { highWaterMark: CHUNK_BYTES }), options, written);
  } catch (error) {
    if (error instanceof Error && 'syscall' in error && !(error instanceof HellotapError)) {
      throw new HellotapError('ERR_IMPORT', `${path}: cannot be read: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/**
 * Imports a table from a stream of bytes, plain or packed with gzip or zstd; `name` stands for it in messages.
 * @param written when the servers of a fingerprint table were seen, where the options do not say
 */
export async function importStream(
  store: Store,
  name: string,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
  written = new Date(),
): Promise<ImportReport> {
  checkOptions(options);
  // A connection of its own: what it stages and locks must not meet a probe that is being stored meanwhile.
  const own = store.fork({ busyTimeoutMs: PATIENCE_MS });
  try {
    const counts = emptyCounts();
    const load = await readTable(name, unpacked(name, source), counts, {
      choose: (header) => chooseLoad(own, name, header, options, written),
      commentedHeader: commentedColumns,
      inBatch: (body) => {
        own.read(body);
        options.progress?.(counts.rows);
      },
    });
    const merged = own.write(() => {
      const result = load.merge();
      if (result.changed > 0) own.raiseGeneration();
      return result;
    });
    return { file: name, table: load.table, unknownColumns: load.unknownColumns, ...counts, ...merged };
  } finally {
    own.close();
    store.refresh();
  }
}

function chooseLoad(store: Store, name: string, header: Header, options: ImportOptions, written: Date): TableLoad {
  const source = sourceOf(options);
  const seen = options.seen === undefined ? null : seconds(options.seen);
  if (isFingerprintTable(header)) {
    return fingerprintLoad(store, name, header, {
      seen: seconds(options.seen ?? written),
      source,
      label:
        options.label === undefined
          ? null
          : { name: options.label.trim(), kind: options.kind ?? (options.blocklist === true ? 'c2' : 'other') },
      helloSet: options.helloSet ?? null,
    });
  }
  if (isLabelTable(header)) return labelLoad(store, header, { source, seen, helloSet: options.helloSet });
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
      'ip,port,server_name,<one per Client Hello>,fingerprint or fingerprint,label,kind, or a list of abuse.ch or of JARMs',
  );
}

function sourceOf({ source, blocklist }: ImportOptions): SourceRef {
  if (blocklist !== true) return source === undefined ? NO_SOURCE : sourceByName(source);
  const named = sourceByName(source ?? 'blocklist');
  if (named.class === 'toplist') {
    throw new HellotapError('ERR_USAGE', `--source ${named.name}: a list is a top list or a block list (--blocklist)`);
  }
  return { ...named, class: 'blocklist' };
}

function checkOptions({ label, kind, source }: ImportOptions): void {
  if (kind !== undefined && !isLabelKind(kind)) {
    throw new HellotapError('ERR_USAGE', `--kind ${kind}: is none of ${LABEL_KINDS.join(', ')}`);
  }
  if (kind !== undefined && label === undefined) {
    throw new HellotapError('ERR_USAGE', '--kind says what sort of label it is: name the label with --label NAME');
  }
  if (label !== undefined && (label.trim() === '' || label.length > MAX_LABEL)) {
    throw new HellotapError('ERR_USAGE', `--label: a name of 1 to ${MAX_LABEL} characters`);
  }
  if (source !== undefined && source.length > MAX_SOURCE) {
    throw new HellotapError('ERR_USAGE', `--source: a name of at most ${MAX_SOURCE} characters`);
  }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/** The bytes of a table without their packing (gzip, zstd). Damaged data throws ERR_IMPORT. */
export function unpacked(name: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  return decompressed(source, (reason, cause) => new HellotapError('ERR_IMPORT', `${name}: ${reason}`, { cause }));
}
