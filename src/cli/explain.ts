// `hellotap explain FINGERPRINT [OTHER]`: a fingerprint in words, or what differs between two.
import { Command } from 'commander';
import { HellotapError } from '../errors.js';
import type { ExplainedHandshake, FieldDifference, FingerprintComparison } from '../fingerprint/explain.js';
import { databaseOption, outputOptions, type OutputOptions } from './common-options.js';
import { ExitCode, framed, type CommandContext } from './command.js';
import { openWriter } from './open-sink.js';
import { withOptions } from './option.js';
import { outputFormat } from './output-format.js';
import type { Terminal } from './terminal.js';
import { printable } from '../output/printable.js';

interface ExplainOptions extends OutputOptions {
  readonly database?: string;
}

const AFTER = `
FINGERPRINT is the text of a fingerprint (all hellos, or the answer to one), or the id or the beginning of the id
of one that is in the database.

Examples:
  $ hellotap explain 771_1301_43.AwQ-51.29_16.AAMCaDI___
  $ hellotap explain 5f0c3e9a                     an id from a log
  $ hellotap explain 5f0c3e9a 81b2d7aa            only what differs`;

export function explainCommand(): Command {
  const command = new Command('explain')
    .summary('a fingerprint in words, or what differs between two')
    .description('Tells a stack fingerprint hello by hello: version, cipher suite, extensions in order, alerts.')
    .argument('<fingerprint>', 'its text, or its id in the database')
    .argument('[other]', 'a second one: only what differs is shown')
    .addHelpText('after', AFTER);
  withOptions(command, [...outputOptions(['table', 'jsonl']), databaseOption()]);
  return framed(command, runExplain);
}

const ID = /^[0-9a-f]{4,32}$/;

async function runExplain(
  args: readonly string[],
  options: ExplainOptions,
  { terminal }: CommandContext,
): Promise<ExitCode> {
  const { compareFingerprints, explainFingerprint } = await import('../fingerprint/explain.js');
  const [text = '', other] = await Promise.all(args.map((arg) => textOf(arg, options.database)));
  const lines: string[] = [];
  const asTable = outputFormat(options) === 'table';
  if (other === undefined) {
    const explained = explainFingerprint(text);
    if (explained.kind === 'malformed') throw badFingerprint(explained.offset, explained.reason);
    if (asTable) for (const handshake of explained.value) lines.push(...handshakeLines(handshake, terminal));
    else lines.push(JSON.stringify({ fingerprint: text, hellos: explained.value }));
  } else {
    const compared = compareFingerprints(text, other);
    if (compared.kind === 'malformed') throw badFingerprint(compared.offset, compared.reason);
    if (asTable) lines.push(...comparisonLines(compared.value, terminal));
    else lines.push(JSON.stringify(compared.value));
  }
  const writer = openWriter(options);
  for (const line of lines) writer.line(line);
  await writer.close();
  return ExitCode.done;
}

/** The text itself, or that of an id in the database. */
async function textOf(argument: string, database: string | undefined): Promise<string> {
  if (!ID.test(argument)) return argument;
  const [{ openStore }, { findByPrefix }] = await Promise.all([
    import('./open-store.js'),
    import('../database/fingerprints.js'),
  ]);
  const store = openStore(database === undefined ? {} : { database }, false);
  try {
    const found = findByPrefix(store, argument).filter((fingerprint) => fingerprint.text !== null);
    const [first, second] = found;
    if (first === undefined || first.text === null) {
      throw new HellotapError('ERR_USAGE', `${argument}: no fingerprint with this id in the database`);
    }
    if (second !== undefined) {
      throw new HellotapError('ERR_USAGE', `${argument}: ${found.length} fingerprints have ids that begin so`);
    }
    return first.text;
  } finally {
    store.close();
  }
}

function badFingerprint(offset: number, reason: string): HellotapError {
  return new HellotapError('ERR_USAGE', `not a fingerprint: ${reason} (at character ${offset + 1})`);
}

function handshakeLines(handshake: ExplainedHandshake, { paint }: Terminal): string[] {
  const lines = [paint.bold(handshake.hello)];
  for (const { name, values } of handshake.fields) {
    const shown = values.length === 0 ? [paint.dim('(empty)')] : values.map(printable);
    lines.push(...shown.map((value, index) => `  ${paint.dim((index === 0 ? name : '').padEnd(24))}${value}`));
  }
  if (handshake.fields.length === 0) lines.push(`  ${paint.dim('no answer')}`);
  return lines;
}

function comparisonLines({ compared, different }: FingerprintComparison, { paint }: Terminal): string[] {
  const lines = [
    different.length === 0
      ? `no difference in ${compared} handshakes`
      : `${different.length} of ${compared} handshakes differ (${paint.red('-')} first, ${paint.green('+')} second)`,
  ];
  for (const { hello, differences } of different) {
    lines.push(paint.bold(hello));
    for (const difference of differences) lines.push(...differenceLines(difference, paint));
  }
  return lines;
}

function differenceLines(difference: FieldDifference, paint: Terminal['paint']): string[] {
  const { name, left, right, onlyLeft, onlyRight } = difference;
  const title = `  ${name}`;
  const minus = (text: string): string => paint.red(`    - ${printable(text)}`);
  const plus = (text: string): string => paint.green(`    + ${printable(text)}`);
  if (left === null || right === null || (onlyLeft.length === 0 && onlyRight.length === 0)) {
    return [title, minus(left?.join(', ') ?? '(not seen)'), plus(right?.join(', ') ?? '(not seen)')];
  }
  return [title, ...onlyLeft.map(minus), ...onlyRight.map(plus)];
}
