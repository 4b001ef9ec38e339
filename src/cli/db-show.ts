// `hellotap db show` and `db stats`: what the database knows of one thing, and how much it holds.
import { Command } from 'commander';
import { addressBytes, addressText } from '../database/address.js';
import { parseEndpoint } from '../database/fingerprint-key.js';
import {
  showEndpoint,
  showFingerprints,
  showLabels,
  showServers,
  type FingerprintCard,
  type LabelCard,
  type ServerCard,
} from '../database/show.js';
import { databaseStats, type DatabaseStats } from '../database/stats.js';
import type { Store } from '../database/store.js';
import { timeText } from '../database/time-text.js';
import type { LineWriter } from '../output/line-writer.js';
import { ExitCode, framed } from './command.js';
import { databaseOption, outputOptions, type OutputOptions } from './common-options.js';
import { openWriter } from './open-sink.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { option, withOptions } from './option.js';
import { outputFormat } from './output-format.js';
import { percent, tableLines } from './plain-output.js';

type ShowFlags = DatabaseOptions & OutputOptions & { readonly helloSet?: string };

const SHOW_HELP = `
Examples:
  $ hellotap db show 192.0.2.7                     every state in which servers at an address were seen
  $ hellotap db show 192.0.2.7:443,www.example.org  one server
  $ hellotap db show 4f1a9c                        a fingerprint, by the beginning of its id
  $ hellotap db show cert-sha1:0123…               what is said of a listed certificate
  $ hellotap db show "Cobalt Strike"               the fingerprints of a label`;

/** What was found of one thing that was asked for. */
interface Found {
  readonly servers: readonly ServerCard[];
  readonly fingerprints: readonly FingerprintCard[];
  readonly labels: readonly LabelCard[];
}

export function showCommand(): Command {
  const command = new Command('show')
    .description('what is known of a server, a fingerprint or a label')
    .argument('<what...>', 'ip, ip:port, ip:port,name; a fingerprint, its id or the beginning of it; a label')
    .addHelpText('after', SHOW_HELP);
  withOptions(command, [
    databaseOption(),
    option('--hello-set <name>', 'fingerprints of this hello set (default: atsf-2022)'),
    ...outputOptions(['table', 'jsonl']),
  ]);
  return framed<ShowFlags>(command, async (things, options, { terminal }) => {
    const store = openStore(options, false);
    let missing = 0;
    try {
      const writer = openWriter(options);
      for (const thing of things) {
        const found = store.read(() => find(store, thing, options.helloSet));
        if (found.servers.length + found.fingerprints.length + found.labels.length === 0) {
          terminal.error(`nothing is known of "${thing}"`);
          missing += 1;
        }
        print(found, writer, outputFormat(options));
      }
      await writer.close();
    } finally {
      store.close();
    }
    if (missing === things.length) return ExitCode.failed;
    return missing > 0 ? ExitCode.partial : ExitCode.done;
  });
}

function find(store: Store, thing: string, helloSet: string | undefined): Found {
  const comma = thing.indexOf(',');
  const place = comma < 0 ? thing : thing.slice(0, comma);
  const serverName = comma < 0 ? undefined : thing.slice(comma + 1);
  const bytes = addressBytes(place.replace(/^\[(.*)\]$/, '$1'));
  const server = bytes === null ? parseEndpoint(place) : { address: addressText(bytes), port: undefined };
  if (server !== null) {
    const endpoint = server.port === undefined ? null : showEndpoint(store, server.address, server.port);
    return {
      servers: showServers(store, server.address, server.port, serverName),
      fingerprints: endpoint === null ? [] : [endpoint],
      labels: [],
    };
  }
  return { servers: [], fingerprints: showFingerprints(store, thing, helloSet), labels: showLabels(store, thing) };
}

function print({ servers, fingerprints, labels }: Found, writer: LineWriter, format: 'table' | 'jsonl'): void {
  if (format === 'jsonl') {
    for (const server of servers) writer.line(JSON.stringify({ type: 'server', ...serverJson(server) }));
    for (const one of fingerprints) writer.line(JSON.stringify({ type: 'fingerprint', ...fingerprintJson(one) }));
    for (const { name, kind, fingerprints: count, examples } of labels) {
      const record = { type: 'label', name, kind, fingerprints: count, examples: examples.map(fingerprintJson) };
      writer.line(JSON.stringify(record));
    }
    return;
  }
  for (const line of [
    ...(servers.length === 0 ? [] : serverTable(servers)),
    ...fingerprints.flatMap(fingerprintLines),
    ...labels.flatMap((label) => [
      `label ${label.name} (${label.kind}): ${label.fingerprints} fingerprints`,
      ...label.examples.flatMap(fingerprintLines),
    ]),
  ]) {
    writer.line(line);
  }
}

