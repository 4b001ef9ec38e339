// Tables of observations (week,ip,port,server_name,fingerprint[,http_server][,jarm],source,label) into staged sightings:
// what `evaluate` reads, for keeping.

import { LRUCache } from 'lru-cache';
import { HellotapError } from '../errors.js';
import { hexKey, parseFingerprintKey } from './fingerprint-key.js';
import { ATSF_2022, type HelloSet } from './hello-set.js';
import { printable, serverOf } from './import-fingerprints.js';
import { MAX_LABEL } from './labels.js';
import { mergeSteps } from './merge.js';
import { CONTROL, isSourceName, MAX_SOURCE, sourceByName } from './source.js';
import { Staging } from './staging.js';
import type { Store } from './store.js';
import type { Header, TableLoad } from './table-reader.js';
import { mondayOf, weekOf } from './week.js';
import { WeekReader } from './week-text.js';

const NEEDED = ['week', 'ip', 'port', 'fingerprint', 'source', 'label'];
const COLUMNS = [...NEEDED, 'server_name', 'http_server', 'jarm'];
/** Longer headers are no names of software. */
const MAX_HTTP_SERVER = 1000;
const REMEMBERED_ROWS = 100_000;

export interface ObservationOptions {
  /** Seconds since 1970 in the week that the table calls 0; null: its weeks have to be dates. */
  readonly weekZero: number | null;
  readonly helloSet: string | null;
}

export function isObservationTable(header: Header): boolean {
  return NEEDED.every((column) => header.has(column));
}

export function observationLoad(store: Store, header: Header, options: ObservationOptions): TableLoad {
  const staging = new Staging(store);
  const weeks = new WeekReader();
  const at = Object.fromEntries(COLUMNS.map((column) => [column, header.position(column)]));
  const helloSet: HelloSet =
    options.helloSet === null || options.helloSet === ATSF_2022.name
      ? ATSF_2022
      : { name: options.helloSet, hellos: [] };
  const known = new LRUCache<string, number>({ max: REMEMBERED_ROWS });

  const profileOf = (cell: (column: string) => string): number | string => {
    const what = ['fingerprint', 'http_server', 'jarm', 'source', 'label'].map(cell);
    // No value holds a line break.
    const key = what.join('\n');
    const same = known.get(key);
    if (same !== undefined) return same;
    const [fingerprint = '', httpServer = '', jarm = '', sourceName = '', label = ''] = what;
    const wrong = wrongFingerprint(fingerprint, helloSet) ?? wrongText(httpServer, label, sourceName);
    if (wrong !== null) return wrong;
    const source = sourceByName(sourceName);
    if (source.class === null) return `"${printable(sourceName)}" is neither toplist nor blocklist`;
    const jarmKey = /^0*$/.test(jarm) ? null : hexKey('jarm', jarm);
    if (jarmKey === null && !/^0*$/.test(jarm)) return `"${printable(jarm)}" is no JARM of 62 hexadecimal digits`;
    const id = staging.profile({
      answers: fingerprint === '' ? null : { helloSet, texts: null, fingerprint },
      jarm: jarmKey?.digest ?? null,
      httpServer: httpServer === '' ? null : httpServer,
      source,
      // Such tables label content networks on top lists, and families of malware on block lists.
      label: label === '' ? null : { name: label, kind: source.class === 'blocklist' ? 'c2' : 'cdn' },
      outcome: null,
    });
    known.set(key, id);
    return id;
  };

  return {
    table: 'observations',
    unknownColumns: header.columns.filter((column) => !COLUMNS.includes(column)),
    *merge() {
      const { added, newFingerprints } = yield* mergeSteps(staging);
      return { changed: added, newFingerprints };
    },
    row(values) {
      const cell = (column: string): string => (values[at[column] ?? -1] ?? '').trim();
      const week = weeks.read(cell('week'));
      if (typeof week === 'string') return week;
      const seen = timeOfWeek(week, weeks, options.weekZero);
      const server = serverOf(cell('ip'), cell('port'), cell('server_name'));
      if (typeof server === 'string') return server;
      const profile = profileOf(cell);
      if (typeof profile === 'string') return profile;
      staging.add(server.address, server.port, server.name, profile, seen);
      return null;
    },
  };
}

/** The first second of a week. Throws ERR_USAGE where the table numbers its weeks and nobody says from when on. */
function timeOfWeek(week: number, { form }: WeekReader, weekZero: number | null): number {
  if (form === 'date') return mondayOf(week);
  if (weekZero === null) {
    throw new HellotapError('ERR_USAGE', 'the weeks of this table are numbers: say with --seen DATE when week 0 was');
  }
  return mondayOf(weekOf(weekZero) + week);
}

function wrongFingerprint(text: string, { name, hellos }: HelloSet): string | null {
  if (text === '') return null;
  const key = parseFingerprintKey(text, name);
  if (typeof key === 'string') return key;
  if (key.kind !== name || key.text === null) return `"${printable(text)}" is not the combined text of a fingerprint`;
  const parts = text.split('|').length;
  if (hellos.length === 0 || parts === hellos.length) return null;
  return `the fingerprint has ${parts} parts for ${hellos.length} Client Hellos`;
}

function wrongText(httpServer: string, label: string, source: string): string | null {
  if (httpServer.length > MAX_HTTP_SERVER || CONTROL.test(httpServer)) {
    return `an http_server of more than ${MAX_HTTP_SERVER} characters, or with control characters`;
  }
  if (label.length > MAX_LABEL || CONTROL.test(label)) {
    return `a label of more than ${MAX_LABEL} characters, or with control characters`;
  }
  if (!isSourceName(source)) {
    return `a source of more than ${MAX_SOURCE} characters, or with control characters`;
  }
  return null;
}
