// goscanner's output folder: fingerprints.csv where generate-fingerprints has been run, else hosts.csv and tls_verbose.csv,
// combined as it would combine them.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { LRUCache } from 'lru-cache';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { combineHandshakes } from '../fingerprint/stack.js';
import { GoscannerHandshakes } from './goscanner-handshakes.js';
import { ATSF_2022, sortHellos, type HelloSet } from './hello-set.js';
import { importFile, onOwnConnection, readInto } from './import.js';
import { checkOptions, sightingOptions, type ImportOptions, type ImportReport } from './import-options.js';
import { PART, printable, serverOf, type SightingOptions } from './import-fingerprints.js';
import { mergeStaged } from './merge.js';
import { Staging } from './staging.js';
import type { Store } from './store.js';
import { tableLines } from './table-lines.js';
import { emptyCounts, type Header, type TableLoad } from './table-reader.js';
import { fileBytes } from './table-source.js';

const PACKED = ['', '.gz', '.zst'];
/** goscanner counts its handshakes in 32 bits. */
const LAST_ID = 0xffff_ffff;
const MAX_HELLO_NAME = 100;
const REMEMBERED_PROFILES = 100_000;

/** Which of its files a folder of goscanner has, plain or packed. */
interface ScanFiles {
  readonly fingerprints: string | null;
  readonly hosts: string | null;
  readonly tlsVerbose: string | null;
}

/**
 * Imports a folder that goscanner, or `probe --format goscanner`, wrote; a report for each file that was read. The servers
 * count as seen when the scan began, unless the options say when. Throws ERR_IMPORT where nothing can be made of it.
 */
export async function importGoscannerFolder(
  store: Store,
  folder: string,
  options: ImportOptions = {},
): Promise<ImportReport[]> {
  checkOptions(options);
  const { fingerprints, hosts, tlsVerbose } = scanFiles(folder);
  const seen = options.seen ?? (hosts === null ? undefined : await scanBegin(hosts));
  if (fingerprints !== null) return [await importFile(store, fingerprints, { ...options, seen })];
  if (hosts === null || tlsVerbose === null) {
    throw new HellotapError(
      'ERR_IMPORT',
      `${folder}: no output of goscanner: neither fingerprints.csv nor both hosts.csv and tls_verbose.csv are there`,
    );
  }
  return importHandshakes(store, folder, { hosts, tlsVerbose }, { ...options, seen });
}

async function importHandshakes(
  store: Store,
  folder: string,
  { hosts, tlsVerbose }: { hosts: string; tlsVerbose: string },
  options: ImportOptions,
): Promise<ImportReport[]> {
  const given = sightingOptions(options, new Date());
  return onOwnConnection(store, async (own) => {
    const handshakes = new GoscannerHandshakes(own);
    const read = async (path: string, choose: (header: Header) => TableLoad): Promise<ImportReport> => {
      const counts = emptyCounts();
      const { table, unknownColumns } = await readInto(own, path, fileBytes(path), counts, choose, options);
      return { file: path, table, unknownColumns, ...counts, changed: 0, newFingerprints: 0 };
    };
    const first = await read(hosts, (header) => hostsLoad(hosts, header, handshakes));
    const second = await read(tlsVerbose, (header) => verboseLoad(tlsVerbose, header, handshakes));
    const staging = own.read(() => stageServers(own, handshakes, helloSetOf(folder, handshakes.hellos, given), given));
    const { added, newFingerprints } = own.write(() => {
      const report = mergeStaged(staging);
      if (report.added > 0) own.raiseGeneration();
      return report;
    });
    return [first, { ...second, changed: added, newFingerprints }];
  });
}

function hostsLoad(name: string, header: Header, handshakes: GoscannerHandshakes): TableLoad {
  const at = columnsOf(name, header, ['id', 'ip', 'port', 'server_name', 'client_hello']);
  return {
    ...TABLE,
    table: 'handshakes',
    row(values) {
      const [idText = '', ip = '', port = '', serverName = '', file = ''] = at.map((position) => values[position]);
      const id = handshakeId(idText);
      if (typeof id === 'string') return id;
      const server = serverOf(ip, port, serverName);
      if (typeof server === 'string') return server;
      const hello = file.replace(/\.json$/, '');
      if (hello === '' || hello.length > MAX_HELLO_NAME) return `"${printable(file)}" is no name of a Client Hello`;
      if (handshakes.add(id, server.address, server.port, server.name, hello)) return null;
      return `the id ${id} was met before`;
    },
  };
}

