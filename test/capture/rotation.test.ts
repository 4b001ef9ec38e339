import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openFiles } from '../../src/capture/file-source.js';
import type { HellotapError } from '../../src/errors.js';
import { pcap, pcapng, readFrames, WITH_SNI, type Frame } from './captures.js';
import { observe, observeFile, sorted } from './observed.js';

const folder = mkdtempSync(join(tmpdir(), 'hellotap-rotation-'));
after(() => {
  rmSync(folder, { recursive: true });
});

const frames = readFrames(WITH_SNI).slice(0, 600);
const whole = await observeFile(pcap(frames));
let made = 0;

function file(bytes: Buffer): string {
  const path = join(folder, `${String(made++)}.pcap`);
  writeFileSync(path, bytes);
  return path;
}

/** The frames dealt to so many captures, by the number that each is given. */
function deal(count: number, to: (frame: Frame, index: number) => number): Frame[][] {
  const dealt: Frame[][] = Array.from({ length: count }, () => []);
  for (const [index, frame] of frames.entries()) dealt[to(frame, index)]!.push(frame);
  return dealt;
}

const timeOf = ({ seconds, microseconds }: Frame): number => seconds * 1e6 + microseconds;

describe('captures of one tap', () => {
  const thirds = deal(3, (_, index) => Math.floor(index / 200));

  it('are one stream in order of time, however they are named, stored and given', async () => {
    const [first, second, third] = [pcap(thirds[0]!), gzipSync(pcapng(thirds[1]!)), pcap(thirds[2]!, { order: 'big' })];
    const [c, a, b] = [file(third), file(first), file(second)];
    for (const paths of [
      [a, b, c],
      [c, b, a],
      [b, c, a],
    ]) {
      const seen = await observe(openFiles(paths));
      assert.deepEqual(sorted(seen.flows), sorted(whole.flows));
      assert.deepEqual(seen.anomalies, []);
    }
  });

  it('in which a flow goes on from one to the next give that flow once, named after where it began', async () => {
    const cuts = [3, 250, 251, 252, 253, 400];
    const parts = deal(cuts.length + 1, (_, index) => cuts.filter((cut) => index >= cut).length);
    const paths = parts.map((part) => file(pcap(part)));
    const source = openFiles(paths);
    const seen: { name: string; timestamp: number }[] = [];
    for await (const batch of source.batches()) {
      for (const record of batch) {
        if (record.kind === 'flow') seen.push({ name: source.inputName(record.input), timestamp: record.timestamp });
      }
    }
    assert.equal(seen.length, whole.flows.length);
    for (const { name, timestamp } of seen) {
      const part = parts.findIndex((each) => each.some((frame) => timeOf(frame) === timestamp));
      assert.equal(name, paths[part]);
    }
    assert.ok(new Set(seen.map(({ name }) => name)).size > 3);
    assert.equal(source.inputs, paths.length);
  });

  it('that overlap are interleaved: a tap of one direction and that of the other give whole flows', async () => {
    const isFromClient = ({ data }: Frame): boolean => data.readUInt16BE(34) > data.readUInt16BE(36);
    const halves = deal(2, (frame) => (isFromClient(frame) ? 0 : 1));
    assert.ok(halves.every(({ length }) => length > 100));
    const seen = await observe(openFiles(halves.map((half) => file(pcap(half)))));
    assert.deepEqual(sorted(seen.flows), sorted(whole.flows));
  });

  it('that overlap in every packet give the same as one', async () => {
    const hands = deal(7, (_, index) => index % 7);
    const seen = await observe(openFiles(hands.map((hand) => file(pcapng(hand)))));
    assert.deepEqual(sorted(seen.flows), sorted(whole.flows));
    assert.equal(seen.counters['capturesLate'], 0);
  });

  it('of which more overlap than may be open at once are all read, and those that had to wait are counted', async () => {
    const hands = deal(40, (_, index) => index % 40);
    const seen = await observe(openFiles(hands.map((hand) => file(pcap(hand)))));
    assert.equal(seen.counters['packets'], frames.length);
    assert.ok(seen.counters['capturesLate']! > 0);
  });

  it('of which one cannot be read are read without it', async () => {
    const failures: HellotapError[] = [];
    const paths = [
      file(pcap(thirds[0]!)),
      file(Buffer.from('no capture')),
      join(folder, 'gone'),
      file(pcap(thirds[1]!)),
    ];
    const source = openFiles(paths, { onFailure: (error) => failures.push(error) });
    const seen = await observe(source);
    assert.equal(seen.counters['packets'], 400);
    assert.deepEqual(failures.map(({ code }) => code).sort(), ['ERR_CAPTURE_FORMAT', 'ERR_CAPTURE_OPEN']);
    assert.equal(source.inputs, 2);
  });

  it('report each kind of damage once for each of them, with its name', async () => {
    const cut = thirds.map((third) => file(pcap(third).subarray(0, -3)));
    const source = openFiles(cut);
    const damaged: string[] = [];
    for await (const batch of source.batches()) {
      for (const record of batch) {
        if (record.kind === 'anomaly' && record.damage)
          damaged.push(`${source.inputName(record.input)} ${record.code}`);
      }
    }
    assert.deepEqual(
      damaged,
      cut.map((path) => `${path} truncated_record`),
    );
  });

  it('without packets, or with time stamps that go back, do not keep others from being read', async () => {
    const shuffled = [...thirds[1]!].reverse();
    const seen = await observe(openFiles([pcap([]), pcap(shuffled), pcap(thirds[0]!), pcapng([])].map(file)));
    assert.equal(seen.counters['packets'], 400);
  });
});

describe('a source of many captures', () => {
  it('that is closed stops between two packets, and hands over what it was following', async () => {
    const source = openFiles(deal(3, (_, index) => Math.floor(index / 200)).map((part) => file(pcap(part))));
    source.close();
    assert.deepEqual((await observe(source)).flows, []);
  });
});
