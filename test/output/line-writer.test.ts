import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
