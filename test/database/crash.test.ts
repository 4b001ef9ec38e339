// What a database has acknowledged stays, whatever ends the process that writes: kill -9, a full disk, another writer.
// KILLS=200 node --import tsx --test test/database/crash.test.ts kills ten times as often.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { importFile } from '../../src/database/import.js';
import { recordProbes } from '../../src/database/servers.js';
import { Store } from '../../src/database/store.js';
import { verifyDatabase } from '../../src/database/verify.js';
import { weekOf } from '../../src/database/week.js';
import { HellotapError } from '../../src/errors.js';
import { ATSF_2022 } from '../../src/database/hello-set.js';
import { program } from '../e2e/hellotap.js';
import { file, freshPath, golden, goldenProbes } from './scratch.js';

const KILLS = Number(process.env['KILLS'] ?? 20);
const CHILD = join(import.meta.dirname, 'crash-child.ts');
const complete = golden.filter((line) => line.fingerprint !== null);

/** A table of real fingerprints at made-up addresses. */
function table(rows: number, net: number): string {
  const lines = Array.from({ length: rows }, (_, n) => {
    const line = complete[n % complete.length]!;
    return [
      `10.${net}.${n >> 8}.${n & 255}`,
      443,
      '',
      ...ATSF_2022.hellos.map((name) => line.hellos[name] ?? ''),
      line.fingerprint,
    ].join(',');
  });
  return file([['ip', 'port', 'server_name', ...ATSF_2022.hellos, 'fingerprint'].join(','), ...lines, ''].join('\n'));
}

function start(path: string, run: number, tables: readonly string[]): { child: ChildProcess; said: () => string[] } {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, path, String(run), ...tables], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  return { child, said: () => text.split('\n').slice(0, -1) };
}

const ended = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => {
    child.once('close', resolve);
  });

/** Numbers from a fixed seed: the same moments in every run, as far as the machine lets them be. */
function moment(run: number): number {
  return createHash('sha256').update(`kill ${run}`).digest().readUInt16BE(0) / 65_536;
}

describe('a process that is killed while it writes', () => {
  it(`leaves a sound database with everything that it acknowledged, ${KILLS} times`, async (t) => {
    const path = freshPath();
    const tables = [table(1500, 1), table(400, 2)];
    const acknowledged: string[] = [];
    let interrupted = 0;
    for (let run = 0; run < KILLS; run++) {
      const began = performance.now();
      const { child, said } = start(path, run, tables);
      const closed = ended(child);
      while (said().length === 0 && child.exitCode === null) await sleep(5);
      // As long as it took to start, at most: on a busy machine its writes take longer as well.
      await sleep(moment(run) * (performance.now() - began));
      child.kill('SIGKILL');
      await closed;
      assert.equal(child.signalCode, 'SIGKILL');
      const lines = said();
      if (lines.length > 0) interrupted += 1;
      acknowledged.push(...lines.filter((line) => line !== 'open'));
      const store = Store.open(path, { create: false });
      assert.deepEqual(verifyDatabase(store).damages, []);
      store.close();
    }
    const store = Store.open(path, { create: false });
    for (const line of acknowledged) {
      const [what = '', a = '', b = '', c = '', rows = ''] = line.split(' ');
      if (what === 'label') {
        const found = store.prepare('SELECT 1 FROM claim c JOIN label l ON l.id = c.label_id WHERE l.name = ?').get(a);
        assert.ok(found !== undefined, line);
      } else {
        const seen = store
          .prepare<[Buffer, Buffer, string, number], { n: number }>(
            `SELECT count(*) AS n FROM server s JOIN profile p ON p.id = s.profile_id JOIN source o ON o.id = p.source_id
             WHERE s.address BETWEEN ? AND ? AND o.name = ?
               AND (s.weeks >> ((s.last_seen + 259200) / 604800 - ?)) & 1 = 1`,
          )
          .get(
            Buffer.from([10, Number(b) + 1, 0, 0]),
            Buffer.from([10, Number(b) + 1, 255, 255]),
            `toplist:${a}`,
            weekOf(Date.parse(c) / 1000),
          );
        assert.equal(seen?.n, Number(rows), line);
      }
    }
    store.close();
    t.diagnostic(
      `${interrupted} of ${KILLS} kills met a process at work; ${acknowledged.length} acknowledged writes found`,
    );
    assert.ok(acknowledged.length > KILLS / 4 && interrupted > KILLS / 2);
  });
});

