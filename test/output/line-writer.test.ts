import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, describe, it } from 'node:test';
import { HellotapError } from '../../src/errors.js';
import { LineWriter } from '../../src/output/line-writer.js';

describe('LineWriter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-writer-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('writes every line in order, whatever the pieces are', async () => {
    const path = join(folder, 'lines');
    const writer = new LineWriter(openSync(path, 'w'), path, { owned: true });
    const expected: string[] = [];
    for (let n = 0; n < 20_000; n++) {
      const line = `${n} ${'ü'.repeat(n % 50)}`;
      expected.push(line);
      writer.line(line);
      if (n % 1000 === 0) await writer.ready();
    }
    await writer.close();
    assert.equal(readFileSync(path, 'utf8'), expected.join('\n') + '\n');
    assert.equal(writer.dropped, 0);
  });

  it('counts the lines that it drops when its reader is too slow, and goes on afterwards', async () => {
    const reader = spawn('sh', ['-c', 'mkfifo "$0" && echo up && sleep 0.5 && cat "$0" | wc -l', join(folder, 'fifo')]);
    const output: Buffer[] = [];
    await new Promise<void>((resolve) => {
      reader.stdout.on('data', (data: Buffer) => {
        output.push(data);
        resolve();
      });
    });
    const fd = openSync(join(folder, 'fifo'), 'r+');
    const writer = new LineWriter(fd, 'fifo', { limit: 256 * 1024 });
    const line = 'x'.repeat(1023);
    let taken = 0;
    for (let n = 0; n < 4096; n++) if (writer.line(line)) taken++;
    assert.ok(writer.dropped > 0, 'a megabyte more than the limit cannot all be taken');
    assert.equal(taken + writer.dropped, 4096);
    await writer.close();
    closeSync(fd);
    await new Promise((resolve) => reader.on('close', resolve));
    assert.equal(Buffer.concat(output).toString(), `up\n${taken}\n`);
  });

  for (const direct of [false, true]) {
    it(`replaces what a file held when the first line comes, not before (direct: ${direct})`, async () => {
      const path = join(folder, 'earlier');
      writeFileSync(path, 'earlier\n'.repeat(9));
      const writer = new LineWriter(openSync(path, 'r+'), path, { owned: true, direct, replaces: true });
      assert.equal(readFileSync(path, 'utf8'), 'earlier\n'.repeat(9));
      writer.line('new');
      await writer.close();
      assert.equal(readFileSync(path, 'utf8'), 'new\n');
    });
  }

  it('goes on in other files with whole lines, none twice and none left out', async () => {
    const path = join(folder, 'rotated');
    const paths = [path];
    const writer = new LineWriter(openSync(path, 'a'), path, { owned: true });
    const expected: string[] = [];
    for (let n = 0; n < 5000; n++) {
      expected.push(`${n} ${'x'.repeat(n % 300)}`);
      writer.line(expected[n]!);
      writer.flush();
      if (n % 500 === 250) {
        writer.reopen(() => {
          paths.push(`${path}.${n}`);
          return openSync(`${path}.${n}`, 'a');
        });
      }
      // Some of them while a line is on its way, some while none is.
      if (n % 7 === 0) await sleep(n % 14 === 0 ? 1 : 0);
    }
    await sleep(10);
    writer.reopen(() => null);
    writer.line('the end');
    await writer.close();
    const texts = paths.map((one) => readFileSync(one, 'utf8'));
    assert.ok(texts.length > 5 && texts.every((text) => text === '' || text.endsWith('\n')));
    assert.equal(texts.join(''), [...expected, 'the end', ''].join('\n'));
  });

  it('says so when its reader has gone', async () => {
    const path = join(folder, 'left');
    const reader = spawn('sh', ['-c', 'mkfifo "$0" && echo up && head -c 1 "$0"', path]);
    await new Promise((resolve) => reader.stdout.once('data', resolve));
    const fd = openSync(path, 'w');
    writeSync(fd, 'x');
    await new Promise((resolve) => reader.on('close', resolve));
    const writer = new LineWriter(fd, 'the pipe', { owned: true });
    writer.line('lost');
    await assert.rejects(writer.close(), (error: unknown) => {
      assert.ok(error instanceof HellotapError);
      assert.equal(error.code, 'ERR_OUTPUT');
      assert.match(error.message, /^the pipe /);
      return true;
    });
    assert.equal(writer.line('after'), false);
    assert.equal(writer.dropped, 1);
  });
});
