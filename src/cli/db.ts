// `hellotap db`: the commands on the local fingerprint database; what they print of it stands in db-show.ts.
import { statSync } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { Command, InvalidArgumentError, Option } from 'commander';
import { importGoscannerFolder } from '../database/import-goscanner.js';
import type { ImportOptions, ImportReport } from '../database/import-options.js';
import { importFile, importStream } from '../database/import.js';
import { LABEL_KINDS } from '../database/labels.js';
import { parseTime } from '../database/time-text.js';
import { HellotapError } from '../errors.js';
import { unreadableReason } from '../system-reason.js';
import { ExitCode, framed, type CommandContext } from './command.js';
import { CommandGroup } from './command-group.js';
import { databaseOption, outputOptions, type OutputOptions } from './common-options.js';
import { exportCommand } from './db-export.js';
import { labelCommand } from './db-label.js';
import { compactCommand, mergeCommand, pruneCommand, verifyCommand } from './db-maintain.js';
import { nearestCommand } from './db-nearest.js';
import { showCommand, statsCommand } from './db-show.js';
import { openWriter } from './open-sink.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { option, withOptions } from './option.js';
import { outputFormat } from './output-format.js';

const DB_HELP = `
Examples (hellotap db COMMAND --help has more):
  $ hellotap db import fingerprints.csv --label "nginx 1.22" --kind software
  $ hellotap db show 192.0.2.7:443
  $ hellotap db export labels > labels.csv`;

/** The `db` command with all that is below it. */
export function dbCommand(): Command {
  const group = new CommandGroup('db').description('the local fingerprint database').addHelpText('after', DB_HELP);
  for (const command of [
    importCommand(),
    exportCommand(),
    labelCommand(),
    showCommand(),
    statsCommand(),
    verifyCommand(),
    compactCommand(),
    mergeCommand(),
    pruneCommand(),
    nearestCommand(),
  ]) {
    group.addCommand(command);
  }
  return group;
}

/** What standard input is called. */
const STDIN = 'standard input';

type ImportFlags = DatabaseOptions & OutputOptions & Omit<ImportOptions, 'seen'> & { readonly seen?: Date };

const IMPORT_HELP = `
Tables (plain, gzip or zstd; told by their header line; columns are found by name):
  ip,port,server_name,<one per Client Hello>,fingerprint    fingerprints.csv of goscanner or "probe --format goscanner"
  a folder with goscanner's hosts.csv and tls_verbose.csv, or its fingerprints.csv
  fingerprint,label,kind[,source][,first_seen][,last_seen][,count]
      fingerprint: the combined text, a fingerprint_id, or jarm:…, ja3s:…, ja3:…, cert-sha1:…, endpoint:ip:port
  week,ip,port,server_name,fingerprint[,http_server][,jarm],source,label
      observations, for "evaluate"; week: a date, or a number of weeks since that of --seen
  Listingdate,SHA1,Listingreason    ja3_md5,Firstseen,Lastseen,Listingreason    Firstseen,DstIP,DstPort
  first_seen_utc,dst_ip,dst_port,c2_status,last_online,malware
      block lists of abuse.ch (SSLBL, Feodo Tracker) as published: told by themselves, the header may be a comment
  cidr,label[,kind], or without a header one range a line (with --label), "range AS" (pyasn), or iptoasn.com's columns
      networks: what their servers in the database answer carries the label; of ranges within ranges the narrowest counts
  jarm,label                                                JARMs; with --blocklist those of C2 servers

A file is imported as a whole or not at all; the same file again changes nothing. Rows that are damaged are left out and
named; the exit code is 3 then.

Examples:
  $ hellotap db import fingerprints.csv --label "nginx 1.22" --kind software --source lab --seen 2022-06-27
  $ hellotap db import week26.csv.gz --source toplist:tranco --seen 2022-06-27
  $ hellotap db import scan-2022-06-27/ --source toplist:tranco
  $ hellotap db import labels.csv
  $ hellotap db import observations.csv.zst
  $ hellotap db import ips-v4.txt --label "Example CDN" --kind cdn --source example
  $ hellotap db import sslblacklist.csv ja3_fingerprints.csv ipblocklist.csv
  $ hellotap db import --blocklist cobaltstrike-jarm.csv --source blocklist:jarm
  $ hellotap probe -i targets.txt --format goscanner | hellotap db import -`;

