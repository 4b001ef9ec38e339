// `hellotap watch INTERFACE`: TLS servers on live traffic, for months.
import { Command, Option } from 'commander';
import { CAPTURE_WAYS, DEFAULT_CAPTURE_WAY, type CaptureWay } from '../capture/live-options.js';
import { LiveTableSink } from '../output/live-table-sink.js';
import type { Store } from '../database/store.js';
import type { BaselineWatch, BaselineWatchOptions } from '../engine/baseline-watch.js';
import { HellotapError } from '../errors.js';
import type { LineWriter } from '../output/line-writer.js';
import {
  automaticProbingOptions,
  databaseOption,
  outputOptions,
  type AutomaticProbingOptions,
  type OutputOptions,
} from './common-options.js';
import { ExitCode, framed, type CommandContext } from './command.js';
import { integer, decimal, option, withOptions } from './option.js';
import { openHelloSet } from './hello-sets.js';
import { EVENT_FORMATS, openOutput, openToAppend, type OpenOutput } from './open-sink.js';
import type { Terminal } from './terminal.js';
import { becomeUser } from './become-user.js';
import { c2ThresholdOption, minObservationsOption } from './triage.js';

interface WatchOptions extends OutputOptions, AutomaticProbingOptions {
  readonly database?: string;
  readonly filter?: string;
  readonly c2Threshold: number;
  readonly minObservations: number;
  readonly statsInterval: number;
  readonly bufferSize: number;
  readonly capture: CaptureWay;
  readonly captureThreads: number;
  readonly user?: string;
  readonly promiscuous: boolean;
  readonly baseline?: number;
}

const AFTER = `
Every flow is reported when its handshake has been seen, tagged with what is known of its server. A new server is
probed once, by itself, if it completed a handshake with a client and --probe-networks and --exclude allow it; the
verdict then follows as an event of type "tag". Ctrl-C or SIGTERM finishes what has begun.

What the --output file holds stays: events go behind it. SIGHUP opens it anew, after a rotation has moved it away.

With --baseline, the servers that "hellotap baseline record" knows are checked every so many hours, within the same
networks, exclusions and budgets; what has changed becomes an event of type "alert".

Examples:
  $ sudo hellotap watch eth1 --no-probe
  $ sudo hellotap watch eth1 --filter 'tcp port 443' --probe-networks 198.51.100.0/24 --exclude no-probe.txt
  $ sudo hellotap watch eth1 --baseline 6 --probe-networks 198.51.100.0/24
  $ sudo hellotap watch eth1 --user hellotap --database /var/lib/hellotap/hellotap.db --output /var/log/hellotap/eve.jsonl
  $ sudo hellotap watch eth1 --capture-threads 4 --buffer-size 512
  $ hellotap watch eth1 --config /etc/hellotap/hellotap.yaml      (with CAP_NET_RAW)`;

export function watchCommand(): Command {
  const command = new Command('watch')
    .summary('TLS servers on live traffic')
    .description('Watches an interface, reports TLS flows tagged with what their server is, and probes new servers.')
    .argument('<interface>', 'see `hellotap interfaces`')
    .addHelpText('after', AFTER);
  withOptions(command, [
    ...outputOptions(EVENT_FORMATS),
    databaseOption(),
    option('--filter <bpf>', 'only packets that this libpcap filter matches, as tcpdump has it'),
    c2ThresholdOption(),
    minObservationsOption(),
    option('--stats-interval <seconds>', 'how often counters are written; 0: only at the end', decimal(0, 86_400), 60),
    new Option('--capture <way>', "ring: hellotap's own AF_PACKET ring (Linux); cap: libpcap")
      .choices(CAPTURE_WAYS)
      .default(DEFAULT_CAPTURE_WAY),
    option('--buffer-size <mib>', "the system's capture buffer", integer(1, 2048), 64),
    option(
      '--capture-threads <n>',
      'rings, each with a thread, over which packets are spread by their addresses',
      integer(1, 64),
      1,
    ),
    option('--user <name>', 'become this user for good as soon as the interface is open; needs to be started as root'),
    option('--no-promiscuous', 'leave the interface in its mode'),
    option('--no-probe', 'do not probe'),
    option('--baseline <hours>', 'check the recorded servers every so many hours', decimal(0.001, 100_000)),
    ...automaticProbingOptions(),
  ]);
  return framed(command, runWatch);
}