function serverJson(server: ServerCard): Record<string, unknown> {
  return {
    ip: server.address,
    port: server.port,
    sni: server.serverName,
    fingerprint_id: server.fingerprintId,
    hello_set: server.helloSet,
    first_seen: timeText(server.firstSeen),
    last_seen: timeText(server.lastSeen),
    weeks: server.weeks,
    outcome: server.outcome,
    http_server: server.httpServer,
    source: server.source === '' ? null : server.source,
  };
}

function fingerprintJson(card: FingerprintCard): Record<string, unknown> {
  return {
    kind: card.kind,
    id: card.id,
    key: card.key,
    labels: card.labels.map(({ name, kind, share, count, firstSeen, lastSeen, sources }) => ({
      name,
      kind,
      share,
      count,
      first_seen: optionalTime(firstSeen),
      last_seen: optionalTime(lastSeen),
      sources,
    })),
    c2_score: card.c2Score,
    blocklist: card.lists.blocklist,
    toplist: card.lists.toplist,
    servers: card.servers,
    examples: card.examples.map(serverJson),
  };
}

function serverTable(servers: readonly ServerCard[]): string[] {
  return tableLines(
    ['server', 'SNI', 'fingerprint', 'first seen', 'last seen', 'weeks', 'source'],
    servers.map((server) => [
      serverText(server),
      server.serverName ?? '-',
      server.fingerprintId ?? `none${server.outcome === null ? '' : ` (${server.outcome})`}`,
      day(server.firstSeen),
      day(server.lastSeen),
      String(server.weeks),
      server.source === '' ? '-' : server.source,
    ]),
  );
}

function fingerprintLines(card: FingerprintCard): string[] {
  const { blocklist, toplist } = card.lists;
  const score =
    card.c2Score === null
      ? 'never seen on a list'
      : `C2 score ${card.c2Score.toFixed(2)} (${blocklist} on block lists, ${toplist} on top lists)`;
  return [
    `${card.kind} ${card.id}: ${card.servers} servers, ${score}`,
    ...card.key.split('|').map((part) => `    ${part}`),
    ...(card.labels.length === 0
      ? ['  no label']
      : tableLines(
          ['label', 'kind', 'share', 'count', 'first seen', 'last seen', 'source'],
          card.labels.map(({ name, kind, share, count, firstSeen, lastSeen, sources }) => [
            name,
            kind,
            percent(share),
            String(count),
            firstSeen === null ? '-' : day(firstSeen),
            lastSeen === null ? '-' : day(lastSeen),
            sources.join(', '),
          ]),
        )),
    ...(card.examples.length === 0 ? [] : [`  seen at ${card.examples.map(serverText).join(' ')}`]),
  ];
}

function serverText({ address, port }: ServerCard): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function day(seconds: number): string {
  return timeText(seconds).slice(0, 10);
}

function optionalTime(seconds: number | null): string | null {
  return seconds === null ? null : timeText(seconds);
}

export function statsCommand(): Command {
  const command = new Command('stats')
    .description('how much the database holds')
    .addHelpText('after', '\nExample:\n  $ hellotap db stats --database lab.db');
  withOptions(command, [databaseOption(), ...outputOptions(['table', 'jsonl'])]);
  return framed<DatabaseOptions & OutputOptions>(command, async (_, options) => {
    const store = openStore(options, false);
    try {
      const stats = databaseStats(store);
      const writer = openWriter(options);
      const lines = outputFormat(options) === 'jsonl' ? [JSON.stringify(statsJson(stats))] : statsLines(stats);
      for (const line of lines) writer.line(line);
      await writer.close();
    } finally {
      store.close();
    }
    return ExitCode.done;
  });
}

function statsJson(stats: DatabaseStats): Record<string, unknown> {
  const { path, schemaVersion, bytes, servers, states, incomplete, firstSeen, lastSeen, ...rest } = stats;
  return {
    path,
    schema_version: schemaVersion,
    bytes,
    servers,
    states,
    incomplete,
    first_seen: optionalTime(firstSeen),
    last_seen: optionalTime(lastSeen),
    ...rest,
  };
}

function statsLines(stats: DatabaseStats): string[] {
  const counts = (record: Readonly<Record<string, number>>): string =>
    Object.entries(record)
      .map(([name, n]) => `${n} ${name}`)
      .join(', ') || 'none';
  const span =
    stats.firstSeen === null || stats.lastSeen === null ? '' : `, ${day(stats.firstSeen)} to ${day(stats.lastSeen)}`;
  return [
    `${stats.path}: schema ${stats.schemaVersion}, ${(stats.bytes / 1e6).toFixed(1)} MB`,
    `servers: ${stats.servers}${span}, in ${stats.states} states, ${stats.incomplete} of them without a complete fingerprint`,
    `fingerprints: ${counts(stats.fingerprints)}`,
    `labels: ${stats.labels}; labelled fingerprints: ${counts(stats.labelled)}`,
    `block-list entries: ${stats.listed}`,
    `on lists (servers and weeks): ${stats.blocklist} on block lists, ${stats.toplist} on top lists`,
  ];
}
