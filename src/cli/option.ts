// One definition for a command-line option, its key in the configuration file, and its documentation.
import { Option, InvalidArgumentError, type Command } from 'commander';

/** What a long option is called in the configuration file: its long flag without the dashes. */
export function configKey(option: Option): string {
  return (option.long ?? option.flags).replace(/^--(no-)?/, '');
}

/** An option whose text is turned into a value, or refused with the reason, wherever the text came from. */
export function option<T>(flags: string, description: string, parse?: (text: string) => T, fallback?: T): Option {
  const made = new Option(flags, description);
  if (parse !== undefined) made.argParser((text: string) => parse(text));
  if (fallback !== undefined) made.default(fallback);
  return made;
}

/** An option that may be given several times; in the configuration file a list (or texts with commas between them). */
export function repeatable(flags: string, description: string): Option {
  const parse = (text: string, previous: readonly string[] | undefined): readonly string[] =>
    previous === undefined ? list(text) : [...previous, text];
  return new Option(flags, description).argParser<readonly string[] | undefined>(parse).default([]);
}

/** Two ports, `first-last`. */
export function portRange(text: string): readonly [first: number, last: number] {
  const [, first, last] = (/^(\d{1,5})-(\d{1,5})$/.exec(text.trim()) ?? []).map(Number);
  if (first === undefined || last === undefined || first < 1 || last > 65535 || last < first) {
    throw new InvalidArgumentError('Two ports from 1 to 65535 are needed, such as 40000-49999.');
  }
  return [first, last];
}

/** A whole number within bounds. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text.trim()) || value < least || value > most) {
      throw new InvalidArgumentError(`A whole number from ${least} to ${most} is needed.`);
    }
    return value;
  };
}

/** A number within bounds. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most)) {
      throw new InvalidArgumentError(`A number from ${least} to ${most} is needed.`);
    }
    return value;
  };
}

/** A list with commas between its items. */
export function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Adds several options to a command. */
export function withOptions(command: Command, options: readonly Option[]): Command {
  for (const one of options) command.addOption(one);
  return command;
}