function verboseLoad(name: string, header: Header, handshakes: GoscannerHandshakes): TableLoad {
  const at = columnsOf(name, header, ['id', 'fingerprint']);
  return {
    ...TABLE,
    table: 'handshake fingerprints',
    row(values) {
      const [idText = '', text = ''] = at.map((position) => values[position]);
      const id = handshakeId(idText);
      if (typeof id === 'string') return id;
      if (!PART.test(text)) return 'the fingerprint holds characters that none has';
      // Connected, and nothing came.
      if (text === '') return null;
      return handshakes.answer(id, text) ? null : `no handshake has the id ${id}`;
    },
  };
}

/** What both tables have in common: their rows come in together, in the end. */
const TABLE = { unknownColumns: [], merge: () => ({ changed: 0, newFingerprints: 0 }) };

function columnsOf(name: string, header: Header, columns: readonly string[]): number[] {
  const missing = columns.filter((column) => !header.has(column));
  if (missing.length > 0) {
    throw new HellotapError(
      'ERR_IMPORT',
      `${name}, line ${header.line}: no table of goscanner: ${missing.join(', ')} missing`,
    );
  }
  return columns.map((column) => header.position(column));
}

function handshakeId(text: string): number | string {
  const id = Number(text);
  return /^\d{1,10}$/.test(text) && id <= LAST_ID ? id : `"${printable(text)}" is no id of a handshake`;
}

function stageServers(
  store: Store,
  handshakes: GoscannerHandshakes,
  helloSet: HelloSet,
  { seen, source, label }: SightingOptions,
): Staging {
  const staging = new Staging(store);
  const profiles = new LRUCache<string, number>({ max: REMEMBERED_PROFILES });
  for (const { address, port, name, texts: all } of handshakes.servers()) {
    const texts = helloSet.hellos.map((hello) => all.get(hello) ?? null);
    if (texts.every((text) => text === null)) continue;
    const key = texts.join('|');
    let profile = profiles.get(key);
    if (profile === undefined) {
      const hellos = Object.fromEntries(helloSet.hellos.map((hello, index) => [hello, texts[index] ?? null]));
      profile = staging.profile({
        answers: { helloSet, texts, fingerprint: combineHandshakes(hellos) },
        jarm: null,
        httpServer: null,
        source,
        label,
        outcome: null,
      });
      profiles.set(key, profile);
    }
    staging.add(address, port, name, profile, seen);
  }
  return staging;
}

/** The paper's ten where the scan has sent them; of any other set the operator says what it is. */
function helloSetOf(folder: string, sent: readonly string[], { helloSet }: SightingOptions): HelloSet {
  if (helloSet !== null) return { name: helloSet, hellos: sortHellos(sent) };
  if (ATSF_2022.hellos.every((hello) => sent.includes(hello))) return ATSF_2022;
  throw new HellotapError(
    'ERR_IMPORT',
    `${folder}: the Client Hellos of this scan (${sortHellos(sent).slice(0, 3).join(', ')}, …) are not those of ` +
      `${ATSF_2022.name}; say which hello set they are with --hello-set NAME`,
  );
}

function scanFiles(folder: string): ScanFiles {
  let names: ReadonlySet<string>;
  try {
    names = new Set(readdirSync(folder));
  } catch (cause) {
    throw new HellotapError('ERR_IMPORT', `${folder}: cannot be read: ${systemReason(cause)}`, { cause });
  }
  const find = (name: string): string | null => {
    const found = PACKED.map((suffix) => name + suffix).find((file) => names.has(file));
    return found === undefined ? null : join(folder, found);
  };
  return { fingerprints: find('fingerprints.csv'), hosts: find('hosts.csv'), tlsVerbose: find('tls_verbose.csv') };
}

/** When the first handshake of hosts.csv began; undefined where its first row does not say. */
async function scanBegin(hosts: string): Promise<Date | undefined> {
  const first: string[] = [];
  for await (const batch of tableLines(fileBytes(hosts))) {
    if (batch.kind === 'too long') break;
    first.push(...batch.bytes.toString('latin1').split('\n', 2));
    if (first.length >= 2) break;
  }
  try {
    const [row] = parse<{ synStart?: string }>(first.slice(0, 2).join('\n'), {
      columns: true,
      relax_column_count: true,
    });
    const seconds = row?.synStart ?? '';
    return /^\d{1,10}$/.test(seconds) ? new Date(Number(seconds) * 1000) : undefined;
  } catch {
    return undefined;
  }
}
