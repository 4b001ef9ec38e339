// Replays captures with packets doubled, reordered, cut into small segments or in a tunnel; the events have to stay the same:
//   node --import tsx test/metamorphic.ts CAPTURE|FOLDER… [--only TRANSFORMATION]
// Prints each event that is missing or new, then the tally. Exit 1: something differs; 2: wrong usage.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { findCaptures } from '../src/capture/open-captures.js';
import { compare, eventsOf } from './metamorphic/events.js';
import { readCapture } from './metamorphic/frames.js';
import { transformations } from './metamorphic/transformations.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const chosen = transformations.filter(({ name }) => values.only === undefined || name === values.only);
if (positionals.length === 0 || chosen.length === 0) {
  process.stderr.write('usage: metamorphic.ts CAPTURE|FOLDER… [--only TRANSFORMATION]\n');
  process.exit(2);
}
const tallies = chosen.map((transformation) => ({ transformation, differing: 0, revealed: 0, captures: 0 }));
let events = 0;
const captures = findCaptures(positionals);
for (const { name } of captures) {
  const frames = readCapture(readFileSync(name));
  const expected = await eventsOf(frames);
  events += expected.length;
  for (const tally of tallies) {
    const { apply, reveals } = tally.transformation;
    const { missing, added, revealed } = compare(expected, await eventsOf(apply(frames)), reveals);
    tally.differing += Math.max(missing.length, added.length);
    tally.revealed += revealed.length;
    if (missing.length + added.length > 0) tally.captures += 1;
    const print = (what: string, lines: readonly string[]): void => {
      for (const line of lines)
        process.stdout.write(`${basename(name)}, ${tally.transformation.name}: ${what} ${line}\n`);
    };
    print('missing', missing);
    print('new', added);
    print('revealed', revealed);
  }
}
process.stdout.write(`${captures.length} captures, ${events} events\n`);
for (const { transformation, differing, revealed, captures: count } of tallies) {
  const more = transformation.reveals ? `, ${revealed} revealed` : '';
  process.stdout.write(`${transformation.name}: ${differing} differ, in ${count} captures${more}\n`);
}
process.exitCode = tallies.some(({ differing }) => differing > 0) ? 1 : 0;
