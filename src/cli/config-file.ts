// The configuration file: YAML whose keys are the long options, checked by the same parsers as the command line.
// What the command line says wins.
import { readFileSync } from 'node:fs';
import { InvalidArgumentError, type Command, type Option } from 'commander';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { configKey } from './option.js';

/**
 * Applies a file to a command that has been parsed. Keys of other commands are passed over, unknown ones refused.
 * @throws HellotapError ERR_CONFIG naming the file, the key and the reason
 */
export async function applyConfigFile(path: string, command: Command): Promise<void> {
  const settings = await readSettings(path);
  let known: ReadonlySet<string> = new Set(optionsOf(command).map(configKey));
  if (Object.keys(settings).some((key) => !known.has(key))) known = await keysOfAllCommands();
  for (const [key, value] of Object.entries(settings)) {
    if (!known.has(key) || key === 'config') {
      throw new HellotapError('ERR_CONFIG', `${path}: unknown key "${key}"; keys are the long options without dashes`);
    }
    const options = optionsOf(command).filter((candidate) => configKey(candidate) === key);
    if (options.length > 0) set(path, command, options, key, value);
  }
}

async function readSettings(path: string): Promise<Record<string, unknown>> {
  const { parseDocument } = await import('yaml');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new HellotapError('ERR_CONFIG', `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
  const document = parseDocument(text);
  const fault = document.errors[0];
  if (fault !== undefined) throw new HellotapError('ERR_CONFIG', `${path}: ${fault.message.split('\n')[0] ?? ''}`);
  const settings: unknown = document.toJS({ maxAliasCount: 0 });
  if (settings === null) return {};
  if (typeof settings !== 'object' || Array.isArray(settings)) {
    throw new HellotapError('ERR_CONFIG', `${path}: "key: value" lines are needed`);
  }
  return settings as Record<string, unknown>;
}

function set(path: string, command: Command, options: readonly Option[], key: string, value: unknown): void {
  const refuse = (reason: string): never => {
    throw new HellotapError('ERR_CONFIG', `${path}: ${key}: ${reason}`);
  };
  const [first] = options;
  if (first === undefined) return;
  const name = first.attributeName();
  const source = command.getOptionValueSource(name);
  if (source !== undefined && source !== 'default') return;
  const flag = options.every((one) => !one.required && !one.optional);
  if (flag) {
    if (typeof value !== 'boolean') return refuse('true or false is needed');
    command.setOptionValueWithSource(name, value, 'config');
    return;
  }
  const items = Array.isArray(value) ? (value as unknown[]) : [value];
  if (!items.every((item) => ['string', 'number', 'boolean'].includes(typeof item))) {
    return refuse('a text, a number or a list of them is needed');
  }
  const text = items.map(String).join(',');
  try {
    const parsed: unknown = first.parseArg === undefined ? text : first.parseArg<unknown>(text, undefined);
    command.setOptionValueWithSource(name, parsed, 'config');
  } catch (error) {
    if (error instanceof InvalidArgumentError) return refuse(error.message);
    throw error;
  }
}

/** A file may serve several commands: what one of them knows is no mistake for the others. */
async function keysOfAllCommands(): Promise<Set<string>> {
  const { COMMANDS } = await import('./commands.js');
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  return new Set(commands.flatMap(allOptions).map(configKey));
}

function optionsOf(command: Command): readonly Option[] {
  return command.parent === null ? command.options : [...command.options, ...command.parent.options];
}

function allOptions(command: Command): Option[] {
  return [...command.options, ...command.commands.flatMap(allOptions)];
}
