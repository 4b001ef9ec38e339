// `hellotap baseline record|check`: deviations of one's own servers from a recorded state.
import { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Aspect } from '../baseline/traits.js';
import type { BaselineReport } from '../baseline/server-state.js';
import { findBaseline, listBaselines, saveBaseline, type Baseline, type BaselineKey } from '../database/baselines.js';
import type { Store } from '../database/store.js';
import { HellotapError } from '../errors.js';
import { BaselineTableSink } from '../output/baseline-table-sink.js';
import { serverText } from '../output/server-text.js';
import type { ProbeResult, ProbeTarget } from '../probe/probe-result.js';
import { isStartTlsProtocol } from '../probe/starttls/dialogue.js';
import { forgetCommand, listCommand } from './baseline-list.js';
import { CommandGroup } from './command-group.js';
import { ExitCode, framed, type CommandContext } from './command.js';
import {
  databaseOption,
  outputOptions,
  probingOptions,
  type OutputOptions,
  type ProbingOptions,
} from './common-options.js';
import { openHelloSet } from './hello-sets.js';
import { EVENT_FORMATS, openOutput } from './open-sink.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { decimal, integer, option, withOptions } from './option.js';
import { checkLists, inputOption, openTargets, until } from './target-source.js';
import type { Terminal } from './terminal.js';

interface BaselineFlags extends OutputOptions, ProbingOptions, DatabaseOptions {
  readonly input: readonly string[];
}

interface RecordFlags extends BaselineFlags {
  readonly probes: number;
  readonly certificate: boolean;
}

interface CheckFlags extends BaselineFlags {
  readonly confirmAfter: number;
}

const RECORD_HELP = `
Targets are those of "hellotap probe". Recorded are the answers to the ten Client Hellos and, of TLS 1.2 and lower, the
curve and whether a client certificate is asked for; with --jarm, --http and --certificate also the JARM, the HTTP Server
header and the certificate's SHA-1 (which each renewal changes). A server is probed three times: where more than one stack
answers, as behind a load balancer, each state that it shows is recorded; --probes 20 finds more of them.

Recording again accepts the new state: it takes the place of the old one, and what differs is told.

Examples:
  $ hellotap baseline record www.example.org 192.0.2.7:8443,shop.example.org smtp://mx.example.org
  $ hellotap baseline record -i own-servers.txt --jarm --http --certificate
  $ hellotap baseline record --probes 20 balanced.example.org`;

const CHECK_HELP = `
Probes all recorded servers, or those named. What deviates is probed again, after --confirm-after, up to three times in
all: a server has changed when two probes show what was not recorded. No answer (refused, timed out) is no change.

Exit code 0: nothing has changed. 3: a server has changed, or some could not be reached or answered in part (standard
error says which). 1: none could be reached.

Examples:
  $ hellotap baseline check
  $ hellotap baseline check 192.0.2.7:8443 --format jsonl | jq 'select(.event_type == "alert")'
  $ hellotap baseline record 192.0.2.7:8443,shop.example.org      accepts what has changed there`;

const GROUP_HELP = `
Examples (hellotap baseline COMMAND --help has more):
  $ hellotap baseline record www.example.org
  $ hellotap baseline check`;

/** The `baseline` command with all that is below it. */
export function baselineCommand(): Command {
  const group = new CommandGroup('baseline')
    .description('deviations of your own servers from a recorded state')
    .addHelpText('after', GROUP_HELP);
  for (const command of [recordCommand(), checkCommand(), listCommand(), forgetCommand()]) group.addCommand(command);
  return group;
}

