// A command that has commands below it.
import { Command } from 'commander';

/** Hands what it inherits on to its commands, which commander does for commands made later only. */
export class CommandGroup extends Command {
  override copyInheritedSettings(source: Command): this {
    super.copyInheritedSettings(source);
    for (const command of this.commands) command.copyInheritedSettings(this);
    return this;
  }
}
