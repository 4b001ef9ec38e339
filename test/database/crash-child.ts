// A process that writes to a database until it is killed: imports tables and sets labels in turn, and tells on standard
// output what has been acknowledged. For crash.test.ts.
import { writeSync } from 'node:fs';
import { parseFingerprintKey } from '../../src/database/fingerprint-key.js';
import { importFile } from '../../src/database/import.js';
import { addLabel } from '../../src/database/labels.js';
import { sourceByName } from '../../src/database/source.js';
import { Store } from '../../src/database/store.js';

const [path = '', run = '0', ...tables] = process.argv.slice(2);
const say = (text: string): void => {
  // Synchronous: what was said before the kill arrives.
  writeSync(1, `${text}\n`);
};

const store = Store.open(path);
say('open');
for (let n = 0; ; n++) {
  const table = tables[n % tables.length] ?? '';
  const week = new Date(Date.parse('2022-06-27') + (n % 200) * 7 * 86_400_000);
  const report = await importFile(store, table, { seen: week, source: `toplist:${run}` });
  say(`import ${run} ${n % tables.length} ${week.toISOString()} ${report.rows}`);
  const name = `label-${run}-${n}`;
  const key = parseFingerprintKey(`endpoint:192.0.2.${n % 256}:443`);
  if (typeof key === 'string') throw new Error(key);
  addLabel(store, {
    key,
    label: { name, kind: 'other' },
    source: sourceByName('crash'),
    firstSeen: null,
    lastSeen: null,
    count: 1,
  });
  say(`label ${name}`);
}
