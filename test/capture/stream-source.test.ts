import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { HellotapError } from '../../src/errors.js';
import { findCaptures, openCaptures } from '../../src/capture/open-captures.js';
import { openStreamSource } from '../../src/capture/stream-source.js';
import { pcap, pcapng, readFrames, WITH_SNI } from './captures.js';
import { chunksOf, observe, observeFile, observeStream, sorted } from './observed.js';

const frames = readFrames(WITH_SNI).slice(0, 300);
const captures: readonly [name: string, bytes: Buffer][] = [
  ['a classic pcap', pcap(frames)],
  ['a big-endian pcap', pcap(frames, { order: 'big' })],
  ['a pcap with nanoseconds', pcap(frames, { nanoseconds: true })],
  ['a big-endian pcap with nanoseconds', pcap(frames, { order: 'big', nanoseconds: true })],
  ["a pcap of Kuznetzov's", pcap(frames, { kuznetzov: true })],
  ['a pcapng', pcapng(frames)],
  ['a big-endian pcapng', pcapng(frames, 'big')],
];

describe('on a stream', () => {
  for (const [name, bytes] of captures) {
    it(`${name} gives what it gives as a file, however it is cut into chunks`, async () => {
      const { flows, counters } = await observeFile(bytes);
      const sizes = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 })));
      await fc.assert(
        fc.asyncProperty(sizes, async (stream) => {
          const streamed = await observeStream(chunksOf(bytes, () => stream.next().value as number));
          assert.deepEqual(sorted(streamed.flows), sorted(flows));
          assert.deepEqual(streamed.anomalies, []);
          assert.equal(streamed.counters['packets'], counters['packets']);
          assert.equal(streamed.counters['bytes'], counters['bytes']);
        }),
        { numRuns: 10 },
      );
    });
  }

  it('a pcap byte by byte gives the same', async () => {
    const bytes = pcap(frames.slice(0, 40));
    assert.deepEqual((await observeStream(chunksOf(bytes, 1))).flows, (await observeFile(bytes)).flows);
  });

  it('a flow is told when its handshake is over, while the capture goes on', async () => {
    const stream = new PassThrough();
    const source = openStreamSource('-', stream);
    const iterator = source.batches()[Symbol.asyncIterator]();
    stream.write(pcap(frames));
    const first = await iterator.next();
    assert.ok(first.done !== true);
    assert.ok([...first.value].some(({ kind }) => kind === 'flow'));
    source.close();
    while (!(await iterator.next()).done);
  });

  it('a record length of four gigabytes takes no memory, and what is behind it is read', async () => {
    const bytes = pcap(frames);
    bytes.writeUInt32LE(0xffffffff, 24 + 8);
    const seen = await observeStream(chunksOf(bytes, 1000));
    assert.equal(seen.counters['packets'], frames.length - 1);
    assert.deepEqual(
      seen.anomalies.map(({ code, offset }) => ({ code, offset })),
      [{ code: 'bad_record_header', offset: 24 }],
    );
  });

  it('hundreds of megabytes behind a damaged header are searched in little memory', async () => {
    const header = pcap([]);
    const chunk = Buffer.alloc(1 << 20, 0xff);
    function* flood(): Iterable<Buffer> {
      yield header;
      for (let i = 0; i < 256; i++) yield chunk;
    }
    const before = process.memoryUsage().rss;
    const seen = await observeStream(flood());
    const grownBytes = process.memoryUsage().rss - before;
    assert.equal(grownBytes < 128 << 20, true, `${grownBytes} bytes`);
    assert.equal(seen.counters['packets'], 0);
  });

  const wrong: readonly [name: string, bytes: Buffer, message: RegExp][] = [
    ['nothing', Buffer.alloc(0), /^standard input: is empty$/],
    ['text', Buffer.from('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n'), /^standard input: is not a capture but text/],
    ['a few bytes of text', Buffer.from('hello'), /^standard input: is not a capture but text/],
    ['noise', Buffer.alloc(100, 0xfe), /^standard input: is not a capture \(.* fefefefe\)/],
    ['gzip of text', gzipSync('just some notes, in plain text'), /gzip, and what is in it is not a capture but text/],
    ['damaged gzip', Buffer.concat([Buffer.from('1f8b0800', 'hex'), Buffer.alloc(40)]), /gzip, and empty, or damaged/],
    ['a file header that breaks off', pcap([]).subarray(0, 20), /offset 20, inside of its file header/],
  ];
  for (const [name, bytes, message] of wrong) {
    it(`${name} is an error that says what it is`, async () => {
      await assert.rejects(observeStream([bytes]), (error) => {
        assert.ok(error instanceof HellotapError);
        assert.equal(error.code, 'ERR_CAPTURE_FORMAT');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('an error of the stream is one of ours, with its reason', async () => {
    const stream = new Readable({ read: () => undefined });
    const seen = observe(openStreamSource('-', stream));
    stream.destroy(new Error('EIO: i/o error'));
    await assert.rejects(seen, { code: 'ERR_CAPTURE_OPEN', message: /cannot read standard input: EIO/ });
  });

  it('a named pipe is read like any stream', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hellotap-pipe-'));
    try {
      const [pipe, file] = [join(folder, 'pipe'), join(folder, 'file')];
      execFileSync('mkfifo', [pipe]);
      writeFileSync(file, pcap(frames));
      spawn('sh', ['-c', `cat "${file}" > "${pipe}"`]);
      const [capture] = findCaptures([pipe]);
      assert.equal((await observe(await openCaptures([capture!]))).counters['packets'], frames.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