function recordCommand(): Command {
  const command = new Command('record')
    .description('records the state of servers')
    .argument('[target...]', 'servers of your own')
    .addHelpText('after', RECORD_HELP);
  withOptions(command, [
    inputOption(),
    option('--probes <n>', 'how often each server is probed', integer(1, 100), 3),
    option('--certificate', "record the certificate's SHA-1 as well", undefined, false),
    ...outputOptions(EVENT_FORMATS),
    databaseOption(),
    ...probingOptions(),
  ]);
  return framed<RecordFlags>(command, async (args, options, context) => {
    if (args.length + options.input.length === 0) {
      throw new HellotapError('ERR_USAGE', 'a target or --input is needed');
    }
    const { recordState } = await import('../baseline/server-state.js');
    const run = await openRun(args, options, context, options);
    const aspects = new Set<Aspect>(['answer', 'certificate_request', 'group']);
    if (options.certificate) aspects.add('certificate');
    if (options.jarm) aspects.add('jarm');
    if (options.http) aspects.add('http_server');
    return run.eachServer(withPrevious(run), ({ target, previous }) =>
      recordState(keyOf(target), () => run.probe(target), {
        aspects,
        probes: options.probes,
        now: Math.floor(Date.now() / 1000),
        previous,
      }),
    );
  });
}

function checkCommand(): Command {
  const command = new Command('check')
    .description('probes recorded servers again and reports what has changed')
    .argument('[target...]', 'only these; all where none is named')
    .addHelpText('after', CHECK_HELP);
  withOptions(command, [
    inputOption(),
    option('--confirm-after <seconds>', 'before a server that deviates is probed again', decimal(0, 3600), 5),
    ...outputOptions(EVENT_FORMATS),
    databaseOption(),
    ...probingOptions().filter(({ long }) => long !== '--jarm' && long !== '--http'),
  ]);
  return framed<CheckFlags>(command, async (args, options, context) => {
    const { aspectsOf, checkState } = await import('../baseline/server-state.js');
    const store = openStore(options, false);
    const recorded = listBaselines(store);
    store.close();
    if (recorded.length === 0) {
      throw new HellotapError('ERR_USAGE', 'no server is recorded; "hellotap baseline record TARGET…" does that');
    }
    const wanted = new Set(recorded.flatMap(({ traits }) => [...aspectsOf(traits)]));
    const run = await openRun(args, options, context, { jarm: wanted.has('jarm'), http: wanted.has('http_server') });
    const { digest } = openHelloSet(options.helloSet);
    const named = args.length + options.input.length > 0;
    const baselines = named ? select(recorded, run.targets, run.onProblem) : recorded;
    return run.eachServer(baselines, async (baseline) => {
      if (baseline.helloSetDigest !== digest) {
        run.onProblem(
          new HellotapError(
            'ERR_HELLO_SET',
            `${serverText(baseline.server)}: recorded with the hello set ${baseline.helloSet}; name it with --hello-set`,
          ),
        );
        return null;
      }
      const aspects = aspectsOf(baseline.traits);
      const target = { ...targetOf(baseline.server), jarm: aspects.has('jarm'), http: aspects.has('http_server') };
      const pause = (): Promise<void> => pauseFor(options.confirmAfter * 1000, context.signal);
      const report = await checkState(baseline, () => run.probe(target), pause);
      return report === null ? null : { report, baseline: null };
    });
  });
}

/** What both commands work with. */
interface Run {
  readonly store: Store;
  readonly targets: AsyncIterable<ProbeTarget>;
  readonly onProblem: (error: HellotapError) => void;
  probe(target: ProbeTarget): Promise<ProbeResult | null>;
  /** Has `work` done for each, several at once, and tells of what came out. Called once. */
  eachServer<Item>(
    items: AsyncIterable<Item> | Iterable<Item>,
    work: (item: Item) => Promise<Finding | null>,
  ): Promise<ExitCode>;
}

/** What came out of one server, and the state to be saved, if any. */
interface Finding {
  readonly report: BaselineReport;
  readonly baseline: Baseline | null;
}

/** Servers whose probes are under way at once. */
const AT_ONCE = 1_000;

