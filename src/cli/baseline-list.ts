// `hellotap baseline list|forget`: which servers are recorded, and no longer watching over one.
import { Command } from 'commander';
import { forgetBaseline, listBaselines, type Baseline } from '../database/baselines.js';
import { timeText } from '../database/time-text.js';
import { canonicalAddress } from '../probe/networks.js';
import { parseTarget } from '../probe/targets.js';
import { serverText } from '../output/server-text.js';
import { ExitCode, framed } from './command.js';
import { databaseOption, outputOptions, type OutputOptions } from './common-options.js';
import { openWriter } from './open-sink.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { withOptions } from './option.js';
import { outputFormat } from './output-format.js';
import { tableLines } from './plain-output.js';

type Flags = DatabaseOptions & OutputOptions;

const LIST_HELP = `
Examples:
  $ hellotap baseline list
  $ hellotap baseline list --format jsonl | jq -r .server > own-servers.txt      what "baseline record -i" reads`;

export function listCommand(): Command {
  const command = new Command('list').description('the recorded servers').addHelpText('after', LIST_HELP);
  withOptions(command, [databaseOption(), ...outputOptions(['table', 'jsonl'])]);
  return framed<Flags>(command, async (_, options) => {
    const store = openStore(options, false);
    try {
      const baselines = listBaselines(store);
      const writer = openWriter(options);
      const lines =
        outputFormat(options) === 'jsonl'
          ? baselines.map((one) => JSON.stringify(describe(one)))
          : tableLines(
              ['server', 'recorded', 'probes', 'hello set', 'several answers to'],
              baselines
                .map(describe)
                .map(({ server, recorded, probes, hello_set, several }) => [
                  server,
                  recorded,
                  String(probes),
                  hello_set,
                  several.join(', '),
                ]),
            );
      for (const line of lines) writer.line(line);
      await writer.close();
    } finally {
      store.close();
    }
    return ExitCode.done;
  });
}

interface Described {
  readonly server: string;
  readonly recorded: string;
  readonly probes: number;
  readonly hello_set: string;
  /** Client Hellos to which more than one answer was recorded. */
  readonly several: readonly string[];
}

function describe({ server, recorded, probes, helloSet, traits }: Baseline): Described {
  const answers = traits.filter(({ aspect }) => aspect === 'answer').map(({ hello }) => hello);
  const several = answers.filter((hello, index) => answers.indexOf(hello) !== index);
  return {
    server: serverText(server),
    recorded: timeText(recorded),
    probes,
    hello_set: helloSet,
    several: [...new Set(several)],
  };
}

const FORGET_HELP = `
Examples:
  $ hellotap baseline forget 192.0.2.7:8443,shop.example.org
  $ hellotap baseline forget 192.0.2.7                            all names recorded at 192.0.2.7:443`;

export function forgetCommand(): Command {
  const command = new Command('forget')
    .description('forgets recorded states')
    .argument('<target...>', 'addresses; without a server name, every name recorded there')
    .addHelpText('after', FORGET_HELP);
  withOptions(command, [databaseOption()]);
  return framed<Flags>(command, (targets, options, { terminal }) => {
    const asked = targets.map(parseTarget);
    const store = openStore(options, false);
    let missing = 0;
    try {
      const recorded = listBaselines(store).map(({ server }) => server);
      for (const [index, target] of asked.entries()) {
        const address = target.kind === 'address' ? canonicalAddress(target.address) : null;
        const found = recorded.filter(
          (server) =>
            (target.kind === 'name' ? server.serverName === target.serverName : server.address === address) &&
            server.port === target.port &&
            server.startTls === (target.startTls ?? '') &&
            (target.serverName === null || server.serverName === target.serverName),
        );
        for (const server of found) forgetBaseline(store, server);
        if (found.length > 0) continue;
        missing++;
        terminal.error(`${targets[index] ?? ''}: its state is not recorded`);
      }
    } finally {
      store.close();
    }
    return Promise.resolve(missing === 0 ? ExitCode.done : missing < asked.length ? ExitCode.partial : ExitCode.failed);
  });
}
