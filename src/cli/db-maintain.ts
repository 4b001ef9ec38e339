// `hellotap db verify|compact|merge|prune`: keeping the database whole, small and together.
import { Command, InvalidArgumentError } from 'commander';
import { parseTime, timeText } from '../database/time-text.js';
import { HellotapError } from '../errors.js';
import { unreadableReason } from '../system-reason.js';
import { ExitCode, framed } from './command.js';
import { databaseOption, outputOptions, type OutputOptions } from './common-options.js';
import { openWriter } from './open-sink.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { option, withOptions } from './option.js';
import { outputFormat } from './output-format.js';

type Flags = DatabaseOptions & OutputOptions;

/** What is printed: an object for programs, sentences for people. */
async function print(options: OutputOptions, object: object, sentences: readonly string[]): Promise<void> {
  const writer = openWriter(options);
  for (const line of outputFormat(options) === 'jsonl' ? [JSON.stringify(object)] : sentences) writer.line(line);
  await writer.close();
}

const VERIFY_HELP = `
Looks for damaged pages, references that lead nowhere, digests that do not belong to their text, and counts that
contradict each other. Reads only; others may go on writing. Exit code 1 where anything was found.

Examples:
  $ hellotap db verify
  $ hellotap db verify --database backup.db --format jsonl`;

export function verifyCommand(): Command {
  const command = new Command('verify').description('finds damage').addHelpText('after', VERIFY_HELP);
  withOptions(command, [databaseOption(), ...outputOptions(['table', 'jsonl'])]);
  return framed<Flags>(command, async (_, options) => {
    const { verifyDatabase } = await import('../database/verify.js');
    const store = openStore(options, false);
    try {
      const { damages, ...looked } = verifyDatabase(store);
      const sound = damages.length === 0;
      await print(options, { path: store.path, sound, damages, ...looked }, [
        ...damages.map(({ check, detail, count }) => `damaged (${check}): ${detail}${count > 1 ? `: ${count}` : ''}`),
        sound
          ? `${store.path}: sound; ${looked.servers} servers, ${looked.fingerprints} fingerprints, ${looked.claims} labels looked through`
          : `${store.path}: damaged; restore a copy, or import its sources into a new database`,
      ]);
      return sound ? ExitCode.done : ExitCode.failed;
    } finally {
      store.close();
    }
  });
}

const COMPACT_HELP = `
Needs room for two more copies while it runs. When it is stopped, or the disk is full, the database stays as it was.

Example:
  $ hellotap db prune --before 2026-01-01 && hellotap db compact`;

export function compactCommand(): Command {
  const command = new Command('compact')
    .description('rewrites the file without its gaps')
    .addHelpText('after', COMPACT_HELP);
  withOptions(command, [databaseOption(), ...outputOptions(['table', 'jsonl'])]);
  return framed<Flags>(command, async (_, options) => {
    const { compact } = await import('../database/prune.js');
    const store = openStore(options, false);
    try {
      const { before, after } = compact(store);
      const text = `${store.path}: ${(before / 1e6).toFixed(1)} MB before, ${(after / 1e6).toFixed(1)} MB now`;
      await print(options, { path: store.path, bytes_before: before, bytes_after: after }, [text]);
    } finally {
      store.close();
    }
    return ExitCode.done;
  });
}

const MERGE_HELP = `
What both know counts once: merging the same file again changes nothing. All or nothing; the other file is only read.

Examples:
  $ hellotap db merge colleague.db
  $ hellotap db merge /mnt/sensor2/hellotap.db --database all.db`;

export function mergeCommand(): Command {
  const command = new Command('merge')
    .description('brings what another database knows into this one')
    .argument('<other>', 'the other database file')
    .addHelpText('after', MERGE_HELP);
  withOptions(command, [databaseOption(), ...outputOptions(['table', 'jsonl'])]);
  return framed<Flags>(command, async ([other = ''], options) => {
    const { mergeDatabase } = await import('../database/merge-database.js');
    // Before this one is made where there is none.
    const reason = unreadableReason(other);
    if (reason !== null) throw new HellotapError('ERR_DATABASE_OPEN', `${other}: cannot be read: ${reason}`);
    const store = openStore(options);
    try {
      const { sightings, newSightings, newFingerprints, claims, newClaims } = mergeDatabase(store, other);
      await print(
        options,
        {
          other,
          sightings,
          new_sightings: newSightings,
          new_fingerprints: newFingerprints,
          labels: claims,
          new_labels: newClaims,
        },
        [
          `${other}: ${sightings} sightings of servers, ${newSightings} new; ${claims} labels, ${newClaims} new; ` +
            `${newFingerprints} fingerprints met for the first time`,
        ],
      );
    } finally {
      store.close();
    }
    return ExitCode.done;
  });
}

const PRUNE_HELP = `
DATE is rounded down to the Monday of its week. Servers and labels last seen before it go, and counts of earlier weeks, so
that shares and scores speak of what is left. Labels without a date stay. "db compact" then makes the file smaller.

Example:
  $ hellotap db prune --before 2025-11-01`;

export function pruneCommand(): Command {
  const command = new Command('prune')
    .description('forgets what was last seen before a date')
    .addHelpText('after', PRUNE_HELP);
  withOptions(command, [
    databaseOption(),
    option('--before <date>', 'the date (YYYY-MM-DD)', seconds).makeOptionMandatory(),
    ...outputOptions(['table', 'jsonl']),
  ]);
  return framed<Flags & { readonly before: number }>(command, async (_, options) => {
    const { prune } = await import('../database/prune.js');
    const store = openStore(options, false);
    try {
      const { before, servers, claims, fingerprints } = prune(store, options.before);
      await print(options, { before: timeText(before), servers, labels: claims, fingerprints }, [
        `forgot what was last seen before ${timeText(before).slice(0, 10)}: ` +
          `${servers} servers, ${claims} labels, ${fingerprints} fingerprints`,
      ]);
    } finally {
      store.close();
    }
    return ExitCode.done;
  });
}

function seconds(text: string): number {
  const time = parseTime(text);
  if (time === null) throw new InvalidArgumentError('A date (YYYY-MM-DD) or a time (ISO 8601, UTC) is needed.');
  return time;
}
