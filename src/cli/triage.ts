// `hellotap triage CAPTURE…`: every TLS server in captures.
import { Command } from 'commander';
import { LiveTableSink } from '../output/live-table-sink.js';
import { TableSink } from '../output/table-sink.js';
import { HellotapError } from '../errors.js';
import {
  automaticProbingOptions,
  databaseOption,
  outputOptions,
  type AutomaticProbingOptions,
  type OutputOptions,
} from './common-options.js';
import { ExitCode, framed, type CommandContext } from './command.js';
import { decimal, integer, option, withOptions } from './option.js';
import { openHelloSet } from './hello-sets.js';
import { readKeyLog } from './key-log-file.js';
import { EVENT_FORMATS, openOutput } from './open-sink.js';

interface TriageOptions extends OutputOptions, AutomaticProbingOptions {
  readonly database?: string;
  readonly filter?: string;
  readonly keylog?: string;
  readonly follow: boolean;
  readonly separate: boolean;
  readonly c2Threshold: number;
  readonly minObservations: number;
}

const AFTER = `
Captures are pcap or pcapng, plain or compressed with gzip or zstd; a folder means every capture in it, told by content;
- means standard input. Several files are one stream in order of time: a flow may begin in one and end in the next.
Nothing is probed unless --probe is given: labels then come from the database alone.

Examples:
  $ hellotap triage incident.pcapng
  $ hellotap triage rotated/eth0.pcap*.gz
  $ hellotap triage --separate sandbox/*.pcap
  $ hellotap triage --follow --format jsonl /var/captures/    (while tcpdump -G or dumpcap -b writes there)
  $ hellotap triage --format jsonl captures/ | jq 'select(.event_type == "tls") | .tls.sni'
  $ tcpdump -i eth0 -w - tcp | hellotap triage -
  $ hellotap triage --probe --exclude no-probe.txt incident.pcap`;

export function triageCommand(): Command {
  const command = new Command('triage')
    .summary('every TLS server in captures')
    .description('Reads captures, reports every TLS server in them and what it most probably is.')
    .argument('<capture...>', 'pcap or pcapng files, folders of them, or - for standard input')
    .addHelpText('after', AFTER);
  withOptions(command, [
    ...outputOptions(EVENT_FORMATS),
    databaseOption(),
    option(
      '--separate',
      'captures have nothing to do with each other: each is read by itself, several side by side, and reported in the order given',
      undefined,
      false,
    ),
    option(
      '--follow',
      'wait for more behind the end of files, and for the next files of a rotation, until Ctrl-C',
      undefined,
      false,
    ),
    option('--filter <bpf>', 'only packets that this libpcap filter matches, as tcpdump has it'),
    option(
      '--keylog <file>',
      'secrets of the connections (NSS key log format): reads the encrypted handshake of TLS 1.3',
    ),
    c2ThresholdOption(),
    minObservationsOption(),
    option('--probe', 'probe servers that the database does not know', undefined, false),
    option('--no-probe', 'do not probe (the default)'),
    ...automaticProbingOptions(),
  ]);
  return framed(command, runTriage);
}

export const c2ThresholdOption = (): ReturnType<typeof option> =>
  option(
    '--c2-threshold <score>',
    'C2 score from which a server is an alarm (event alert, red in tables)',
    decimal(0, 1),
    0.9,
  );

export const minObservationsOption = (): ReturnType<typeof option> =>
  option(
    '--min-observations <n>',
    'a fingerprint seen less often on block lists and top lists has no C2 score (listed certificates and addresses do)',
    integer(1, 1e9),
    1,
  );

/** Where there are keys: a flight with a long chain of certificates, and a ticket or an alert behind it. */
const OPENING_BEYOND = 32 * 1024;

async function runTriage(
  paths: readonly string[],
  options: TriageOptions,
  { terminal, signal }: CommandContext,
): Promise<ExitCode> {
  const [
    { asStreams, findCaptures, findFollowed, openCaptures },
    { openSession },
    { triage },
    { formatTimestamp },
    { openStore },
  ] = await Promise.all([
    import('../capture/open-captures.js'),
    import('../engine/session.js'),
    import('../engine/triage.js'),
    import('../output/timestamp.js'),
    import('./open-store.js'),
  ]);
  if (options.follow && options.separate) {
    throw new HellotapError(
      'ERR_USAGE',
      '--separate: captures that are followed are one stream; leave out one of the two',
    );
  }
  const keyLog = options.keylog === undefined ? null : readKeyLog(options.keylog, terminal);
  let failed = 0;
  const onFailure = (error: HellotapError): void => {
    failed++;
    terminal.error(error.message);
  };
  const captures = options.follow
    ? findFollowed(paths)
    : paths.flatMap((path) => orReport(() => findCaptures([path], onFailure), onFailure));
  if (captures.length === 0) return ExitCode.failed;
  const captureOptions = {
    filter: options.filter,
    openingBeyond: keyLog === null ? 0 : OPENING_BEYOND,
    onFailure,
  };
  const following = options.follow ? await import('../capture/follow-source.js') : null;
  const sources = following
    ? [() => following.openFollowSource(paths, captureOptions)]
    : options.separate
      ? (await import('../capture/side-by-side.js')).sideBySide(captures, captureOptions, signal)
      : asStreams(captures).map((together) => () => openCaptures(together, captureOptions));
  const inputs = [...(options.inputs ?? []), ...captures.map(({ name }) => name)];
  const { sink, writer } = openOutput({ ...options, inputs }, terminal, {
    table: options.follow ? LiveTableSink : TableSink,
    live: options.follow,
    c2Threshold: options.c2Threshold,
  });
  const probes = options.probe ? await (await import('./prober.js')).openAutomaticProbes(options, terminal) : null;
  const session = openSession({
    store: openStore(options),
    sink,
    probes,
    keyLog,
    retryAfterMs: options.retryAfter * 3_600_000,
    c2Threshold: options.c2Threshold,
    minObservations: options.minObservations,
    helloSet: () => openHelloSet(options.helloSet),
    warn: (text) => {
      terminal.warning(text);
    },
  });
  const { engine } = session;
  try {
    const report = await triage(sources, engine, sink, {
      signal,
      onFailure,
      onProgress: ({ capture, begun, packets, flows }) => {
        terminal.progress(
          () => `${begun}/${captures.length} ${capture}: ${packets} packets, ${flows} TLS flows so far`,
        );
      },
    });
    await engine.settled();
    if (report.read === 0 && failed > 0) return ExitCode.failed;
    sink.write({
      timestamp: formatTimestamp(Date.now() * 1000),
      event_type: 'stats',
      stats: {
        captures: { read: report.read, failed },
        capture: report.counters,
        ...session.stats(),
        ...(probes === null ? {} : { prober: probes.stats() }),
        output: { dropped: writer.dropped },
      },
    });
    terminal.clearProgress();
    await sink.close();
    if (signal.aborted) return ExitCode.stopped;
    for (const [name, codes] of engine.anomalies.damaged) {
      const where = [...codes].map(([code, offset]) => (offset === null ? code : `${code} at offset ${offset}`));
      terminal.error(`${name}: damaged (${where.join(', ')}); what could be read was reported`);
    }
    return failed > 0 || engine.anomalies.damaged.size > 0 ? ExitCode.partial : ExitCode.done;
  } finally {
    session.close();
  }
}

/** An argument that names no capture does not keep the others from being read. */
function orReport<T>(find: () => T[], onFailure: (error: HellotapError) => void): T[] {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof HellotapError)) throw error;
    onFailure(error);
    return [];
  }
}
