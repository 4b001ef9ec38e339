// Tables that are long enough to be scanned in a thread of their own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATSF_2022 } from '../../src/database/hello-set.js';
import { importFile, importStream } from '../../src/database/import.js';
import { ScanThread } from '../../src/database/scan-thread.js';
import { RowScanner } from '../../src/database/row-scanner.js';
import { eachRecord } from '../../src/database/sighting-record.js';
import { content, file, freshStore, golden } from './scratch.js';

const HEADER = ['ip', 'port', 'server_name', ...ATSF_2022.hellos, 'fingerprint'].join(',');
const answers = golden
  .filter(({ fingerprint }) => fingerprint !== null)
  .map(({ hellos, fingerprint }) => [...ATSF_2022.hellos.map((name) => hellos[name]), fingerprint].join(','));
const ROWS = 30_000;
const seen = new Date('2022-06-27');

function row(n: number): string {
  return `10.${n >> 16}.${(n >> 8) & 255}.${n & 255},443,n${n % 7}.example,${answers[n % answers.length]!}`;
}

/** Some 17 MB; by the line, what stands there instead of a row. */
function table(odd: ReadonlyMap<number, string> = new Map()): string {
  const lines = Array.from({ length: ROWS }, (_, n) => odd.get(n + 2) ?? row(n));
  return [HEADER, ...lines, ''].join('\n');
}

describe('a long table', () => {
  it('is read as the same rows in short tables are', async () => {
    const whole = freshStore();
    const { rows, rejected, changed } = await importFile(whole, file(table()), { seen });
    assert.deepEqual([rows, rejected, changed], [ROWS, 0, ROWS]);
    const pieces = freshStore();
    for (let from = 0; from < ROWS; from += 3000) {
      const lines = Array.from({ length: 3000 }, (_, n) => row(from + n));
      await importFile(pieces, file([HEADER, ...lines, ''].join('\n')), { seen });
    }
    const servers = (store: typeof whole): unknown =>
      store
        .prepare(
          `SELECT hex(s.address), s.name, f.text, s.first_seen, s.last_seen, s.count, s.weeks
           FROM server s JOIN profile p ON p.id = s.profile_id JOIN answers a ON a.id = p.answers_id
           JOIN fingerprint f ON f.id = a.fingerprint_id ORDER BY 1, 2, 3`,
        )
        .all();
    assert.deepEqual(servers(whole), servers(pieces));
    const before = content(whole);
    assert.equal((await importFile(whole, file(table()), { seen })).changed, 0);
    assert.deepEqual(content(whole), before);
  });

  it('names its damaged lines in their order, in whatever pieces it comes', async () => {
    const odd = new Map([
      [7, 'short'],
      [20_001, '10.9.9.9,443,,broken'],
      [20_002, `10.9.9.9,99999,,${answers[0]!}`],
      [20_003, '\u0000'],
      [20_004, '"10.9.9.8",443,"quoted.example",' + answers[1]!],
      [20_005, `10.9.9.9,443,,${answers[0]!.replace(',', ',!')}`],
      [20_006, 'x'.repeat(3 << 20)],
      [20_007, ''],
      [20_008, '# a comment'],
      [20_009, `10.9.9.9,443,,${answers[0]!.replace(',', ',!')}`],
      [29_999, '10.9.9.9"'],
    ]);
    const reasons = [
      [7, /1 columns where/],
      [20_001, /4 columns where/],
      [20_002, /"99999" is no port/],
      [20_003, /NUL/],
      [20_005, /characters that no/],
      [20_006, /longer than 1048576 bytes/],
      [20_009, /characters that no/],
      [29_999, /quotes|columns/],
    ] as const;
    const bytes = Buffer.from(table(odd));
    for (const size of [1 << 20, 100_003]) {
      const store = freshStore();
      const pieces = function* (): Generator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      const report = await importStream(store, 'a table', toAsync(pieces()), { seen });
      assert.deepEqual(
        report.rejects.map(({ line }) => line),
        reasons.map(([line]) => line),
      );
      report.rejects.forEach(({ reason }, i) => {
        assert.match(reason, reasons[i]![1]);
      });
      // The empty line and the comment are no rows.
      assert.deepEqual([report.rows, report.rejected], [ROWS - 2, reasons.length]);
      assert.equal(report.changed, ROWS - 2 - reasons.length);
    }
  });

  it('that breaks off leaves nothing, and no thread', async () => {
    const store = freshStore();
    const bytes = Buffer.from(table());
    const before = content(store);
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 12 << 20; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
      await Promise.resolve();
      throw new Error('the pipe broke');
    };
    await assert.rejects(importStream(store, 'a pipe', broken(), { seen }), /the pipe broke/);
    assert.deepEqual(content(store), before);
  });
});

describe('a thread that scans', () => {
  it('gives what scanning here gives, its memory used again', async () => {
    const here = new RowScanner();
    const thread = new ScanThread();
    try {
      for (const length of [3, 1000, 10, 2000, 1]) {
        const bytes = Buffer.from(Array.from({ length }, (_, n) => row(n)).join('\n'));
        thread.post({ bytes, first: 5 });
        const expected = here.scan({ bytes, first: 5 });
        const { bytes: same, records, count, open } = await thread.next();
        assert.equal(thread.waiting, 0);
        assert.deepEqual([Buffer.compare(same, bytes), count, open], [0, length, expected.open]);
        assert.deepEqual(recordsIn(records), recordsIn(expected.records));
      }
    } finally {
      await thread.close();
    }
  });

  it('says what to do where its program is missing', async () => {
    const thread = new ScanThread(new URL('file:///nonexistent/scan-worker.js'));
    thread.post({ bytes: Buffer.from(row(1)), first: 2 });
    await assert.rejects(thread.next(), {
      code: 'ERR_IMPORT',
      message: /has ended: Cannot find module '.*scan-worker\.js'.*; if .* is missing, install hellotap again/,
    });
    await thread.close();
  });

  it('does not keep anybody waiting when it has ended', async () => {
    const thread = new ScanThread();
    const next = thread.next();
    await thread.close();
    await assert.rejects(next, /has ended/);
  });
});

function recordsIn(records: Uint8Array): number[][] {
  const found: number[][] = [];
  eachRecord(records, (profile, mark) => found.push([profile, mark]));
  return found;
}

async function* toAsync(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await Promise.resolve();
    yield piece;
  }
}
