// `hellotap db nearest FINGERPRINT`: the labelled fingerprints most like one, and what differs.
import { Command } from 'commander';
import { parseFingerprintKey } from '../database/fingerprint-key.js';
import { findByPrefix, findFingerprint } from '../database/fingerprints.js';
import { ATSF_2022 } from '../database/hello-set.js';
import type { Store } from '../database/store.js';
import { HellotapError } from '../errors.js';
import type { Neighbour } from '../match/nearest.js';
import { printable } from '../output/printable.js';
import { ExitCode, framed } from './command.js';
import { databaseOption, outputOptions, type OutputOptions } from './common-options.js';
import { openWriter } from './open-sink.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { integer, option, withOptions } from './option.js';
import { outputFormat } from './output-format.js';
import { percent } from './plain-output.js';
import type { Terminal } from './terminal.js';

interface NearestFlags extends DatabaseOptions, OutputOptions {
  readonly limit: number;
  readonly all: boolean;
  readonly helloSet: string;
}

const HELP = `
FINGERPRINT is a combined text, which need not be in the database, or a fingerprint_id or its beginning. The most Client
Hellos answered the same come first, then the fewest fields that differ. Exit code 1 where nothing is alike.

Examples:
  $ hellotap db nearest 4f1a9c0b
  $ hellotap db nearest 4f1a9c0b --limit 1 --format jsonl
  $ hellotap db nearest 4f1a9c0b --all                also fingerprints without a label`;

/** More would take longer to read than an answer is worth. */
const MOST_INDEXED = 1_000_000;

export function nearestCommand(): Command {
  const command = new Command('nearest')
    .description('the labelled fingerprints most like one, and what differs')
    .argument('<fingerprint>', 'its text, its id or the beginning of it')
    .addHelpText('after', HELP);
  withOptions(command, [
    databaseOption(),
    option('--limit <n>', 'how many to show', integer(1, 100), 3),
    option('--all', 'also fingerprints without a label', undefined, false),
    option('--hello-set <name>', 'the fingerprint is of this hello set', undefined, ATSF_2022.name),
    ...outputOptions(['table', 'jsonl']),
  ]);
  return framed<NearestFlags>(command, async ([asked = ''], options, { terminal }) => {
    const { Neighbourhood } = await import('../match/nearest.js');
    const store = openStore(options, false);
    try {
      const text = textOf(store, asked, options.helloSet);
      const neighbourhood = Neighbourhood.of(store, options.helloSet, !options.all, MOST_INDEXED);
      const found = neighbourhood?.nearest(text, options.limit, 0) ?? [];
      if (found.length === 0) {
        terminal.error(
          `${asked.slice(0, 40)}: no ${options.all ? '' : 'labelled '}fingerprint in the database is like it`,
        );
        return ExitCode.failed;
      }
      const writer = openWriter(options);
      for (const one of found) {
        const lines =
          outputFormat(options) === 'jsonl' ? [JSON.stringify(neighbourJson(one))] : neighbourLines(one, terminal);
        for (const line of lines) writer.line(line);
      }
      await writer.close();
    } finally {
      store.close();
    }
    return ExitCode.done;
  });
}

function textOf(store: Store, asked: string, helloSet: string): string {
  const key = parseFingerprintKey(asked, helloSet);
  if (typeof key !== 'string' && key.text !== null) return key.text;
  const found = typeof key === 'string' ? findByPrefix(store, asked) : [findFingerprint(store, key)];
  const texts = found.map((one) => one?.text ?? null).filter((text) => text !== null);
  const [only] = texts;
  if (only !== undefined && texts.length === 1) return only;
  const why =
    texts.length > 1
      ? `${texts.length} fingerprints have ids that begin so`
      : 'no fingerprint with this id in the database';
  throw new HellotapError('ERR_USAGE', `${asked.slice(0, 80)}: ${why}`);
}

function neighbourJson({ fingerprint, labels, same, compared, different }: Neighbour): object {
  return {
    fingerprint_id: idOf(fingerprint.digest),
    fingerprint: fingerprint.text,
    labels: labels.map(({ name, kind, share, count }) => ({ name, kind, share, count })),
    same,
    compared,
    different,
  };
}

function neighbourLines({ fingerprint, labels, same, compared, different }: Neighbour, { paint }: Terminal): string[] {
  const named = labels.map(({ name, kind, share }) => `${printable(name)} (${kind}, ${percent(share)})`).join(', ');
  const lines = [
    `${paint.bold(named === '' ? 'no label' : named)}  ${idOf(fingerprint.digest)}: ${same} of ${compared} Client Hellos answered the same`,
  ];
  for (const { hello, differences } of different) {
    for (const { name, left, right, onlyLeft, onlyRight } of differences) {
      const whole = left === null || right === null || (onlyLeft.length === 0 && onlyRight.length === 0);
      const text = (values: readonly string[] | null): string =>
        values === null ? '(not seen)' : values.length === 0 ? '(nothing)' : values.map(printable).join(', ');
      const [here, there] = whole ? [text(left), text(right)] : [text(onlyLeft), text(onlyRight)];
      lines.push(`  ${hello} ${paint.dim(name)}: ${paint.red(here)} here, ${paint.green(there)} there`);
    }
  }
  return lines;
}

function idOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}
