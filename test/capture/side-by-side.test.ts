import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { HellotapError } from '../../src/errors.js';
import { openFileSource } from '../../src/capture/file-source.js';
import { findCaptures } from '../../src/capture/open-captures.js';
import { BATCH_BYTES } from '../../src/capture/packet-addon.js';
import { PacketCore } from '../../src/capture/packet-core.js';
import { sideBySide } from '../../src/capture/side-by-side.js';
import { pcap, readFrames, WITH_SNI } from './captures.js';
import { observe } from './observed.js';

const folder = mkdtempSync(join(tmpdir(), 'hellotap-side-by-side-'));
after(() => {
  rmSync(folder, { recursive: true });
});
const frames = readFrames(WITH_SNI);
/** More than are read at once; the first is longest, so that the others are ready long before. */
const paths = Array.from({ length: 12 }, (_, index) => {
  const path = join(folder, `${index}.pcap`);
  writeFileSync(path, pcap(index === 0 ? frames : frames.slice(index * 400, index * 400 + 1000)));
  return path;
});
const going = new AbortController().signal;

describe('captures side by side', () => {
  it('give what each gives by itself, in the order given', async () => {
    for (const [index, open] of sideBySide(findCaptures(paths), {}, going).entries()) {
      const source = await open();
      assert.equal(source.inputName(0), paths[index]);
      const seen = await observe(source);
      const alone = await observe(openFileSource(paths[index]!));
      assert.ok(alone.flows.length > 0);
      assert.deepEqual({ ...seen, flowIds: alone.flowIds }, alone);
    }
  });

  it('fail one by one, each when it is its turn', async () => {
    const none = join(folder, 'none');
    writeFileSync(none, 'this is no capture');
    const named = [paths[1]!, none, join(folder, 'missing'), paths[2]!].map((name) => ({
      name,
      kind: 'file' as const,
    }));
    const outcomes: string[] = [];
    for (const open of sideBySide(named, {}, going)) {
      try {
        const { flows } = await observe(await open());
        outcomes.push(flows.length > 0 ? 'flows' : 'nothing');
      } catch (error) {
        assert.ok(error instanceof HellotapError);
        outcomes.push(error.code);
      }
    }
    assert.deepEqual(outcomes, ['flows', 'ERR_CAPTURE_FORMAT', 'ERR_CAPTURE_OPEN', 'flows']);
  });

  it('apply the filter, and say when it is none', async () => {
    const [open] = sideBySide(findCaptures(paths), { filter: 'udp' }, going);
    assert.deepEqual((await observe(await open!())).flows, []);
    const [wrong] = sideBySide(findCaptures(paths), { filter: 'no filter' }, going);
    await assert.rejects(async () => wrong!(), { code: 'ERR_USAGE' });
  });

  it('end when they are told to, the one that is read and those ahead', async () => {
    const stop = new AbortController();
    const sources = sideBySide(findCaptures(paths), {}, stop.signal);
    const first = await sources[0]!();
    stop.abort();
    first.close();
    const { packets } = (await observe(first), first.counters());
    assert.ok(packets <= frames.length);
    // It was opened ahead, and is read no further.
    await observe(await sources[1]!());
  });
});

describe('a packet core that is at work in another thread', () => {
  it('may be asked for nothing but its counters', async () => {
    const core = new PacketCore();
    core.openFile(WITH_SNI);
    const draining = core.drainAside(new Uint8Array(BATCH_BYTES), 1);
    assert.deepEqual(core.counters().packets, 0);
    for (const call of [
      () => core.drain(1),
      () => core.finish(),
      () => {
        core.advance(1);
      },
      () => core.openFile(WITH_SNI),
      () => core.openFiles,
      () => {
        core.close();
      },
      () => {
        core.dispose();
      },
      () => {
        core.setHorizon(1);
      },
    ]) {
      assert.throws(call, { name: 'TypeError', message: /another thread/ });
    }
    await draining;
    assert.ok(core.counters().packets > 0);
    core.dispose();
  });
});
