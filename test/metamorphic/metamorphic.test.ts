import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { GOLDEN } from '../capture/captures.js';
import { compare, eventsOf } from './events.js';
import { readCapture, type LinkFrame } from './frames.js';
import { transformations } from './transformations.js';

const SAMPLES = join(import.meta.dirname, '../../samples/captures');
const SHARED = join(import.meta.dirname, '../../../shared/pcaps');
/** Of the shared captures every so many is taken here; test/metamorphic.ts takes them all. */
const STRIDE = 16;

const own = [
  ...['with-sni.pcap', 'without-sni.pcap'].map((name) => join(GOLDEN, name)),
  ...readdirSync(SAMPLES)
    .filter((name) => /\.pcap(ng)?$/.test(name))
    .map((name) => join(SAMPLES, name)),
];

async function check(frames: readonly LinkFrame[], name: string): Promise<number> {
  const expected = await eventsOf(frames);
  for (const { name: transformation, apply, reveals } of transformations) {
    const { missing, added } = compare(expected, await eventsOf(apply(frames)), reveals);
    assert.deepEqual({ missing, added }, { missing: [], added: [] }, `${name}, ${transformation}`);
  }
  return expected.length;
}

describe('a capture with packets twice, in another order, in other segments, in a tunnel', () => {
  for (const capture of own) {
    it(`gives the same events: ${capture.slice(capture.lastIndexOf('/') + 1)}`, async () => {
      assert.notEqual(await check(readCapture(readFileSync(capture)), capture), 0);
    });
  }

  it('gives the same events where other projects made it', async (t) => {
    if (!existsSync(SHARED)) {
      t.skip('needs ../shared/pcaps');
      return;
    }
    const captures = readdirSync(SHARED).filter((name) => name.includes('cap'));
    let events = 0;
    for (let at = 0; at < captures.length; at += STRIDE) {
      const name = captures[at] ?? '';
      events += await check(readCapture(readFileSync(join(SHARED, name))), name);
    }
    assert.notEqual(events, 0);
  });
});
