// `hellotap probe TARGET…`: fingerprints servers.
import { Command } from 'commander';
import { HellotapError } from '../errors.js';
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
import { openJournal, type ProbeJournal } from './probe-journal.js';
import { ProbeProgress } from './probe-progress.js';
import { checkLists, inputOption, openTargets, targetSpecs, until } from './target-source.js';
import type { Terminal } from './terminal.js';
import type { EventSink } from '../output/event.js';
import type { LineWriter } from '../output/line-writer.js';
import type { HandshakeReport } from '../probe/prober-options.js';
import { c2ThresholdOption, minObservationsOption } from './triage.js';

interface ProbeOptions extends OutputOptions, ProbingOptions {
  readonly database?: string;
  readonly input: readonly string[];
  readonly store: boolean;
  readonly resume: boolean;
  readonly c2Threshold: number;
  readonly minObservations: number;
}

const AFTER = `
A target is ip, ip:port, [v6]:port, host, host:port or CIDR[:port], each with ,servername; the port is 443 if none is
given, and a host's own name is its server name. With smtp://, imap://, pop3://, ftp://, ldap://, xmpp://, postgres:// or
mysql:// in front, TLS begins within that protocol (STARTTLS), on its own port if none is given. Ten connections go to
each server, one at a time, in random order over all servers; --jarm makes ten more, --http one, but not with STARTTLS:
what speaks another protocol before TLS speaks it after TLS as well. Results are kept in the database unless --no-store
is given.

With --resume, a scan goes on where it was interrupted, be it by kill -9 or a power cut: give the same command line
again. The --output file (JSON lines) is the journal: a target with a whole line in it is not probed again, a last line
that was cut off is taken away, new results go behind the others. Servers whose handshakes were under way are probed
again. Where the file is not there yet, the scan begins; so --resume may be given from the start.

--format goscanner writes hosts.csv, tls_verbose.csv and fingerprints.csv into the folder --output; without --output,
fingerprints.csv to standard output. --source-ports are used in turn: have more of them than --concurrency, or
connections wait for one that is free.

Examples:
  $ hellotap probe www.example.org
  $ hellotap probe 192.0.2.7:8443,www.example.org [2001:db8::7]:443
  $ hellotap probe --jarm --http www.example.org smtp://mx.example.org
  $ hellotap probe -i servers.csv --rate 50 --exclude no-probe.txt --format jsonl > fingerprints.jsonl
  $ hellotap probe -i servers.csv --output fingerprints.jsonl --resume
  $ hellotap triage capture.pcap --format jsonl \\
      | jq -r 'select(.tls.sni) | "[\\(.dest_ip)]:\\(.dest_port),\\(.tls.sni)"' | sort -u | hellotap probe -i -`;

/** Results that wait to be stored before more are taken. */
const MAX_UNWRITTEN = 256;

export function probeCommand(): Command {
  const command = new Command('probe')
    .summary('fingerprint servers')
    .description('Fingerprints servers with the ten Client Hellos of the paper "Active TLS Stack Fingerprinting".')
    .argument('[target...]', 'servers to probe')
    .addHelpText('after', AFTER);
  withOptions(command, [
    inputOption(),
    ...outputOptions([...EVENT_FORMATS, 'goscanner']),
    option('--resume', 'go on with a scan that was interrupted: see below', undefined, false),
    databaseOption(),
    option('--no-store', 'do not keep the results in the database'),
    c2ThresholdOption(),
    minObservationsOption(),
    ...probingOptions(),
  ]);
  return framed(command, runProbe);
}

