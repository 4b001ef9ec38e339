// `hellotap probe TARGET…`: fingerprints servers.
import { Command } from 'commander';
import type { HellotapError } from '../errors.js';
import type { Verdict } from '../match/verdict.js';
import type { ProbeOutcome, ProbeResult, ProbeTarget } from '../probe/probe-result.js';
import type { TargetSpec } from '../probe/targets.js';
import {
  databaseOption,
  outputOptions,
  probingOptions,
  type OutputOptions,
  type ProbingOptions,
} from './common-options.js';
import { ExitCode, framed, type CommandContext } from './command.js';
import { EVENT_FORMATS, openOutput } from './open-sink.js';
import { ProbeTableSink } from '../output/probe-table-sink.js';
import { option, withOptions } from './option.js';
import { c2ThresholdOption } from './triage.js';

interface ProbeOptions extends OutputOptions, ProbingOptions {
  readonly database?: string;
  readonly input: readonly string[];
  readonly store: boolean;
  readonly c2Threshold: number;
}

const AFTER = `
A target is ip, ip:port, [v6]:port, host, host:port or CIDR[:port], each with ,servername; the port is 443 if none is
given, and a host's own name is its server name. Ten connections go to each server, one at a time, in random order
over all servers. Results are kept in the database unless --no-store is given.

Examples:
  $ hellotap probe www.example.org
  $ hellotap probe 192.0.2.7:8443,www.example.org [2001:db8::7]:443
  $ hellotap probe -i servers.csv --rate 50 --exclude no-probe.txt --format jsonl > fingerprints.jsonl
  $ hellotap triage capture.pcap --format jsonl | jq -r '...' | hellotap probe -i -`;

/** Results that wait to be stored before more are taken. */
const MAX_UNWRITTEN = 256;

/** Names that are looked up ahead. */
const LOOKUPS = 32;

export function probeCommand(): Command {
  const command = new Command('probe')
    .summary('fingerprint servers')
    .description('Fingerprints servers with the ten Client Hellos of the paper "Active TLS Stack Fingerprinting".')
    .argument('[target...]', 'servers to probe')
    .addHelpText('after', AFTER);
  withOptions(command, [
    option(
      '-i, --input <file>',
      "a target per line, or goscanner's CSV (address[:port][,name[,client hello]]); -: standard input",
      (text: string) => [text],
      [],
    ),
    ...outputOptions(EVENT_FORMATS),
    databaseOption(),
    option('--no-store', 'do not keep the results in the database'),
    c2ThresholdOption(),
    ...probingOptions(),
  ]);
  return framed(command, runProbe);
}

async function runProbe(
  args: readonly string[],
  options: ProbeOptions,
  { terminal, signal }: CommandContext,
): Promise<ExitCode> {
  const [{ parseTarget, resolveTargets }, { openProber }, { fingerprintEvent }, { formatTimestamp }] =
    await Promise.all([
      import('../probe/targets.js'),
      import('./prober.js'),
      import('../engine/flow-events.js'),
      import('../output/timestamp.js'),
    ]);
  if (args.length === 0 && options.input.length === 0) {
    throw new (await import('../errors.js')).HellotapError('ERR_USAGE', 'a target or --input is needed');
  }
  let problems = 0;
  const onProblem = (error: HellotapError): void => {
    problems++;
    terminal.error(error.message);
  };
  const named = args.map(parseTarget);
  const targets = resolveTargets(chain(named, options.input, onProblem), {
    resolve: await nameResolver(),
    onProblem,
    lookups: LOOKUPS,
  });
  const { prober } = openProber(options, terminal);
  const results = await openResults(options);
  const { sink, writer } = openOutput(options, terminal, {
    table: ProbeTableSink,
    live: true,
    c2Threshold: options.c2Threshold,
  });
  const stop = (): void => void prober.stop();
  signal.addEventListener('abort', stop);
  const unwritten = new Set<Promise<void>>();
  let answered = 0;
  let done = 0;
  try {
    for await (const result of prober.probeAll(until(signal, targets))) {
      done++;
      if (Object.values(result.outcome).some(isAnswer)) answered++;
      const writing = results.keep(result).then((verdict) => {
        sink.write(fingerprintEvent(result, formatTimestamp(Date.now() * 1000), verdict));
      });
      unwritten.add(writing);
      void writing.finally(() => unwritten.delete(writing)).catch(() => undefined);
      // Several are stored in one transaction; a failure surfaces here or below.
      if (unwritten.size >= MAX_UNWRITTEN) await Promise.race(unwritten);
      await sink.ready();
      if (writer.failure !== null) break;
      const { counters } = prober;
      terminal.progress(() => `${done} servers done, ${counters.connections} connections, ${counters.open} open`);
    }
    await Promise.all(unwritten);
    terminal.clearProgress();
    await sink.close();
  } finally {
    await prober.stop();
    signal.removeEventListener('abort', stop);
    results.close();
  }
  if (signal.aborted) return ExitCode.stopped;
  const silent = done - answered;
  if (silent > 0) terminal.warning(`${silent} of ${done} servers could not be reached or did not answer`);
  if (done === 0 && problems > 0) return ExitCode.failed;
  return problems > 0 || silent > 0 ? ExitCode.partial : ExitCode.done;
}

/** Whether a handshake reached something that answers, be it only to refuse. */
function isAnswer(outcome: ProbeOutcome): boolean {
  return outcome !== 'refused' && outcome !== 'timeout' && outcome !== 'unreachable' && outcome !== 'excluded';
}

async function* chain(
  named: readonly TargetSpec[],
  lists: readonly string[],
  onProblem: (error: HellotapError) => void,
): AsyncGenerator<TargetSpec> {
  yield* named;
  const [{ parseTargetLines }, { openLines }] = await Promise.all([
    import('../probe/targets.js'),
    import('./input-lines.js'),
  ]);
  for (const path of lists) yield* parseTargetLines(openLines(path), path === '-' ? 'standard input' : path, onProblem);
}

async function* until(signal: AbortSignal, targets: AsyncIterable<ProbeTarget>): AsyncGenerator<ProbeTarget> {
  for await (const target of targets) {
    if (signal.aborted) return;
    yield target;
  }
}

async function nameResolver(): Promise<(host: string) => Promise<string[]>> {
  const { lookup } = await import('node:dns/promises');
  return async (host) => (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Where results go, and what the database says of their servers then. */
interface Results {
  keep(result: ProbeResult): Promise<Verdict | undefined>;
  close(): void;
}

async function openResults(options: ProbeOptions): Promise<Results> {
  if (!options.store) return { keep: () => Promise.resolve(undefined), close: () => undefined };
  const [{ openStore }, { Matcher }, { ProbeRecorder }] = await Promise.all([
    import('./open-store.js'),
    import('../match/matcher.js'),
    import('../engine/probe-recorder.js'),
  ]);
  const store = openStore(options);
  const matcher = new Matcher(store);
  const recorder = new ProbeRecorder(store);
  return {
    keep: async (result) => {
      await recorder.record(result);
      matcher.forget(result.target);
      return matcher.verdict(result.target);
    },
    close: () => {
      store.close();
    },
  };
}
