// The frame of every command: configuration file, signals, errors to one line, exit codes as documented.
import type { Command } from 'commander';
import { type OptionValues } from 'commander';
import { databaseError } from '../database/database-error.js';
import { defaultDatabasePath } from '../database/default-path.js';
import { HellotapError } from '../errors.js';
import { commonOptions, type CommonOptions } from './common-options.js';
import { applyConfigFile } from './config-file.js';
import { withOptions } from './option.js';
import { Terminal } from './terminal.js';

/** Exit codes that scripts rely on. */
export const ExitCode = {
  done: 0,
  /** Nothing usable came out. */
  failed: 1,
  usage: 2,
  /** What came out is right, but part of the input was damaged or out of reach. */
  partial: 3,
  /** A signal; what had begun was finished. */
  stopped: 130,
} as const;

/** The same for people. */
export const EXIT_CODES = `
Exit codes:
  0 done · 1 failed · 2 wrong usage · 3 done, but part of the input was damaged or out of reach ·
  130 stopped by a signal after finishing what had begun`;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What a command's body gets besides its arguments and options. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly signal: AbortSignal;
}

type Body<Options> = (
  args: readonly string[],
  options: Options & CommonOptions,
  context: CommandContext,
) => Promise<ExitCode>;

/** Gives a command the common options and runs its body within the frame. */
export function framed<Options extends object>(command: Command, body: Body<Options>): Command {
  withOptions(command, commonOptions()).addHelpText('after', EXIT_CODES);
  command.action(async (...received: unknown[]) => {
    const args = received.slice(0, command.registeredArguments.length).flat().filter(isText);
    const given = command.opts<OptionValues & CommonOptions>();
    const name = commandPath(command);
    let terminal = new Terminal(name, given);
    let code: ExitCode;
    try {
      if (given.config !== undefined) await applyConfigFile(given.config, command);
      const options = command.opts<Options & CommonOptions>();
      terminal = new Terminal(name, options);
      code = await body(args, { ...options, inputs: inputsOf(args, options) }, contextOf(terminal));
    } catch (error) {
      terminal.clearProgress();
      // Of single statements the database's errors come as they are.
      code = explainFailure(databaseError(error, databaseOf(command.opts())), terminal);
    }
    terminal.clearProgress();
    process.exit(code);
  });
  return command;
}

function databaseOf({ database }: OptionValues): string {
  return typeof database === 'string' ? database : defaultDatabasePath();
}

/** Options that name files to be read. */
const INPUT_OPTIONS = ['config', 'database', 'exclude', 'input', 'keylog'] as const;

/** What a command may read, as far as its command line tells. */
function inputsOf(args: readonly string[], options: OptionValues): string[] {
  const named = INPUT_OPTIONS.flatMap((name) => (options[name] as string | readonly string[] | undefined) ?? []);
  return [...args, ...named, defaultDatabasePath()];
}

/** Signals are waited for where a command asks for them; any other is ended by one at once. */
function contextOf(terminal: Terminal): CommandContext {
  let signal: AbortSignal | null = null;
  return {
    terminal,
    get signal() {
      return (signal ??= stopSignal());
    },
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function commandPath(command: Command): string {
  const parent = command.parent;
  return parent?.parent ? `${commandPath(parent)} ${command.name()}` : command.name();
}

function explainFailure(error: unknown, terminal: Terminal): ExitCode {
  if (!(error instanceof HellotapError)) {
    // A programmer's mistake: everything that helps to mend it.
    terminal.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return ExitCode.failed;
  }
  terminal.error(error.message);
  switch (error.code) {
    case 'ERR_USAGE':
    case 'ERR_CONFIG':
    case 'ERR_TARGET':
      return ExitCode.usage;
    default:
      return ExitCode.failed;
  }
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(ExitCode.stopped);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