async function runWatch(
  [name = '']: readonly string[],
  options: WatchOptions,
  { terminal, signal }: CommandContext,
): Promise<ExitCode> {
  const [{ openLiveSource }, { openSession }, { watch }, { formatTimestamp }, { openStore }] = await Promise.all([
    import('../capture/live-source.js'),
    import('../engine/session.js'),
    import('../engine/watch.js'),
    import('../output/timestamp.js'),
    import('./open-store.js'),
  ]);
  if (options.baseline !== undefined && !options.probe) {
    throw new HellotapError('ERR_USAGE', '--baseline has to probe, and --no-probe forbids it');
  }
  const source = await openLiveSource(name, {
    filter: options.filter,
    capture: options.capture,
    bufferBytes: options.bufferSize * 1024 * 1024,
    threads: options.captureThreads,
    promiscuous: options.promiscuous,
    notify: (text) => {
      terminal.warning(text);
    },
  });
  // Before anything else is opened, so that all files are that user's.
  if (options.user !== undefined) becomeUser(options.user);
  const probes = options.probe ? await (await import('./prober.js')).openAutomaticProbes(options, terminal) : null;
  const output: OpenOutput = openOutput({ ...options, append: true }, terminal, {
    table: LiveTableSink,
    live: true,
    c2Threshold: options.c2Threshold,
  });
  const { sink, writer } = output;
  const store = openStore(options);
  const session = openSession({
    store,
    sink,
    probes,
    retryAfterMs: options.retryAfter * 3_600_000,
    c2Threshold: options.c2Threshold,
    minObservations: options.minObservations,
    helloSet: () => openHelloSet(options.helloSet),
    warn: (text) => {
      terminal.warning(text);
    },
  });
  const ending = new AbortController();
  const baselines =
    options.baseline === undefined || probes === null
      ? null
      : await openBaselineWatch(
          options.baseline,
          {
            probes,
            sink,
            helloSetDigest: openHelloSet(options.helloSet).digest,
            learn: (result) => session.engine.learn(result),
            warn: (text) => {
              terminal.warning(text);
            },
            signal: AbortSignal.any([signal, ending.signal]),
          },
          store,
        );
  const writeStats = (): void => {
    sink.write({
      timestamp: formatTimestamp(Date.now() * 1000),
      event_type: 'stats',
      in_iface: name,
      stats: {
        capture: source.counters(),
        ...session.stats(),
        ...(probes === null ? {} : { prober: probes.stats() }),
        ...(baselines === null ? {} : { baselines: baselines.counters }),
        output: { dropped: writer.dropped },
      },
    });
  };
  const checking = baselines?.run().catch((error: unknown) => {
    terminal.error(`--baseline: ${(error as Error).message}`);
  });
  reopenOnHangUp(options, writer, terminal);
  terminal.info(`watching ${name}; Ctrl-C ends it`);
  try {
    await watch(source, session.engine, sink, {
      signal,
      statsIntervalMs: options.statsInterval * 1000,
      onStats: writeStats,
      outputFailure: () => writer.failure,
    });
    ending.abort();
    await probes?.stop();
    await checking;
    await session.engine.settled();
    writeStats();
    await sink.close();
    return signal.aborted ? ExitCode.stopped : ExitCode.done;
  } finally {
    ending.abort();
    session.close();
  }
}

/** A log that was moved away stays behind; events go on in a new one. Without a file, losing the terminal ends the watch. */
function reopenOnHangUp({ output }: OutputOptions, writer: LineWriter, terminal: Terminal): void {
  if (output === undefined || output === '-') return;
  process.on('SIGHUP', () => {
    writer.reopen(() => {
      try {
        return openToAppend(output);
      } catch (error) {
        terminal.error(`${(error as Error).message}; the file that was open is written on`);
        return null;
      }
    });
  });
}

async function openBaselineWatch(
  hours: number,
  options: Omit<BaselineWatchOptions, 'baselines' | 'intervalMs'>,
  store: Store,
): Promise<BaselineWatch> {
  const [{ BaselineWatch }, { listBaselines }] = await Promise.all([
    import('../engine/baseline-watch.js'),
    import('../database/baselines.js'),
  ]);
  return new BaselineWatch({ ...options, baselines: () => listBaselines(store), intervalMs: hours * 3_600_000 });
}
