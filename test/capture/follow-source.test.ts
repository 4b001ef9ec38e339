import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openFollowSource } from '../../src/capture/follow-source.js';
import { pcap, pcapng, readFrames, WITH_SNI } from './captures.js';
import { observeFile } from './observed.js';

const folder = mkdtempSync(join(tmpdir(), 'hellotap-follow-'));
after(() => {
  rmSync(folder, { recursive: true });
});

const frames = readFrames(WITH_SNI).slice(0, 400);
const FILE_HEADER = 24;
let made = 0;

function place(): string {
  return mkdtempSync(join(folder, `${String(made++)}-`));
}

/** The flows that a source has given, and a way to wait for more. */
class Follower {
  readonly source;
  readonly flows: string[] = [];
  readonly anomalies: string[] = [];
  readonly files: string[] = [];
  readonly #done: Promise<void>;

  constructor(paths: readonly string[]) {
    this.source = openFollowSource(paths);
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    for await (const batch of this.source.batches()) {
      for (const record of batch) {
        if (record.kind === 'flow') {
          this.flows.push(`${String(record.clientPort)} ${String(record.timestamp)}`);
          this.files.push(this.source.inputName(record.input));
        }
        if (record.kind === 'anomaly' && record.damage) this.anomalies.push(record.code);
      }
    }
  }

  /** Resolves when so many packets were read; how long that may take is for the test runner to say. */
  async packets(count: number): Promise<void> {
    while (this.source.counters().packets < count) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(this.source.counters().packets, count);
  }

  async end(): Promise<void> {
    this.source.close();
    await this.#done;
  }
}

const expected = (await observeFile(pcap(frames))).flows
  .map(({ clientPort, timestamp }) => `${String(clientPort)} ${String(timestamp)}`)
  .sort();

describe('a capture that is still being written', () => {
  for (const [name, bytes] of [
    ['pcap', pcap(frames)],
    ['pcapng', pcapng(frames)],
  ] as const) {
    it(`is followed, wherever the writer pauses (${name})`, async () => {
      const path = join(place(), 'growing');
      writeFileSync(path, '');
      const follower = new Follower([path]);
      let written = 0;
      for (const until of [3, FILE_HEADER, FILE_HEADER + 5, 20_000, 20_001, bytes.length - 7]) {
        appendFileSync(path, bytes.subarray(written, until));
        written = until;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      await follower.packets(frames.length - 1);
      appendFileSync(path, bytes.subarray(written));
      await follower.packets(frames.length);
      await follower.end();
      assert.deepEqual(follower.flows.sort(), expected);
      assert.deepEqual(follower.anomalies, []);
    });
  }

  it('that ends inside of a record when following stops is no damage', async () => {
    const path = join(place(), 'cut');
    writeFileSync(path, pcap(frames).subarray(0, -7));
    const follower = new Follower([path]);
    await follower.packets(frames.length - 1);
    await follower.end();
    assert.deepEqual(follower.anomalies, []);
  });

  it('that is begun anew, or replaced, is read from its beginning', async () => {
    const path = join(place(), 'again');
    writeFileSync(path, pcap(frames.slice(0, 100)));
    const follower = new Follower([path]);
    await follower.packets(100);
    truncateSync(path);
    appendFileSync(path, pcap(frames.slice(100, 300)));
    await follower.packets(300);
    writeFileSync(`${path}.new`, pcap(frames.slice(300)));
    renameSync(`${path}.new`, path);
    await follower.packets(400);
    await follower.end();
    assert.deepEqual(follower.flows.sort(), expected);
  });
});

describe('a folder that is followed', () => {
  it('gives the captures that are there, those that come, and flows across them', async () => {
    const root = place();
    const part = (from: number, to: number): Buffer => pcap(frames.slice(from, to));
    writeFileSync(join(root, 'b'), part(0, 100));
    writeFileSync(join(root, 'a'), part(100, 150));
    writeFileSync(join(root, 'notes'), 'no capture');
    const follower = new Follower([root]);
    await follower.packets(150);
    // The next begins with its header alone, while the one before still grows.
    writeFileSync(join(root, 'c'), part(0, 0));
    appendFileSync(join(root, 'a'), part(150, 200).subarray(FILE_HEADER));
    await follower.packets(200);
    appendFileSync(join(root, 'c'), part(200, 400).subarray(FILE_HEADER));
    await follower.packets(400);
    await follower.end();
    assert.deepEqual(follower.flows.sort(), expected);
    assert.deepEqual(
      [...new Set(follower.files)].sort(),
      ['a', 'b', 'c'].map((name) => join(root, name)),
    );
  });

  it('gives no capture twice that is compressed or renamed afterwards', async () => {
    const root = place();
    writeFileSync(join(root, '1'), pcap(frames.slice(0, 200)));
    const follower = new Follower([root]);
    await follower.packets(200);
    writeFileSync(join(root, '1.gz'), gzipSync(pcap(frames.slice(0, 200))));
    rmSync(join(root, '1'));
    renameSync(join(root, '1.gz'), join(root, '0.gz'));
    writeFileSync(join(root, '2'), pcap(frames.slice(200)));
    await follower.packets(400);
    await follower.end();
    assert.deepEqual(follower.flows.sort(), expected);
  });

  it('to which a rotation adds many files keeps few of them open', async () => {
    const root = place();
    const follower = new Follower([root]);
    for (let at = 0; at < 400; at += 10) writeFileSync(join(root, String(at)), pcap(frames.slice(at, at + 10)));
    await follower.packets(400);
    await follower.end();
    assert.equal(follower.source.inputs, 40);
    assert.deepEqual(follower.flows.sort(), expected);
  });
});
