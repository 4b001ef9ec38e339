// The database's content as tables: those that go in (CONTRACT), and one of everything known of servers, for analysis.

import { HellotapError } from '../errors.js';
import { addressText } from './address.js';
import type { Cell, ColumnType, ExportTable } from './export-table.js';
import { keyText } from './fingerprint-key.js';
import { ATSF_2022 } from './hello-set.js';
import { labelEvidence } from './scores.js';
import { SERVER_STATES } from './server-states.js';
import type { Store } from './store.js';
import { weekText } from './week-text.js';
import { weekOf } from './week.js';

/**
 * `ip,port,server_name,<one per Client Hello>,fingerprint`: each server's newest complete fingerprint, in the order of
 * addresses. Throws ERR_HELLO_SET where the database has no such hello set, or does not know its Client Hellos.
 */
export function fingerprintTable(store: Store, helloSet: string = ATSF_2022.name): ExportTable {
  const kind = store
    .prepare<[string], { id: number; hellos: string | null }>(
      `SELECT id, hellos FROM fingerprint_kind WHERE name = ? AND family = 'stack'`,
    )
    .get(helloSet);
  if (kind === undefined || kind.hellos === null) {
    throw new HellotapError('ERR_HELLO_SET', `${store.path}: holds no answers to a hello set named "${helloSet}"`);
  }
  const hellos = JSON.parse(kind.hellos) as string[];
  return {
    columns: columns({
      ip: 'text',
      port: 'integer',
      server_name: 'text',
      ...Object.fromEntries(hellos.map((hello) => [hello, 'text' as const])),
      fingerprint: 'text',
    }),
    rows: fingerprintRows(store, kind.id, hellos),
  };
}

interface AnswerRow {
  address: Uint8Array;
  port: number;
  name: string;
  answers: string | null;
  fingerprint: string;
}

function* fingerprintRows(store: Store, kind: number, hellos: readonly string[]): Generator<Cell[]> {
  const rows = store
    .prepare<[number], AnswerRow>(
      `SELECT s.address, s.port, s.name, a.text AS answers, f.text AS fingerprint
       FROM server s
       JOIN profile p ON p.id = s.profile_id
       JOIN answers a ON a.id = p.answers_id
       JOIN fingerprint f ON f.id = a.fingerprint_id
       WHERE a.kind_id = ? AND f.text IS NOT NULL
       ORDER BY s.address, s.port, s.name, s.last_seen DESC, s.profile_id DESC`,
    )
    .iterate(kind);
  let previous = '';
  for (const row of rows) {
    const ip = addressText(row.address);
    const server = `${ip} ${row.port} ${row.name}`;
    if (server === previous) continue;
    previous = server;
    const texts = (row.answers ?? row.fingerprint).split('|');
    yield [ip, row.port, row.name, ...hellos.map((_, i) => texts[i] ?? ''), row.fingerprint];
  }
}

/**
 * `fingerprint,label,kind,source,first_seen,last_seen,count`: every label of every kind of fingerprint, one row per source,
 * in the order in which fingerprints were first met.
 */
export function labelTable(store: Store): ExportTable {
  return {
    columns: columns({
      fingerprint: 'text',
      label: 'text',
      kind: 'text',
      source: 'text',
      first_seen: 'time',
      last_seen: 'time',
      count: 'integer',
    }),
    rows: labelRows(store),
  };
}

function* labelRows(store: Store): Generator<Cell[]> {
  const fingerprints = store
    .prepare<[], { id: number; kind: string; digest: Uint8Array; text: string | null }>(
      `SELECT f.id, k.name AS kind, f.digest, f.text
       FROM fingerprint f JOIN fingerprint_kind k ON k.id = f.kind_id
       WHERE f.id IN (SELECT fingerprint_id FROM claim) ORDER BY f.id`,
    )
    .iterate();
  for (const { id, kind, digest, text } of fingerprints) {
    const key = keyText(kind, digest, text);
    for (const { label, kind: labelKind, source, firstSeen, lastSeen, count } of labelEvidence(store, {
      id,
      kind,
      digest,
    })) {
      if (label !== null) yield [key, label, labelKind, source, firstSeen, lastSeen, count];
    }
  }
}