describe('two processes that write at once', () => {
  it('both finish, and everything of both is there', async () => {
    const path = freshPath();
    Store.open(path).close();
    const script = `
      import { importFile } from './src/database/import.ts';
      import { Store } from './src/database/store.ts';
      const [path, ...tables] = process.argv.slice(1);
      const store = Store.open(path);
      for (const [n, table] of tables.entries()) {
        await importFile(store, table, { seen: new Date('2022-06-27'), source: 'toplist:' + n });
      }
      store.close();`;
    const run = (tables: readonly string[]): ChildProcess =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, path, ...tables], {
        cwd: join(import.meta.dirname, '../..'),
        stdio: 'inherit',
      });
    const children = [run([table(3000, 3), table(2000, 4)]), run([table(3000, 5), table(2000, 6)])];
    await Promise.all(children.map(ended));
    assert.deepEqual(
      children.map((child) => child.exitCode),
      [0, 0],
    );
    const store = Store.open(path);
    const report = verifyDatabase(store);
    assert.deepEqual(report.damages, []);
    assert.equal(report.servers, 10_000);
    store.close();
  });
});

describe('a full disk', () => {
  it('is named, takes nothing of what was there, and can be left by making room', async (t) => {
    const folder = `${freshPath('')}-mount`;
    mkdirSync(folder);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder]);
    if (mounted.status !== 0) {
      t.skip('needs the right to mount a tmpfs');
      return;
    }
    try {
      const path = join(folder, 'full.db');
      const store = Store.open(path);
      recordProbes(store, goldenProbes(new Date('2022-06-27')));
      const { servers } = verifyDatabase(store);
      const padding = join(folder, 'padding');
      writeFileSync(padding, Buffer.alloc(1 << 20));
      const big = table(60_000, 7);
      await assert.rejects(importFile(store, big, { seen: new Date('2022-07-04') }), (error) => {
        assert.ok(error instanceof HellotapError && error.code === 'ERR_DATABASE_WRITE', String(error));
        assert.match(error.message, /no space left|reading or writing failed/);
        return true;
      });
      assert.deepEqual(verifyDatabase(store), { ...verifyDatabase(store), damages: [], servers });
      // It goes on where a little room is enough.
      recordProbes(store, goldenProbes(new Date('2022-07-11')).slice(0, 3));
      store.close();
      assert.ok(readFileSync(path).length > 0);
    } finally {
      spawnSync('umount', [folder]);
    }
  });

  it('is told before compacting begins, and nothing is changed', (t) => {
    const folder = `${freshPath('')}-mount`;
    mkdirSync(folder);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status !== 0) {
      t.skip('needs the right to mount a tmpfs');
      return;
    }
    try {
      const path = join(folder, 'full.db');
      const full = Store.open(path);
      recordProbes(full, goldenProbes(new Date('2022-06-27')));
      const { servers } = verifyDatabase(full);
      full.close();
      writeFileSync(join(folder, 'padding'), Buffer.alloc(700_000));
      const tight = spawnSync(process.execPath, [program, 'db', 'compact', '--database', path], { encoding: 'utf8' });
      assert.equal(tight.status, 1);
      assert.match(tight.stderr, /compacting needs .* are free; nothing was changed/);
      const again = Store.open(path);
      assert.deepEqual(verifyDatabase(again).damages, []);
      assert.equal(verifyDatabase(again).servers, servers);
      again.close();
    } finally {
      spawnSync('umount', [folder]);
    }
  });
});
