// `hellotap db export`: the database's content as tables, and as indicators for other platforms.
import { isatty } from 'node:tty';
import { Command, Option } from 'commander';
import type { ExportTable } from '../database/export-table.js';
import type { Store } from '../database/store.js';
import { HellotapError } from '../errors.js';
import { ExitCode, framed } from './command.js';
import { databaseOption } from './common-options.js';
import { openWriter } from './open-sink.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { decimal, option, withOptions } from './option.js';

interface ExportFlags extends DatabaseOptions {
  readonly format?: Format;
  readonly output?: string;
  readonly inputs?: readonly string[];
  readonly helloSet?: string;
  readonly minScore: number;
  readonly title: string;
}

const TABLES = ['fingerprints', 'labels', 'servers', 'observations'] as const;
type TableName = (typeof TABLES)[number];
const TABLE_FORMATS = ['csv', 'parquet'] as const;
const INDICATOR_FORMATS = ['stix', 'misp'] as const;
type Format = (typeof TABLE_FORMATS)[number] | (typeof INDICATOR_FORMATS)[number];

const HELP = `
As CSV (the default) or Parquet, for pandas, DuckDB and the like; "db import" reads the CSV of all but servers back:
  fingerprints    each server's newest fingerprint, as goscanner writes it
  labels          what fingerprints, certificates and addresses are said to be
  servers         everything known of servers
  observations    servers on top lists and block lists by week, for "evaluate"
As a STIX 2.1 bundle (the default) or a MISP event:
  indicators      fingerprints, certificates and addresses whose C2 score is --min-score or more

Examples:
  $ hellotap db export labels > labels.csv
  $ hellotap db export fingerprints --output fingerprints.csv
  $ hellotap db export servers --format parquet --output servers.parquet
  $ hellotap db export indicators --format misp --min-score 1 --output event.json`;

export function exportCommand(): Command {
  const command = new Command('export')
    .description('writes the database as tables or as indicators')
    .argument('<what>', `${TABLES.join(', ')} or indicators`)
    .addHelpText('after', HELP);
  withOptions(command, [
    databaseOption(),
    new Option('--format <format>', 'default: csv; of indicators: stix').choices([
      ...TABLE_FORMATS,
      ...INDICATOR_FORMATS,
    ]),
    option('--hello-set <name>', "fingerprints of this hello set (default: the paper's ten, atsf-2022)"),
    option('--min-score <score>', 'of indicators: the least C2 score', decimal(0, 1), 0.9),
    option('--title <text>', 'of a MISP event: what it is called', undefined, 'C2 servers known to hellotap'),
    option('--output <file>', 'write to a file instead of standard output'),
  ]);
  return framed<ExportFlags>(command, async ([what = ''], options, { signal }) => {
    const format = formatOf(what, options);
    if (format === 'parquet' && options.output === undefined && isatty(STDOUT)) {
      throw new HellotapError('ERR_USAGE', 'Parquet is no text for a terminal: name a file with --output');
    }
    const store = openStore(options, false);
    try {
      await writeAll(await pieces(store, what, format, options), options, signal);
    } finally {
      store.close();
    }
    return signal.aborted ? ExitCode.stopped : ExitCode.done;
  });
}

const STDOUT = 1;

function formatOf(what: string, { format }: ExportFlags): Format {
  if (what !== 'indicators' && !isTable(what)) {
    throw new HellotapError('ERR_USAGE', `db export writes ${TABLES.join(', ')} or indicators, not "${what}"`);
  }
  const formats: readonly Format[] = what === 'indicators' ? INDICATOR_FORMATS : TABLE_FORMATS;
  if (format !== undefined && !formats.includes(format)) {
    throw new HellotapError('ERR_USAGE', `--format ${format}: db export writes ${what} as ${formats.join(' or ')}`);
  }
  return format ?? formats[0] ?? 'csv';
}

async function pieces(
  store: Store,
  what: string,
  format: Format,
  { helloSet, minScore, title }: ExportFlags,
): Promise<Iterable<string | Uint8Array>> {
  const now = Math.floor(Date.now() / 1000);
  if (!isTable(what)) {
    const { indicators } = await import('../database/indicators.js');
    const all = indicators(store, minScore);
    if (format === 'misp') return (await import('../database/export-misp.js')).mispPieces(all, { title, now });
    return (await import('../database/export-stix.js')).stixPieces(all, now);
  }
  const table = await tableOf(store, what, helloSet);
  if (format === 'parquet') return (await import('../database/export-parquet.js')).parquetPieces(table);
  return (await import('../database/export-table.js')).csvPieces(table);
}

async function tableOf(store: Store, name: TableName, helloSet: string | undefined): Promise<ExportTable> {
  const tables = await import('../database/export.js');
  switch (name) {
    case 'fingerprints':
      return tables.fingerprintTable(store, helloSet);
    case 'labels':
      return tables.labelTable(store);
    case 'servers':
      return tables.serverTable(store);
    case 'observations':
      return tables.observationTable(store, helloSet);
  }
}

/** @throws HellotapError ERR_OUTPUT */
async function writeAll(
  all: Iterable<string | Uint8Array>,
  options: Pick<ExportFlags, 'output' | 'inputs'>,
  signal: AbortSignal,
): Promise<void> {
  const writer = openWriter(options);
  for (const piece of all) {
    writer.bytes(typeof piece === 'string' ? Buffer.from(piece) : piece);
    await writer.ready();
    if (signal.aborted || writer.failure !== null) break;
  }
  await writer.close();
}

function isTable(text: string): text is TableName {
  return (TABLES as readonly string[]).includes(text);
}