/** Everything known of servers: one row per server and state in which it was seen, in the order of addresses. */
export function serverTable(store: Store): ExportTable {
  const types = columns({
    ip: 'text',
    port: 'integer',
    server_name: 'text',
    hello_set: 'text',
    fingerprint_id: 'text',
    fingerprint: 'text',
    jarm: 'text',
    http_server: 'text',
    source: 'text',
    list: 'text',
    label: 'text',
    label_kind: 'text',
    first_seen: 'time',
    last_seen: 'time',
    weeks: 'integer',
    outcome: 'text',
  });
  return { columns: types, rows: serverRows(store, types) };
}

function* serverRows(store: Store, types: ExportTable['columns']): Generator<Cell[]> {
  const rows = store.prepare<[], { address: Uint8Array } & Record<string, Cell>>(
    `SELECT s.address, s.port, s.name AS server_name, k.name AS hello_set, lower(hex(f.digest)) AS fingerprint_id,
       f.text AS fingerprint, lower(hex(j.digest)) AS jarm, h.text AS http_server, o.name AS source, o.class AS list,
       l.name AS label, l.kind AS label_kind, s.first_seen, s.last_seen, s.count AS weeks, p.outcome
     ${SERVER_STATES}
     ORDER BY s.address, s.port, s.name, s.last_seen, s.profile_id`,
  );
  for (const row of rows.iterate()) {
    // hex() of nothing is an empty text.
    yield types.map(({ name }) =>
      name === 'ip' ? addressText(row.address) : row[name] === '' ? null : (row[name] ?? null),
    );
  }
}

interface SightingRow {
  address: Uint8Array;
  port: number;
  name: string;
  fingerprint: string | null;
  httpServer: string | null;
  jarm: string;
  source: string;
  list: string;
  label: string | null;
  lastSeen: number;
  weeks: number;
}

/**
 * `week,ip,port,server_name,fingerprint,http_server,jarm,source,label`, what `evaluate` reads: one row per server and week,
 * of servers on a list. Of a server that stayed as it was, the last 53 weeks are told apart (schema.ts).
 */
export function observationTable(store: Store, helloSet: string = ATSF_2022.name): ExportTable {
  return {
    columns: columns({
      week: 'text',
      ip: 'text',
      port: 'integer',
      server_name: 'text',
      fingerprint: 'text',
      http_server: 'text',
      jarm: 'text',
      source: 'text',
      label: 'text',
    }),
    rows: observationRows(store, helloSet),
  };
}

function* observationRows(store: Store, helloSet: string): Generator<Cell[]> {
  const rows = store
    .prepare<[string], SightingRow>(
      `SELECT s.address, s.port, s.name, CASE WHEN k.name = ? THEN f.text END AS fingerprint, h.text AS httpServer,
         lower(hex(j.digest)) AS jarm, o.name AS source, o.class AS list, l.name AS label, s.last_seen AS lastSeen, s.weeks
       ${SERVER_STATES}
       WHERE o.class IS NOT NULL
       ORDER BY s.address, s.port, s.name, s.last_seen, s.profile_id`,
    )
    .iterate(helloSet);
  for (const { address, port, name, fingerprint, httpServer, jarm, source, list, label, lastSeen, weeks } of rows) {
    const listed = source === list || source.startsWith(`${list}:`) ? source : `${list}:${source}`;
    const rest = [addressText(address), port, name, fingerprint, httpServer, jarm, listed, label];
    const last = weekOf(lastSeen);
    // More bits than the operators on integers take.
    for (let back = 0, bits = weeks; bits > 0; back += 1, bits = Math.floor(bits / 2)) {
      if (bits % 2 === 1) yield [weekText(last - back, 'date'), ...rest];
    }
  }
}

function columns(types: Readonly<Record<string, ColumnType>>): ExportTable['columns'] {
  return Object.entries(types).map(([name, type]) => ({ name, type }));
}
