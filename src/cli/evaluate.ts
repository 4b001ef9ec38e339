// `hellotap evaluate cdn|c2|compare`: the paper's experiments on tables of observations, or on the database.
import { Command, InvalidArgumentError, Option } from 'commander';
import { isatty } from 'node:tty';
import { unpacked } from '../database/table-source.js';
import type { WeekForm } from '../database/week-text.js';
import { HellotapError } from '../errors.js';
import type * as Charts from '../evaluate/charts.js';
import type { Observation, Observations } from '../evaluate/observations.js';
import type { ComparisonReport, EvaluationReport, ThresholdReport } from '../evaluate/report.js';
import { ExitCode, framed, type CommandContext } from './command.js';
import { databaseOption } from './common-options.js';
import { openWriter } from './open-sink.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { option, withOptions } from './option.js';
import { tableLines } from './plain-output.js';

interface EvaluateFlags extends DatabaseOptions {
  readonly thresholds: readonly number[];
  readonly withHttp: boolean;
  readonly key: 'stack' | 'jarm';
  readonly helloSet: string;
  readonly format?: 'table' | 'json' | 'csv';
  readonly output?: string;
  readonly inputs?: readonly string[] | undefined;
  readonly chart?: string;
}

const HELP = `
cdn      A server is taken for the label under which its fingerprint was seen most often in earlier weeks.
c2       A server is taken for a C2 server where B / (B + T) of its fingerprint in earlier weeks reaches the threshold;
         B, T: how often it was seen on block lists and on top lists. It is one where it stands on a block list.
compare  The stack fingerprint against JARM, each with and without the HTTP header, on servers that have both.

FILE is a table (plain, gzip or zstd; - is standard input) with the columns
  week,ip,port,server_name,fingerprint[,http_server][,jarm],source,label
week: a whole number, or the date of its Monday; source: toplist or blocklist. Without FILE the database is evaluated.

Examples:
  $ hellotap evaluate cdn observations.csv
  $ hellotap evaluate c2 observations.csv.gz --thresholds 0.5,0.9,1 --with-http --format json
  $ hellotap evaluate c2 --key jarm --format csv > c2-jarm.csv
  $ hellotap evaluate c2 observations.csv --thresholds 0,0.1,0.25,0.5,0.75,0.9,1 --chart c2.svg
  $ hellotap evaluate compare observations.csv --chart compare.svg`;

const EXPERIMENTS = ['cdn', 'c2', 'compare'] as const;
type Experiment = (typeof EXPERIMENTS)[number];

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .summary("the paper's experiments")
    .description("Runs the paper's experiments: does what was seen in earlier weeks tell what is behind a server?")
    .argument('<experiment>', 'cdn, c2 or compare')
    .argument('[file...]', 'tables of observations; none: the database')
    .addHelpText('after', HELP);
  withOptions(command, [
    option('--thresholds <list>', 'C2 scores from which a server is taken for a C2 server', thresholds, [0.5, 0.9, 1]),
    option('--with-http', 'the key is the fingerprint together with the HTTP Server header', undefined, false),
    new Option('--key <key>', 'what tells servers apart').choices(['stack', 'jarm']).default('stack'),
    option('--hello-set <name>', 'of the database: fingerprints of this hello set', undefined, 'atsf-2022'),
    databaseOption(),
    new Option('--format <format>', 'default: table on a terminal, json elsewhere').choices(['table', 'json', 'csv']),
    option('--output <file>', 'write results to a file instead of standard output'),
    option(
      '--chart <file.svg>',
      'draw precision and recall as well, over weeks and thresholds; needs the package vega',
    ),
  ]);
  return framed(command, runEvaluate);
}

async function runEvaluate(
  [experiment = '', ...files]: readonly string[],
  options: EvaluateFlags,
  { terminal }: CommandContext,
): Promise<ExitCode> {
  if (!isExperiment(experiment)) {
    throw new HellotapError('ERR_USAGE', `evaluate does ${EXPERIMENTS.join(', ')}, not "${experiment}"`);
  }
  const [{ Observations: Counts, keyOf }, reading] = await Promise.all([
    import('../evaluate/observations.js'),
    import('../evaluate/read-observations.js'),
  ]);
  const choices =
    experiment === 'compare'
      ? (['stack', 'jarm'] as const).flatMap((key) => [false, true].map((withHttp) => ({ key, withHttp })))
      : [{ key: options.key, withHttp: options.withHttp }];
  const all = choices.map((choice) => new Counts(choice));
  let used = 0;
  let leftOut = 0;
  const take = (observation: Observation, count: number): void => {
    if (experiment === 'compare' && all.some(({ choice }) => keyOf(observation, choice) === null)) {
      leftOut += count;
      return;
    }
    used += count;
    for (const observations of all) observations.add(observation, count);
  };
  let form: WeekForm | null = files.length === 0 ? 'date' : null;
  let rejected = 0;
  if (files.length === 0) {
    const store = openStore(options, false);
    try {
      reading.readStoredObservations(store, options.helloSet, take);
    } finally {
      store.close();
    }
  }
  for (const file of files) {
    const name = file === '-' ? 'standard input' : file;
    const bytes = file === '-' ? unpacked(name, process.stdin) : undefined;
    const read = await reading.readObservations(name, take, bytes, form);
    form = read.weekForm;
    rejected += read.rejected;
    for (const { line, reason } of read.rejects) terminal.warning(`${name}, line ${line}: left out: ${reason}`);
    if (read.rejected > read.rejects.length) {
      terminal.warning(`${name}: ${read.rejected - read.rejects.length} more rows were left out`);
    }
  }
  if (used === 0) {
    const what = experiment === 'compare' ? 'observation with both a fingerprint and a JARM' : 'observation';
    terminal.error(`no ${what} in ${files.length === 0 ? 'the database' : files.join(', ')}`);
    return ExitCode.failed;
  }
  const lines = await report(experiment, all, { used, leftOut, form }, options);
  const writer = openWriter(options);
  for (const line of lines) writer.line(line);
  await writer.close();
  return rejected > 0 ? ExitCode.partial : ExitCode.done;
}

