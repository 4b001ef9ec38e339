import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { HellotapError, type ErrorCode } from '../../src/errors.js';
import { findCaptures, openCaptures } from '../../src/capture/open-captures.js';
import { pcap, pcapng, readFrames, WITH_SNI } from './captures.js';
import { observe } from './observed.js';
import { canDropRights, runAsNobody } from './unprivileged.js';

const folder = mkdtempSync(join(tmpdir(), 'hellotap-open-'));
after(() => {
  rmSync(folder, { recursive: true });
});
const frames = readFrames(WITH_SNI).slice(0, 50);

function file(name: string, bytes: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function failsWith(action: () => unknown, code: ErrorCode, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof HellotapError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

const observeOne = async (path: string, options = {}) => observe(await openCaptures(findCaptures([path]), options));

describe('the captures that arguments name', () => {
  it('are those of a folder: told by content, sorted by name, with subfolders, without what is no capture', async () => {
    const root = join(folder, 'folder');
    mkdirSync(join(root, 'b/empty'), { recursive: true });
    for (const [name, bytes] of [
      ['c.dat', pcap(frames)],
      ['a.pcap', pcapng(frames)],
      ['readme.pcap', Buffer.from('this is no capture at all')],
      ['empty.pcap', Buffer.alloc(0)],
      ['b/z.cap', pcap(frames, { order: 'big', nanoseconds: true })],
    ] as const) {
      writeFileSync(join(root, name), bytes);
    }
    const found = findCaptures([root]);
    assert.deepEqual(
      found.map(({ name }) => name.slice(root.length + 1)),
      ['a.pcap', 'b/z.cap', 'c.dat'],
    );
    for (const capture of found) {
      assert.equal((await observe(await openCaptures([capture]))).counters['packets'], frames.length);
    }
  });

  it('are named where they cannot be read and their name says that they are captures', () => {
    const root = join(folder, 'damaged');
    mkdirSync(root);
    const xz = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04]);
    for (const [name, bytes] of [
      ['a.pcap', pcap(frames)],
      ['eth0.pcap12', Buffer.from('overwritten')],
      ['old.pcapng.xz', xz],
      ['backup.tar.xz', xz],
      ['waiting.pcap', Buffer.alloc(0)],
      ['notes.txt', Buffer.from('notes')],
    ] as const) {
      writeFileSync(join(root, name), bytes);
    }
    const failures: string[] = [];
    const found = findCaptures([root], (error) => failures.push(error.message.slice(root.length + 1)));
    assert.deepEqual(
      found.map(({ name }) => name.slice(root.length + 1)),
      ['a.pcap'],
    );
    assert.deepEqual(failures, [
      'eth0.pcap12: is not a capture but text (no pcap or pcapng magic at offset 0)',
      'old.pcapng.xz: is compressed with xz; unpack it first (unxz)',
    ]);
  });

  it('include standard input', () => {
    assert.deepEqual(
      findCaptures(['-']).map(({ name }) => name),
      ['-'],
    );
  });

  it('have to exist', () => {
    failsWith(
      () => findCaptures([join(folder, 'missing.pcap')]),
      'ERR_CAPTURE_OPEN',
      /missing\.pcap: no such file or directory$/,
    );
  });

  it('have to be in a folder that is named', () => {
    const empty = join(folder, 'nothing');
    mkdirSync(empty);
    failsWith(() => findCaptures([empty]), 'ERR_CAPTURE_OPEN', /there is no capture in this folder/);
  });

  const wrong: readonly [name: string, bytes: Buffer | string, message: RegExp][] = [
    ['empty.pcap', '', /empty\.pcap: is empty$/],
    ['notes.txt', 'just some notes, in plain text\n', /notes\.txt: is not a capture but text .* offset 0/],
    ['noise.bin', Buffer.alloc(64, 0xee), /noise\.bin: is not a capture .* eeeeeeee/],
    ['notes.gz', gzipSync('just some notes, in plain text\n'), /gzip, and what is in it is not a capture but text/],
    ['empty.gz', gzipSync(''), /gzip, and empty, or damaged at its beginning$/],
    ['broken.gz', Buffer.from('1f8b080000000000000300ffffffff', 'hex'), /gzip, and empty, or damaged/],
    ['broken.zst', Buffer.from('28b52ffd0000000000000000', 'hex'), /zstd, and empty, or damaged/],
    ['packed.pcap.xz', Buffer.from('fd377a585a000000', 'hex'), /xz; unpack it first/],
    ['short.pcap', pcap([]).subarray(0, 13), /offset 13, inside of its file header/],
    ['short.pcapng', pcapng([]).subarray(0, 10), /offset 10, inside of its file header/],
  ];
  for (const [name, bytes, message] of wrong) {
    it(`have to be captures, which ${name} is not`, async () => {
      const path = file(name, bytes);
      await assert.rejects(observeOne(path), { name: 'HellotapError', code: 'ERR_CAPTURE_FORMAT', message });
    });
  }

  it('have to be readable', (t) => {
    if (!canDropRights) {
      t.skip('needs root, to become somebody who may not read a file');
      return;
    }
    const path = file('secret.pcap', pcap(frames));
    chmodSync(folder, 0o755);
    chmodSync(path, 0o600);
    const said = runAsNobody(`
      import { findCaptures, openCaptures } from './src/capture/open-captures.js';
      try {
        for await (const batch of (await openCaptures(findCaptures([${JSON.stringify(path)}]))).batches());
      } catch (error) {
        console.log(error.code, error.message);
      }`);
    assert.match(said, /^ERR_CAPTURE_OPEN cannot open .*secret\.pcap: permission denied/i);
  });

  it('with a wrong filter are an error that quotes it', async () => {
    await assert.rejects(observeOne(file('fine.pcap', pcap(frames)), { filter: 'tcp and and' }), {
      code: 'ERR_USAGE',
      message: /filter `tcp and and`: .*syntax error/,
    });
  });

  it('are named as they were given', async () => {
    const path = file('named.pcap', pcap(frames));
    assert.equal(findCaptures([path])[0]!.name, path);
    assert.equal((await openCaptures(findCaptures([path]))).name, path);
  });
});