async function runProbe(
  args: readonly string[],
  options: ProbeOptions,
  { terminal, signal }: CommandContext,
): Promise<ExitCode> {
  const [{ parseTarget }, { openProber }, { fingerprintEvent }, { formatTimestamp }] = await Promise.all([
    import('../probe/targets.js'),
    import('./prober.js'),
    import('../engine/flow-events.js'),
    import('../output/timestamp.js'),
  ]);
  if (args.length === 0 && options.input.length === 0) {
    throw new HellotapError('ERR_USAGE', 'a target or --input is needed');
  }
  checkLists(options.input);
  let problems = 0;
  const onProblem = (error: HellotapError): void => {
    problems++;
    terminal.error(error.message);
  };
  const named = args.map(parseTarget);
  const others = named.filter(({ startTls }) => startTls !== undefined).length;
  // Not an error: --http may stand in the configuration file, and other targets beside them.
  if (options.http && others > 0) terminal.info(`--http leaves out ${others} of the targets: they speak no HTTP`);
  const output = await openResultOutput(options, terminal);
  const targets = await openTargets(named, options.input, onProblem);
  const { prober } = await openProber(options, terminal, output.onHandshake);
  const results = await openResults(options);
  const { sink, writer, journal } = output;
  const progress = new ProbeProgress();
  // Only a terminal shows it, and counting reads the lists once more.
  if (terminal.showsProgress) void countTargets(named, options.input, journal?.count ?? 0, progress);
  const stop = (): void => void prober.stop();
  signal.addEventListener('abort', stop);
  const unwritten = new Set<Promise<void>>();
  let answered = 0;
  let excluded = 0;
  try {
    for await (const result of prober.probeAll(until(signal, undone(targets, journal, progress)))) {
      progress.done++;
      const outcomes = Object.values(result.outcome);
      if (outcomes.some(isAnswer)) answered++;
      else if (outcomes.every((outcome) => outcome === 'excluded')) excluded++;
      const writing = results.keep(result).then((verdict) => {
        sink.write(fingerprintEvent(result, formatTimestamp(Date.now() * 1000), verdict));
      });
      unwritten.add(writing);
      void writing.finally(() => unwritten.delete(writing)).catch(() => undefined);
      // Several are stored in one transaction; a failure surfaces here or below.
      if (unwritten.size >= MAX_UNWRITTEN) await Promise.race(unwritten);
      await sink.ready();
      if (writer.failure !== null) break;
      terminal.progress(() => progress.text(prober.counters));
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
  const { done } = progress;
  const silent = done - answered - excluded;
  if (excluded > 0) terminal.warning(`${excluded} of ${done} servers were left alone: they are excluded`);
  if (silent > 0) terminal.warning(`${silent} of ${done} servers could not be reached or did not answer`);
  if (progress.found === 0) {
    if (problems === 0) terminal.error(`no target in ${options.input.join(', ')}`);
    return ExitCode.failed;
  }
  return problems + excluded + silent > 0 ? ExitCode.partial : ExitCode.done;
}

/** Where results go, and what an earlier run has left there. */
interface ResultOutput {
  readonly sink: EventSink;
  readonly writer: LineWriter;
  /** Null: nothing is resumed. */
  readonly journal: ProbeJournal | null;
  readonly onHandshake: ((report: HandshakeReport) => void) | null;
}

async function openResultOutput(options: ProbeOptions, terminal: Terminal): Promise<ResultOutput> {
  const { openHelloSet } = await import('./hello-sets.js');
  const helloSet = openHelloSet(options.helloSet);
  if (options.format === 'goscanner') {
    if (options.resume) throw new HellotapError('ERR_USAGE', '--resume needs --format jsonl');
    const { openGoscanner } = await import('./open-goscanner.js');
    const { sink, writer } = openGoscanner(
      options,
      helloSet.hellos.map(({ name }) => name),
    );
    return {
      sink,
      writer,
      journal: null,
      onHandshake: (report) => {
        sink.handshake(report);
      },
    };
  }
  let journal: ProbeJournal | null = null;
  if (options.resume) {
    if (options.output === undefined || options.output === '-' || options.format === 'table') {
      throw new HellotapError('ERR_USAGE', '--resume needs --output FILE, with --format jsonl');
    }
    journal = await openJournal(options.output, helloSet.digest);
    if (journal.count > 0) terminal.info(`${journal.count} results are there already`);
  }
  const kind = { table: ProbeTableSink, live: true, c2Threshold: options.c2Threshold };
  const { sink, writer } = openOutput({ ...options, append: journal !== null }, terminal, kind);
  return { sink, writer, journal, onHandshake: null };
}

async function* undone(
  targets: AsyncIterable<ProbeTarget>,
  journal: ProbeJournal | null,
  progress: ProbeProgress,
): AsyncGenerator<ProbeTarget> {
  for await (const target of targets) {
    progress.found++;
    if (journal?.takeDone(target) !== true) yield target;
  }
}

/** Tells `progress` how many targets there are. Of standard input, which can be read only once, nobody knows. */
async function countTargets(
  named: readonly TargetSpec[],
  lists: readonly string[],
  done: number,
  progress: ProbeProgress,
): Promise<void> {
  if (lists.includes('-')) return;
  let total = -done;
  try {
    for await (const spec of targetSpecs(named, lists, () => undefined)) {
      total += spec.kind === 'network' ? 2 ** (spec.network[0].toByteArray().length * 8 - spec.network[1]) : 1;
    }
    progress.total = total;
  } catch {
    // A list that cannot be read is told of where it is read for the scan itself.
  }
}

/** Whether a handshake reached something that answers, be it only to refuse. */
function isAnswer(outcome: ProbeOutcome): boolean {
  return outcome !== 'refused' && outcome !== 'timeout' && outcome !== 'unreachable' && outcome !== 'excluded';
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
  const matcher = new Matcher(store, { minObservations: options.minObservations });
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