async function openRun(
  args: readonly string[],
  options: BaselineFlags,
  { terminal, signal }: CommandContext,
  extras: Pick<ProbingOptions, 'jarm' | 'http'>,
): Promise<Run> {
  const [{ parseTarget }, { openProber }, { probeStream }, { ProbeRecorder }, { baselineEvents }, { formatTimestamp }] =
    await Promise.all([
      import('../probe/targets.js'),
      import('./prober.js'),
      import('../probe/probe-stream.js'),
      import('../engine/probe-recorder.js'),
      import('../engine/baseline-events.js'),
      import('../output/timestamp.js'),
    ]);
  checkLists(options.input);
  const tally = new Tally(terminal);
  const onProblem = (error: HellotapError): void => {
    tally.problems++;
    terminal.error(error.message);
  };
  const targets = until(signal, await openTargets(args.map(parseTarget), options.input, onProblem));
  const { prober } = await openProber({ ...options, jarm: extras.jarm, http: extras.http }, terminal);
  const { sink } = openOutput(options, terminal, { table: BaselineTableSink, live: true, c2Threshold: 1 });
  const store = openStore(options);
  const recorder = new ProbeRecorder(store);
  return {
    store,
    targets,
    onProblem,
    probe: (target) => prober.probe(target),
    eachServer: async (items, work) => {
      const stop = (): void => void prober.stop();
      signal.addEventListener('abort', stop);
      try {
        for await (const { report, baseline } of probeStream({ probe: work }, items, AT_ONCE)) {
          if (baseline !== null) saveBaseline(store, baseline);
          if (report.result !== null) await recorder.record(report.result);
          tally.add(report);
          for (const event of baselineEvents(report, formatTimestamp(Date.now() * 1000))) sink.write(event);
          await sink.ready();
          terminal.progress(() => `${tally.done} servers done`);
        }
        terminal.clearProgress();
        await sink.close();
      } finally {
        await prober.stop();
        signal.removeEventListener('abort', stop);
        store.close();
      }
      return signal.aborted ? ExitCode.stopped : tally.exitCode();
    },
  };
}

/** Counts what came out, and says at once what did not. */
class Tally {
  done = 0;
  problems = 0;
  #changed = 0;
  #unreachable = 0;
  #incomplete = 0;

  constructor(private readonly terminal: Terminal) {}

  add({ server, status, reason, unanswered }: BaselineReport): void {
    this.done++;
    if (status === 'changed') this.#changed++;
    if (status === 'unreachable') {
      this.#unreachable++;
      this.terminal.error(`${serverText(server)}: unreachable${reason === null ? '' : ` (${reason})`}`);
    }
    if (status === 'incomplete') {
      this.#incomplete++;
      this.terminal.error(`${serverText(server)}: no answer to ${unanswered.join(', ')}`);
    }
  }

  exitCode(): ExitCode {
    const failed = this.problems + this.#unreachable;
    if (failed + this.done === 0) {
      this.terminal.error('there is no target in the lists');
      return ExitCode.failed;
    }
    if (failed > 0 && this.done === this.#unreachable) return ExitCode.failed;
    return failed + this.#incomplete + this.#changed > 0 ? ExitCode.partial : ExitCode.done;
  }
}

/** The targets with the states that are going to be replaced. */
async function* withPrevious({
  store,
  targets,
}: Run): AsyncGenerator<{ target: ProbeTarget; previous: Baseline | null }> {
  for await (const target of targets) yield { target, previous: findBaseline(store, keyOf(target)) };
}

/** The recorded servers among targets; a target without a server name stands for every name recorded there. */
async function* select(
  recorded: readonly Baseline[],
  targets: AsyncIterable<ProbeTarget>,
  onProblem: (error: HellotapError) => void,
): AsyncGenerator<Baseline> {
  for await (const target of targets) {
    const asked = keyOf(target);
    const found = recorded.filter(
      ({ server }) =>
        server.address === asked.address &&
        server.port === asked.port &&
        server.startTls === asked.startTls &&
        (asked.serverName === null || server.serverName === asked.serverName),
    );
    if (found.length === 0)
      onProblem(new HellotapError('ERR_TARGET', `${serverText(asked)}: its state is not recorded`));
    yield* found;
  }
}

function keyOf({ address, port, serverName, startTls }: ProbeTarget): BaselineKey {
  return { address, port, serverName, startTls: startTls ?? '' };
}

function targetOf({ address, port, serverName, startTls }: BaselineKey): ProbeTarget {
  return { address, port, serverName, ...(isStartTlsProtocol(startTls) ? { startTls } : {}) };
}

/** Ends early, without a complaint, when the program is stopped. */
async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