async function report(
  experiment: Experiment,
  all: readonly Observations[],
  { used, leftOut, form }: { used: number; leftOut: number; form: WeekForm | null },
  options: EvaluateFlags,
): Promise<string[]> {
  const [{ evaluateC2, evaluateCdn }, { diversity }, { weekText }, shapes] = await Promise.all([
    import('../evaluate/experiments.js'),
    import('../evaluate/diversity.js'),
    import('../database/week-text.js'),
    import('../evaluate/report.js'),
  ]);
  const text = (week: number): number | string => weekText(week, form);
  const cdn = (one: Observations): EvaluationReport => shapes.evaluationReport(evaluateCdn(one), text);
  const c2 = (one: Observations): ThresholdReport => ({
    thresholds: options.thresholds.map((threshold) => ({
      threshold,
      ...shapes.evaluationReport(evaluateC2(one, threshold), text),
    })),
  });
  const [first] = all;
  if (first === undefined) return [];
  const key = options.key === 'jarm' ? 'JARM' : 'stack fingerprint';
  const subtitle =
    `${used.toLocaleString('en')} observations` +
    (experiment === 'compare' ? '' : `, told apart by ${key}${options.withHttp ? ' and HTTP Server header' : ''}`);
  switch (experiment) {
    case 'cdn': {
      const result = cdn(first);
      await draw(options, ({ cdnChart }) => cdnChart(result, subtitle));
      return render(options, result, shapes.RESULT_COLUMNS, shapes.resultRows(result));
    }
    case 'c2': {
      const result = c2(first);
      await draw(options, ({ c2Chart }) => c2Chart(result, subtitle));
      const rows = result.thresholds.flatMap((one) => shapes.resultRows(one, [one.threshold]));
      return render(options, result, ['threshold', ...shapes.RESULT_COLUMNS], rows);
    }
    case 'compare': {
      const keys = all.map((one): [string, ComparisonReport['keys'][string]] => [
        one.choice.key + (one.choice.withHttp ? '+http' : ''),
        { diversity: diversity(one), cdn: cdn(one), c2: c2(one) },
      ]);
      const result: ComparisonReport = { rows: used, left_out: leftOut, keys: Object.fromEntries(keys) };
      await draw(options, ({ comparisonChart }) => comparisonChart(result, subtitle));
      return render(options, result, shapes.COMPARISON_COLUMNS, shapes.comparisonRows(result));
    }
  }
}

/** Writes the chart where one was asked for. */
async function draw(
  { chart: output, inputs }: EvaluateFlags,
  make: (charts: typeof Charts) => Charts.Chart,
): Promise<void> {
  if (output === undefined) return;
  const [charts, { chartSvg }] = await Promise.all([
    import('../evaluate/charts.js'),
    import('../evaluate/chart-svg.js'),
  ]);
  const svg = await chartSvg(make(charts));
  const writer = openWriter({ output, inputs });
  writer.line(svg);
  await writer.close();
}

const STDOUT = 1;

async function render(
  options: EvaluateFlags,
  object: object,
  columns: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): Promise<string[]> {
  const format = options.format ?? (options.output === undefined && isatty(STDOUT) ? 'table' : 'json');
  switch (format) {
    case 'json':
      return [JSON.stringify(object)];
    case 'csv': {
      const { stringify } = await import('csv-stringify/sync');
      return stringify([[...columns], ...rows.map((row) => [...row])])
        .trimEnd()
        .split('\n');
    }
    case 'table':
      return tableLines(
        columns,
        rows.map((row) => row.map((value) => (typeof value === 'number' ? shown(value) : (value ?? '-')))),
      );
  }
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(4);
}

function isExperiment(text: string): text is Experiment {
  return (EXPERIMENTS as readonly string[]).includes(text);
}

function thresholds(text: string): number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (values.length > 1000 || values.some((value) => !(value >= 0 && value <= 1))) {
    throw new InvalidArgumentError('Numbers from 0 to 1 are needed, with commas between them.');
  }
  return values;
}
