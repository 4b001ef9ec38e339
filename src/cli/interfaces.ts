// `hellotap interfaces`: what can be watched.
import { Command } from 'commander';
import { outputOptions, type OutputOptions } from './common-options.js';
import { ExitCode, framed, type CommandContext } from './command.js';
import { openWriter } from './open-sink.js';
import { withOptions } from './option.js';
import { outputFormat } from './output-format.js';

export function interfacesCommand(): Command {
  const command = new Command('interfaces')
    .summary('what can be watched')
    .description('Lists the network interfaces that `hellotap watch` can follow.')
    .addHelpText('after', '\nExample:\n  $ hellotap interfaces');
  withOptions(command, outputOptions(['table', 'jsonl']));
  return framed(command, runInterfaces);
}

async function runInterfaces(
  _args: readonly string[],
  options: OutputOptions,
  { terminal }: CommandContext,
): Promise<ExitCode> {
  const { listInterfaces } = await import('../capture/interfaces.js');
  const interfaces = await listInterfaces();
  const writer = openWriter(options);
  if (outputFormat(options) === 'jsonl') {
    for (const one of interfaces) writer.line(JSON.stringify(one));
  } else {
    const width = Math.max(0, ...interfaces.map(({ name }) => name.length));
    for (const { name, addresses } of interfaces) {
      writer.line(`${terminal.paint.bold(name.padEnd(width))}  ${addresses.join(', ')}`.trimEnd());
    }
  }
  await writer.close();
  return ExitCode.done;
}
