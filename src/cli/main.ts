#!/usr/bin/env node
// The entry point: the commands, and exit code 2 for wrong usage. Each command loads what it needs when it runs.
import { readFileSync, writeSync } from 'node:fs';
import { Command, CommanderError, Help, Option } from 'commander';
import { ExitCode, EXIT_CODES } from './command.js';
import { packageFile } from '../package-root.js';
import { COMMANDS } from './commands.js';

const DESCRIPTION = `What is really behind that TLS server?

hellotap follows TLS handshakes on a tap or in captures, fingerprints the servers behind
them with the ten Client Hellos of the paper "Active TLS Stack Fingerprinting" (TMA 2022),
and tags every flow against a local fingerprint database.`;

const AFTER = `
Examples:
  $ hellotap triage capture.pcap                        every TLS server in a capture
  $ hellotap triage --format jsonl captures/ > tls.json  a folder of captures, as EVE events
  $ sudo hellotap watch eth1 --probe-networks 10.0.0.0/8
  $ hellotap probe 192.0.2.7:443,www.example.org
  $ hellotap db import fingerprints.csv --label nginx --kind software
${EXIT_CODES}`;

function version(): string {
  const manifest = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

/** Whoever pages through the help may close it early. */
function put(fd: number): (text: string) => void {
  return (text) => {
    try {
      writeSync(fd, text);
    } catch {
      // Nobody reads it any more.
    }
  };
}

/** That a switch is off and a list is empty goes without saying. */
function optionDescription(option: Option): string {
  const { flags, description } = option;
  const defaultValue: unknown = option.defaultValue;
  const isNothing = defaultValue === false || (Array.isArray(defaultValue) && defaultValue.length === 0);
  return new Help().optionDescription(isNothing ? new Option(flags, description) : option);
}

const program = new Command('hellotap')
  .description(DESCRIPTION)
  .version(version())
  .addHelpText('after', AFTER)
  .showHelpAfterError('(hellotap COMMAND --help shows the options)')
  .configureOutput({ writeOut: put(1), writeErr: put(2) })
  .configureHelp({ sortSubcommands: false, helpWidth: 100, optionDescription })
  .exitOverride();

const [first = ''] = process.argv.slice(2);
const asked = COMMANDS[first];
const wanted = asked !== undefined ? [asked] : first === '--version' || first === '-V' ? [] : Object.values(COMMANDS);
const loaded = await Promise.all(wanted.map((load) => load()));
for (const command of loaded) program.addCommand(command.copyInheritedSettings(program));

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
}
