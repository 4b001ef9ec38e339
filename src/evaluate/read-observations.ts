// Where observations come from: tables (week,ip,port,server_name,fingerprint[,http_server][,jarm],source,label) and the
// database.

import { SIGHTINGS_BY_WEEK, type WeeklySightings } from '../database/sightings-by-week.js';
import { sourceByName } from '../database/source.js';
import type { Store } from '../database/store.js';
import { emptyCounts, readTable, type Header, type ReadCounts, type TableLoad } from '../database/table-reader.js';
import { fileBytes } from '../database/table-source.js';
import { WeekReader, type WeekForm } from '../database/week-text.js';
import { HellotapError } from '../errors.js';
import type { Observation } from './observations.js';

/** Takes rows that are equal, and how many. */
export type ObservationSink = (observation: Observation, count: number) => void;

export interface ObservationsRead extends ReadCounts {
  /** Null where there was no row. */
  readonly weekForm: WeekForm | null;
}

const NEEDED = ['week', 'fingerprint', 'source', 'label'] as const;

/**
 * Reads a table of observations; `name` stands for it in messages. Damaged rows are counted and listed. Throws ERR_IMPORT.
 * @param bytes the table without packing, where it does not come from a file of this name
 */
export async function readObservations(
  name: string,
  sink: ObservationSink,
  bytes: AsyncIterable<Uint8Array> = fileBytes(name),
  form: WeekForm | null = null,
): Promise<ObservationsRead> {
  const counts = emptyCounts();
  const weeks = new WeekReader(form);
  await readTable(name, bytes, counts, {
    choose: (header) => observationLoad(name, header, sink, weeks),
    inBatch: (body) => {
      body();
    },
  });
  return { ...counts, weekForm: weeks.form };
}

function observationLoad(path: string, header: Header, sink: ObservationSink, weeks: WeekReader): TableLoad {
  const missing = NEEDED.filter((column) => !header.has(column));
  if (missing.length > 0) {
    throw new HellotapError(
      'ERR_IMPORT',
      `${path}, line ${header.line}: no table of observations: ${missing.join(', ')} missing; expected ` +
        'week,ip,port,server_name,fingerprint[,http_server][,jarm],source,label',
    );
  }
  const at = (column: string): number => header.position(column);
  const [week, fingerprint, source, label] = [at('week'), at('fingerprint'), at('source'), at('label')];
  const [httpServer, jarm] = [at('http_server'), at('jarm')];
  return {
    table: 'observations',
    unknownColumns: [],
    merge: () => ({ changed: 0, newFingerprints: 0 }),
    row(values) {
      const cell = (position: number): string => (values[position] ?? '').trim();
      const number = weeks.read(cell(week));
      if (typeof number === 'string') return number;
      const list = sourceByName(cell(source)).class;
      if (list === null) return `"${cell(source).slice(0, 60)}" is neither toplist nor blocklist`;
      sink(
        {
          week: number,
          fingerprint: cell(fingerprint),
          httpServer: cell(httpServer),
          jarm: cell(jarm),
          source: list,
          label: cell(label),
        },
        1,
      );
      return null;
    },
  };
}

/** Gives what the database has seen, week by week; rows on no list too. Returns how many rows there were. */
export function readStoredObservations(store: Store, helloSet: string, sink: ObservationSink): number {
  let rows = 0;
  store.read(() => {
    for (const row of store.prepare<[string], WeeklySightings>(SIGHTINGS_BY_WEEK).iterate(helloSet)) {
      rows += row.servers;
      const { week, fingerprint, httpServer, jarm, source, label } = row;
      sink({ week, fingerprint, httpServer, jarm, source, label }, row.servers);
    }
  });
  return rows;
}
