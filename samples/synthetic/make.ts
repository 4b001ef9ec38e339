// Writes a table of SYNTHETIC observations, of any size, to standard output. Options: see README.md.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { parseTime } from '../../src/database/time-text.js';
import { weekOf } from '../../src/database/week.js';
import { weekText } from '../../src/database/week-text.js';
import { COLUMNS, csvRow, synthetic } from './observations.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000' },
    weeks: { type: 'string', default: '30' },
    fingerprints: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'first-week': { type: 'string' },
  },
});

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value >= 2 ** 32)
    throw new Error(`--${name} ${text}: no whole number from 1 on`);
  return value;
}

function mondayWeek(text: string): number {
  const time = parseTime(text);
  if (time === null) throw new Error(`--first-week ${text}: no date (YYYY-MM-DD)`);
  return weekOf(time);
}

const rows = whole('rows', values.rows);
const fingerprints =
  values.fingerprints === undefined ? Math.max(10, Math.ceil(rows / 20)) : whole('fingerprints', values.fingerprints);
const first = values['first-week'] === undefined ? null : mondayWeek(values['first-week']);
const weekOfRow = (week: number): number | string => (first === null ? week : weekText(first + week - 1, 'date'));

// Nobody reads on: no failure of ours.
process.stdout.on('error', () => process.exit(0));
let text = `# SYNTHETIC observations of no real server: hellotap's samples/synthetic\n${COLUMNS.join(',')}\n`;
for (const row of synthetic({
  rows,
  weeks: whole('weeks', values.weeks),
  fingerprints,
  seed: whole('seed', values.seed),
})) {
  text += `${csvRow({ ...row, week: weekOfRow(row.week) })}\n`;
  if (text.length < 1 << 20) continue;
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  text = '';
}
process.stdout.write(text);
