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
