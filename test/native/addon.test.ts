import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { PacketCore } from '../../src/capture/packet-core.js';
import { HoleKind, Stop } from '../../src/capture/teller.js';
import { GOLDEN, readFrames, WITH_SNI } from '../capture/captures.js';

type NativeCore = Record<string, (...values: unknown[]) => unknown>;
const require = createRequire(import.meta.url);
const addon = require('../../native/build/Release/hellotap.node') as {
  PacketCore: new (...values: unknown[]) => NativeCore;
  Teller: new (...values: unknown[]) => NativeCore;
  maxRecordBytes: number;
};

describe('the addon', () => {
  const batch = new Uint8Array(addon.maxRecordBytes);
  const wrongCalls: readonly [call: (core: NativeCore) => unknown, message: RegExp][] = [
    [(core) => core['openFile']!(7), /path has to be a string/],
    [(core) => core['openFrames']!(-1), /link type/],
    [(core) => core['openFrames']!(), /link type/],
    [(core) => core['push']!(new Uint8Array(1)), /no stream open/],
    [(core) => core['drain']!(batch, 1), /no input is open/],
    [(core) => core['drain']!(new Uint8Array(10), 1), /smaller than one record/],
    [(core) => core['drain']!(new Float64Array(batch.length), 1), /has to be a Uint8Array/],
    [(core) => core['drain']!(batch, Number.NaN), /budget/],
    [(core) => core['finish']!(), /Uint8Array of at least/],
    [(core) => core['advance']!('now'), /microseconds/],
    [(core) => core['counters']!(new Float64Array(1)), /Float64Array with an element per counter/],
    [(core) => core['setFilter']!('tcp'), /link type/],
    [(core) => core['continueStream']!(new Uint8Array(24), 0, 0), /no header of a pcap/],
    [(core) => core['continueStream']!(new Uint8Array(24), -1, 0), /offset and delivered/],
  ];
  it('checks its arguments, and names what is wrong', () => {
    for (const [call, message] of wrongCalls)
      assert.throws(() => call(new addon.PacketCore()), { name: 'TypeError', message });
    for (const options of [5, { maxFlows: 0 }, { maxFlows: 1.5 }, { maxFlows: '9' }, { reassemblyBytes: 1 }]) {
      assert.throws(() => new addon.PacketCore(options), { name: 'TypeError' });
    }
  });

  const reserved = new Uint8Array(32);
  const numbers = new Uint32Array(6);
  const told = new Float64Array(10);
  const wrongTellings: readonly [method: string, ...values: unknown[]][] = [
    ['learnOpening', 'opening', numbers],
    ['learnOpening', batch, [0, 1, 0]],
    ['describeClient', 1, numbers, batch, 'text'],
    ['describeServer', 1, numbers, batch, batch, batch, 1],
    ['learnCertificate', batch, numbers, batch, batch],
    ['describeClient', 1, numbers.subarray(0, 3), batch, batch],
    ['listCertificates', '00'],
    ['knowOwnHellos', 7],
    ['nameInput', '0', batch],
    ['answer', batch, 8, 0, true, 0, 0, '{}', 0, 0],
    ['recognise', batch, 1],
    ['recognise', batch, 1, batch],
    ['tell', batch, 8, -1, 0, batch, told],
    ['tell', batch, 8, 0, 0, batch, new Float64Array(3)],
  ];
  it('checks the arguments of the teller', () => {
    for (const values of [[], [new Uint8Array(31)], ['r'.repeat(32)]])
      assert.throws(() => new addon.Teller(...values), { name: 'TypeError' });
    const teller = new addon.Teller(reserved);
    for (const [method, ...values] of wrongTellings) {
      assert.throws(() => teller[method]!(), { name: 'TypeError' });
      assert.throws(() => teller[method]!(...values), { name: 'TypeError' }, `${method} took ${values.join()}`);
    }
  });

  it('takes no stencil whose holes are out of order, out of bounds, or not filled as they should be', () => {
    const teller = new addon.Teller(reserved);
    const opening = new Uint8Array(40);
    const learn = (...holes: number[]): unknown => teller['learnOpening']!(opening, Uint32Array.from(holes));
    for (const holes of [
      [4, 3, 0],
      [4, 8, 0, 7, 9, 0],
      [0, 41, 0],
      [4294967295, 4294967295, 0],
      [4, 6, HoleKind.Grease],
      [0, 32, HoleKind.Other],
      [4, 8, HoleKind.Name],
    ])
      assert.equal(learn(...holes), 0, holes.join());
    assert.notEqual(learn(4, 8, 0, 8, 16, 0), 0);
  });

  it('tells nothing of a batch that is none, or shorter than it is said to be', () => {
    const teller = new addon.Teller(reserved);
    const text = new Uint8Array(1 << 17);
    for (const [length, at] of [
      [64, 0],
      [batch.length + 1, 0],
      [64, 65],
    ]) {
      teller['tell']!(batch, length, at, 0, text, told);
      assert.deepEqual([told[0], told[2], told[3]], [Stop.End, 0, 0]);
      assert.equal(teller['recognise']!(batch, length, numbers), 0);
      assert.equal(teller['answer']!(batch, length, at, true, 1, 0, Buffer.from('{}'), 0, 0), false);
    }
  });

  it('takes no more of a stream before what came is drained', () => {
    const core = new addon.PacketCore();
    core['openStream']!();
    core['push']!(new Uint8Array(5));
    assert.throws(() => core['push']!(new Uint8Array(5)), /has not been drained/);
  });

  it('does nothing more once it is disposed of, and keeps its counters', () => {
    const core = new PacketCore();
    core.openFile(WITH_SNI);
    while (core.state === 'more') core.drain(1 << 20);
    core.dispose();
    core.dispose();
    assert.equal(core.counters().packets, readFrames(WITH_SNI).length);
    for (const call of [
      () => core.drain(1),
      () => core.finish(),
      () => {
        core.openFile(WITH_SNI);
      },
      () => {
        core.openStream();
      },
    ]) {
      assert.throws(call, { name: 'TypeError', message: /was disposed of/ });
    }
    assert.equal(core.state, 'ended');
  });

  it('reads one capture after another into the same table', () => {
    const core = new PacketCore();
    const flows = new Set<number>();
    for (const name of ['with-sni.pcap', 'without-sni.pcap']) {
      core.openFile(`${GOLDEN}/${name}`);
      while (core.state === 'more') {
        for (const record of core.drain(1 << 16) ?? []) if (record.kind === 'flow') flows.add(record.flowId);
      }
    }
    for (let last = core.finish(); last; last = core.finish()) {
      for (const record of last) if (record.kind === 'flow') flows.add(record.flowId);
    }
    assert.equal(flows.size, core.counters()['flowsEmitted']);
    assert.equal(
      core.counters().packets,
      ['with-sni.pcap', 'without-sni.pcap'].flatMap((name) => readFrames(`${GOLDEN}/${name}`)).length,
    );
  });

  it('gives the same in small slices as in large ones', () => {
    const counts = [1, 1000, 1e9].map((budget) => {
      const core = new PacketCore();
      core.openFile(WITH_SNI);
      let flows = 0;
      while (core.state === 'more') for (const record of core.drain(budget) ?? []) if (record.kind === 'flow') flows++;
      for (let last = core.finish(); last; last = core.finish())
        for (const record of last) if (record.kind === 'flow') flows++;
      return flows;
    });
    assert.deepEqual(new Set(counts).size, 1);
  });

  it('works in several threads at once, with numbers that are theirs alone', async () => {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.addon);
      const core = new addon.PacketCore();
      core.openFile(workerData.capture);
      const batch = new Uint8Array(1 << 20);
      const view = new DataView(batch.buffer);
      const ids = [];
      const read = (length) => {
        for (let at = 0; at < length; at += view.getUint32(at, true)) if (batch[at + 4] === 1) ids.push(view.getFloat64(at + 8, true));
      };
      do read(core.drain(batch, 1e6)); while (core.state === 'more');
      for (let length; (length = core.finish(batch)) > 0; ) read(length);
      parentPort.postMessage(ids);`;
    const workerData = { addon: require.resolve('../../native/build/Release/hellotap.node'), capture: WITH_SNI };
    const seen = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise<number[]>((resolve, reject) => {
            new Worker(code, { eval: true, workerData }).once('message', resolve).once('error', reject);
          }),
      ),
    );
    assert.equal(new Set(seen.flat()).size, 3 * 510);
  });
});
