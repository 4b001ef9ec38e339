// goscanner's table of fingerprints (ip,port,server_name, a column per Client Hello, fingerprint) into staged sightings.

import { HellotapError } from '../errors.js';
import { addressBytes } from './address.js';
import { ATSF_2022, sortHellos, type HelloSet } from './hello-set.js';
import type { SourceRef } from './source.js';
import { mergeSteps } from './merge.js';
import { Staging, type LabelRef } from './staging.js';
import type { Store } from './store.js';
import type { Header, TableLoad } from './table-reader.js';

/** What the operator says about a table's servers. */
export interface SightingOptions {
  /** Seconds since 1970. */
  readonly seen: number;
  readonly source: SourceRef;
  readonly label: LabelRef | null;
  /** Name of the hello set; null: the paper's where the columns are its ten, else it has to be named. */
  readonly helloSet: string | null;
}

/** A name in a ClientHello is a DNS name of at most 255 bytes (RFC 6066 section 3). */
export const MAX_NAME = 255;
/** No more Client Hellos than a fingerprint can sensibly be made of. */
const MAX_HELLOS = 64;
const KNOWN_COLUMNS = new Set(['ip', 'port', 'server_name', 'fingerprint']);
/** The published data set's other readings of the same handshakes. */
const OTHER_READINGS = /(_sr$|^fingerprint_)/;
const NAME = /^[^\0-\x20\x7f]*$/;
/** Text of one handshake, as far as its characters go. */
export const PART = /^[0-9A-Za-z+/._<-]*$/;
const COMBINED = /^[0-9A-Za-z+/._<|-]+$/;

export function isFingerprintTable(header: Header): boolean {
  return header.has('ip') && header.has('port') && header.has('fingerprint') && header.has('server_name');
}

/** Throws ERR_IMPORT where the header's Client Hellos cannot be told. */
export function fingerprintLoad(store: Store, name: string, header: Header, options: SightingOptions): TableLoad {
  const helloColumns = header.columns.filter((column) => !KNOWN_COLUMNS.has(column) && !OTHER_READINGS.test(column));
  const helloSet = helloSetOf(`${name}, line ${header.line}`, helloColumns, options.helloSet);
  const columns = helloSet.hellos.map((hello) => header.position(hello));
  const [ip, port, serverName] = [header.position('ip'), header.position('port'), header.position('server_name')];
  const fingerprint = header.position('fingerprint');
  const staging = new Staging(store);

  const profileOf = (values: readonly string[]): number | string => {
    const texts = columns.map((column) => values[column] ?? '');
    const combined = values[fingerprint] ?? '';
    if (combined !== '' && !COMBINED.test(combined)) return 'the fingerprint holds characters that none has';
    const parts = combined === '' ? columns.length : combined.split('|').length;
    if (parts !== columns.length) return `the fingerprint has ${parts} parts for ${columns.length} Client Hellos`;
    if (!texts.every((text) => PART.test(text))) return 'a Client Hello holds characters that no fingerprint has';
    return staging.profile({
      answers: {
        helloSet,
        texts: texts.map((text) => (text === '' ? null : text)),
        fingerprint: combined === '' ? null : combined,
      },
      jarm: null,
      httpServer: null,
      source: options.source,
      label: options.label,
      outcome: null,
    });
  };

  return {
    table: 'fingerprints',
    unknownColumns: [],
    *merge() {
      const { added, newFingerprints } = yield* mergeSteps(staging);
      return { changed: added, newFingerprints };
    },
    row(values) {
      const found = serverOf(values[ip] ?? '', values[port] ?? '', values[serverName] ?? '');
      if (typeof found === 'string') return found;
      const profile = profileOf(values);
      if (typeof profile === 'string') return profile;
      staging.add(found.address, found.port, found.name, profile, options.seen);
      return null;
    },
    // Where the server stands first, the rest of a row is one of the few thousand that come millions of times.
    servers:
      ip === 0 && port === 1 && serverName === 2
        ? {
            profile: profileOf,
            add(records, profiles) {
              staging.addRecords(records, profiles, options.seen);
            },
          }
        : undefined,
  };
}

/** Where a row's server is, or why it is refused. */
export function serverOf(
  ip: string,
  port: string,
  serverName: string,
): { address: Uint8Array; port: number; name: string } | string {
  const address = addressBytes(ip);
  if (address === null) return `"${printable(ip)}" is no IP address`;
  const number = parsePort(port);
  if (number === null) return `"${printable(port)}" is no port`;
  const name = serverName.toLowerCase();
  if (name.length > MAX_NAME || !NAME.test(name)) return 'what stands for the server name is none';
  return { address, port: number, name };
}

function helloSetOf(where: string, columns: readonly string[], given: string | null): HelloSet {
  const hellos = sortHellos(columns);
  if (hellos.length === 0 || hellos.length > MAX_HELLOS) {
    throw new HellotapError(
      'ERR_IMPORT',
      `${where}: ${hellos.length} columns of Client Hellos; expected ip,port,server_name,<one per Client Hello>,fingerprint`,
    );
  }
  const isPapers = hellos.join() === ATSF_2022.hellos.join();
  if (given === null && !isPapers) {
    throw new HellotapError(
      'ERR_IMPORT',
      `${where}: the columns ${hellos.slice(0, 3).join(', ')}, … are not the Client Hellos of ${ATSF_2022.name}; ` +
        'say which hello set they are with --hello-set NAME',
    );
  }
  return { name: given ?? ATSF_2022.name, hellos };
}

/** 1 to 65535, null for anything else. */
export function parsePort(text: string): number | null {
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : null;
}

/** A value of a table, short enough for a message. */
export function printable(value: string | undefined): string {
  return (value ?? '').slice(0, 60);
}