function importCommand(): Command {
  const command = new Command('import')
    .description('reads tables of fingerprints, of labels, and block lists')
    .argument('<file...>', 'CSV files, folders that goscanner wrote; -: standard input')
    .addHelpText('after', IMPORT_HELP);
  withOptions(command, [
    databaseOption(),
    option('--label <name>', 'what the servers of a fingerprint table are'),
    new Option('--kind <kind>', 'what sort of label that is (default: other)').choices(LABEL_KINDS),
    option('--source <name>', 'where it comes from; toplist… and blocklist… count for the C2 score'),
    option('--blocklist', 'the tables are block lists: what they name counts so for the C2 score', undefined, false),
    option('--seen <date>', "when the servers were seen (default: the file's time of change)", date),
    option('--hello-set <name>', 'which Client Hellos the columns are (default: atsf-2022)'),
    ...outputOptions(['table', 'jsonl']),
  ]);
  return framed<ImportFlags>(command, async (files, options, context) => {
    const reports: ImportReport[] = [];
    const readable = files.filter((file) => isReadable(file, context));
    // Before the store is opened: a mistyped name is to make no database.
    if (readable.length === 0) return ExitCode.failed;
    let failed = files.length - readable.length;
    const store = openStore(options);
    try {
      for (const file of readable) {
        try {
          for (const report of await importOne(store, file, options, context)) {
            reports.push(report);
            nameRejects(report, context);
          }
        } catch (error) {
          if (context.signal.aborted) {
            context.terminal.warning(`${file === '-' ? STDIN : file}: stopped; nothing of it was imported`);
            break;
          }
          if (!(error instanceof HellotapError) || error.code !== 'ERR_IMPORT' || files.length === 1) throw error;
          context.terminal.error(error.message);
          failed += 1;
        }
        if (context.signal.aborted) break;
      }
    } finally {
      store.close();
    }
    await printReports(reports, options);
    if (context.signal.aborted) return ExitCode.stopped;
    if (reports.length === 0) return ExitCode.failed;
    return failed > 0 || reports.some((report) => report.rejected > 0) ? ExitCode.partial : ExitCode.done;
  });
}

function isReadable(file: string, { terminal }: CommandContext): boolean {
  const reason = file === '-' ? null : unreadableReason(file);
  if (reason !== null) terminal.error(`${file}: cannot be read: ${reason}`);
  return reason === null;
}

async function importOne(
  store: ReturnType<typeof openStore>,
  file: string,
  { label, kind, source, seen, helloSet, blocklist }: ImportFlags,
  { terminal, signal }: CommandContext,
): Promise<ImportReport[]> {
  const options: ImportOptions = {
    label,
    kind,
    source,
    seen,
    helloSet,
    blocklist,
    signal,
    progress: (rows, stored) => {
      const read = rows.toLocaleString('en');
      terminal.progress(() => `${file}: ${stored === null ? '' : `${stored.toLocaleString('en')} of `}${read} rows`);
    },
  };
  // What comes from a pipe may not come for long.
  const input = file === '-' ? addAbortSignal(signal, process.stdin) : null;
  if (input !== null) return [await importStream(store, STDIN, input, options)];
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? importGoscannerFolder(store, file, options) : [await importFile(store, file, options)];
}

function nameRejects({ file, rejects, rejected, unknownColumns }: ImportReport, { terminal }: CommandContext): void {
  for (const { line, reason } of rejects) terminal.warning(`${file}, line ${line}: left out: ${reason}`);
  if (rejected > rejects.length) terminal.warning(`${file}: ${rejected - rejects.length} more rows were left out`);
  if (unknownColumns.length > 0)
    terminal.warning(`${file}: columns that mean nothing here: ${unknownColumns.join(', ')}`);
}

async function printReports(reports: readonly ImportReport[], options: OutputOptions): Promise<void> {
  const writer = openWriter(options);
  for (const { file, table, rows, rejected, changed, newFingerprints } of reports) {
    writer.line(
      outputFormat(options) === 'jsonl'
        ? JSON.stringify({ file, table, rows, rejected, changed, new_fingerprints: newFingerprints })
        : `${file}: ${table}: ${rows} rows read, ${changed} new, ${rejected} left out` +
            (newFingerprints > 0 ? `; ${newFingerprints} fingerprints met for the first time` : ''),
    );
  }
  await writer.close();
}

function date(text: string): Date {
  const seconds = parseTime(text);
  if (seconds === null) throw new InvalidArgumentError('A date (YYYY-MM-DD) or a time (ISO 8601, UTC) is needed.');
  return new Date(seconds * 1000);
}
