import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findCaptures } from '../../src/capture/open-captures.js';
import { peekCapture } from '../../src/capture/packet-core.js';
import { pcap, pcapng, readFrames, WITH_SNI } from './captures.js';
import { compressions } from './compressed.js';
import { chunksOf, observeFile, observeStream, sorted } from './observed.js';

const frames = readFrames(WITH_SNI).slice(0, 400);
const capture = pcap(frames);
/** The same with half a gigabyte of zeros behind it. */
const swollen = Buffer.alloc(512 << 20);
capture.copy(swollen);
const expected = sorted((await observeFile(capture)).flows);

for (const [name, compress] of compressions) {
  describe(`a capture that is compressed with ${name}`, { skip: compress === null && `needs ${name}` }, () => {
    const packed = (bytes: Buffer): Buffer => compress!(bytes);

    it('gives what it gives without, as a file and as a stream, pcap and pcapng', async () => {
      for (const bytes of [capture, pcapng(frames), pcap(frames, { order: 'big', nanoseconds: true })]) {
        for (const seen of [await observeFile(packed(bytes)), await observeStream(chunksOf(packed(bytes), 1000))]) {
          assert.deepEqual(seen.anomalies, []);
          assert.deepEqual(sorted(seen.flows), expected);
        }
      }
    });

    it('is found in a folder, and put in order by the time of its first packet, however long it is', () => {
      const folder = mkdtempSync(join(tmpdir(), 'hellotap-packed-'));
      const path = join(folder, 'long.pcap.packed');
      for (const bytes of [pcap(readFrames(WITH_SNI)), pcapng(readFrames(WITH_SNI))]) {
        writeFileSync(path, packed(bytes));
        assert.ok(statSync(path).size > 64 * 1024);
        assert.deepEqual(
          findCaptures([folder]).map(({ name }) => name),
          [path],
        );
        const { seconds, microseconds } = frames[0]!;
        assert.equal(peekCapture(path).firstTime, seconds * 1e6 + microseconds);
      }
      rmSync(folder, { recursive: true });
    });

    it('on a stream gives the same however it is cut into chunks', async () => {
      const bytes = packed(capture);
      await fc.assert(
        fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 20_000 })), async (sizes) => {
          const seen = await observeStream(chunksOf(bytes, () => sizes.next().value as number));
          assert.deepEqual(seen.anomalies, []);
          assert.deepEqual(sorted(seen.flows), expected);
        }),
        { numRuns: 10 },
      );
    });

    it('may be made of several parts, one behind the other', async () => {
      const parts = [capture.subarray(0, 5000), capture.subarray(5000, 5001), capture.subarray(5001)].map(packed);
      const seen = await observeFile(Buffer.concat(parts));
      assert.deepEqual(seen.anomalies, []);
      assert.deepEqual(sorted(seen.flows), expected);
    });

    it('and cut off gives what could be unpacked, and says so with the offset', async () => {
      // zstd packs 128 KiB at a time.
      const bytes = packed(pcap(readFrames(WITH_SNI)));
      for (const length of [bytes.length - 1, bytes.length - 100, bytes.length >> 1]) {
        for (const seen of [
          await observeFile(bytes.subarray(0, length)),
          await observeStream(chunksOf(bytes.subarray(0, length), 1000)),
        ]) {
          const said = seen.anomalies.filter(({ code }) => code === 'truncated_compression');
          assert.equal(said.length, 1, `cut at ${length}`);
          assert.deepEqual([said[0]!.offset, said[0]!.damage], [length, true]);
        }
      }
      const half = await observeFile(bytes.subarray(0, bytes.length >> 1));
      assert.ok(half.counters['packets']! > 500, `${half.counters['packets']}`);
    });

    it('and damaged is never a crash, and is told', async () => {
      const bytes = packed(capture);
      let told = 0;
      for (let at = 20; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
        const copy = Buffer.from(bytes);
        copy[at]! ^= 0x55;
        const { anomalies } = await observeFile(copy).catch((error: unknown) => {
          assert.match((error as Error).message, /is compressed with/);
          return { anomalies: [{ code: 'damaged_compression', offset: 0 }] };
        });
        if (anomalies.some(({ code }) => code.endsWith('_compression'))) told++;
        for (const { code, offset } of anomalies) {
          if (code === 'damaged_compression') assert.ok(offset! <= bytes.length);
        }
      }
      assert.ok(told >= 58, `${told} of 60`);
    });

    it('and unpacks to far more than it has takes little memory', async () => {
      const bomb = packed(swollen);
      assert.ok(bomb.length < 2 << 20);
      const before = process.memoryUsage().rss;
      const seen = await observeFile(bomb);
      const grown = process.memoryUsage().rss - before;
      assert.deepEqual(sorted(seen.flows), expected);
      assert.equal(grown < 128 << 20, true, `${grown} bytes`);
    });
  });
}
