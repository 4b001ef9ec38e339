// Options that several commands share. Each is defined here once; `hellotap COMMAND --help` and the configuration file
// follow from it.
import { Option } from 'commander';
import { decimal, integer, list, option, portRange, repeatable } from './option.js';

/** What every command understands. */
export interface CommonOptions {
  readonly config?: string;
  readonly logLevel: LogLevel;
  readonly quiet: boolean;
  readonly color: boolean;
}

/** Where results go and in what shape. */
export interface OutputOptions {
  readonly format?: string;
  readonly output?: string;
  /** Keep what the file holds, and go on behind it. */
  readonly append?: boolean;
  /** Files that the command reads: none of them is written over. */
  readonly inputs?: readonly string[] | undefined;
}

/** How and whom the prober may probe. */
export interface ProbingOptions {
  readonly exclude: readonly string[];
  readonly rate: number;
  readonly perServerRate: number;
  readonly concurrency: number;
  readonly connectTimeout: number;
  readonly handshakeTimeout: number;
  readonly perPrefixRate: number;
  readonly perServerConcurrency: number;
  readonly shuffleOver?: number;
  readonly retries: number;
  readonly sourceAddress?: string;
  readonly sourcePorts?: readonly [first: number, last: number];
  readonly helloSet: string;
  readonly jarm: boolean;
  readonly http: boolean;
}

/** Probing by itself of servers that were seen. */
export interface AutomaticProbingOptions extends ProbingOptions {
  readonly probe: boolean;
  readonly probeNetworks: readonly string[];
  readonly newProbesPerMinute: number;
  readonly retryAfter: number;
  readonly allowOneSided: boolean;
}

export const LOG_LEVELS = ['error', 'warning', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const commonOptions = (): Option[] => [
  option('--config <file>', 'read options from a YAML file; its keys are the long options, the command line wins'),
  new Option('--log-level <level>', 'what goes to standard error').choices(LOG_LEVELS).default('warning'),
  option('--quiet', 'no progress and no warnings; errors only', undefined, false),
  option('--no-color', 'no colours on a terminal (also: NO_COLOR)'),
];

export const outputOptions = (formats: readonly string[]): Option[] => [
  new Option('--format <format>', 'default: table on a terminal, jsonl elsewhere').choices(formats),
  option('--output <file>', 'write results to a file instead of standard output'),
];

export const databaseOption = (): Option =>
  option('--database <path>', 'the local fingerprint database (default: $XDG_DATA_HOME/hellotap/hellotap.db)');

export const probingOptions = (): Option[] => [
  repeatable(
    '--exclude <file>',
    'addresses that get no packet at all: one CIDR per line, # comments; always wins, read again when it changes; may be given several times',
  ),
  option('--rate <n>', 'new connections per second, in all', decimal(0.01, 1_000_000), 100),
  option('--per-server-rate <n>', 'new connections per second to one address; 0: no limit', decimal(0, 100_000), 10),
  option(
    '--per-prefix-rate <n>',
    'new connections per second to one /24 (IPv4) or /48 (IPv6); 0: no limit',
    decimal(0, 100_000),
    0,
  ),
  option('--concurrency <n>', 'connections open at once', integer(1, 60_000), 1000),
  option('--per-server-concurrency <n>', 'connections open at once to one address', integer(1, 1000), 1),
  option(
    '--shuffle-over <n>',
    'servers among which connections are shuffled; default: as many as --rate',
    integer(1, 1_000_000),
  ),
  option('--connect-timeout <seconds>', 'for the TCP connection', decimal(0.01, 3600), 10),
  option('--handshake-timeout <seconds>', 'for the whole handshake', decimal(0.01, 3600), 10),
  option('--retries <n>', 'how often a connection that timed out without an answer is tried again', integer(0, 10), 1),
  option('--source-address <ip>', 'probe from this local address'),
  option('--source-ports <first-last>', 'probe from these local ports', portRange),
  option(
    '--hello-set <name|dir>',
    'Client Hellos to send: atsf-2022, jarm-2020, or a folder with a hello set (ours, or JSON presets of goscanner)',
    undefined,
    'atsf-2022',
  ),
  option('--jarm', 'find out the JARM as well: ten more connections to each server', undefined, false),
  option('--http', 'ask for the HTTP Server header as well: one more connection, with HEAD /', undefined, false),
];

export const automaticProbingOptions = (): Option[] => [
  option(
    '--probe-networks <cidr,...>',
    'what may be probed by itself; default: every public address (private, loopback, link-local, multicast and reserved only where named)',
    list,
    [],
  ),
  ...probingOptions(),
  option('--new-probes-per-minute <n>', 'servers probed for the first time, per minute', integer(1, 1_000_000), 600),
  option(
    '--retry-after <hours>',
    'how long a server whose probe was incomplete is left alone',
    decimal(0, 100_000),
    24,
  ),
  option('--allow-one-sided', 'probe servers whose handshake was seen in one direction only', undefined, false),
];
