// What an import is told and what it tells: the options of every importer, checked, and the report.

import { HellotapError } from '../errors.js';
import type { SightingOptions } from './import-fingerprints.js';
import { isLabelKind, isLabelName, LABEL_KINDS, LABEL_RULE } from './labels.js';
import { isSourceName, NO_SOURCE, SOURCE_RULE, sourceByName, type SourceRef } from './source.js';
import type { Reject } from './table-reader.js';

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
  /** Told now and then how many rows were read, and how many of them have come in: null before all are read. */
  readonly progress?: ((rows: number, stored: number | null) => void) | undefined;
  /** Ends the import with the signal's reason; nothing of the table is imported then. */
  readonly signal?: AbortSignal | undefined;
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

/** Throws ERR_USAGE where options are none or contradict each other. */
export function checkOptions({ label, kind, source, helloSet }: ImportOptions): void {
  if (kind !== undefined && !isLabelKind(kind)) {
    throw new HellotapError('ERR_USAGE', `--kind ${kind}: is none of ${LABEL_KINDS.join(', ')}`);
  }
  if (kind !== undefined && label === undefined) {
    throw new HellotapError('ERR_USAGE', '--kind says what sort of label it is: name the label with --label NAME');
  }
  if (label !== undefined && !isLabelName(label)) throw new HellotapError('ERR_USAGE', `--label: ${LABEL_RULE}`);
  if (source !== undefined && !isSourceName(source)) throw new HellotapError('ERR_USAGE', `--source: ${SOURCE_RULE}`);
  if (helloSet !== undefined && (helloSet.trim() === '' || !isSourceName(helloSet))) {
    throw new HellotapError('ERR_USAGE', `--hello-set: ${SOURCE_RULE}, and not empty`);
  }
}

/** Throws ERR_USAGE where an option was given that means nothing to a table: its rows say themselves what they are. */
export function refuseOptions(
  name: string,
  options: ImportOptions,
  meaningless: readonly ('label' | 'source')[],
): void {
  for (const option of meaningless) {
    if (options[option] !== undefined) {
      throw new HellotapError(
        'ERR_USAGE',
        `${name}: --${option} means nothing to this table: its rows say what they are`,
      );
    }
  }
}

/** The source that the options name. Throws ERR_USAGE where it would be a top list and a block list. */
export function sourceOf({ source, blocklist }: ImportOptions): SourceRef {
  if (blocklist !== true) return source === undefined ? NO_SOURCE : sourceByName(source);
  const named = sourceByName(source ?? 'blocklist');
  if (named.class === 'toplist') {
    throw new HellotapError('ERR_USAGE', `--source ${named.name}: a list is a top list or a block list (--blocklist)`);
  }
  return { ...named, class: 'blocklist' };
}

/** What the options say of servers. @param written when they were seen, where the options do not say */
export function sightingOptions(options: ImportOptions, written: Date): SightingOptions {
  return {
    seen: seconds(options.seen ?? written),
    source: sourceOf(options),
    label:
      options.label === undefined
        ? null
        : { name: options.label.trim(), kind: options.kind ?? (options.blocklist === true ? 'c2' : 'other') },
    helloSet: options.helloSet ?? null,
  };
}

export function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
