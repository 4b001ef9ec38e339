// An import that is stopped by its user: nothing of the table is there, and the command says so.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ATSF_2022 } from '../../src/database/hello-set.js';
import { importFile } from '../../src/database/import.js';
import { Store } from '../../src/database/store.js';
import { verifyDatabase } from '../../src/database/verify.js';
import { program } from '../e2e/hellotap.js';
import { file, freshPath, goldenLine } from './scratch.js';

const HEADER = ['ip', 'port', 'server_name', ...ATSF_2022.hellos, 'fingerprint'].join(',');

function row(n: number): string {
  const { hellos, fingerprint } = goldenLine('nginx-default');
  return [`10.0.${n >> 8}.${n & 255}`, 443, '', ...ATSF_2022.hellos.map((name) => hellos[name]), fingerprint].join(',');
}

function isThere(path: string): boolean {
  try {
    Store.open(path, { create: false }).close();
    return true;
  } catch {
    return false;
  }
}

describe('an import that is stopped', () => {
  const table = file([HEADER, ...Array.from({ length: 60_000 }, (_, n) => row(n)), ''].join('\n'));

  for (const when of ['read', 'stored'] as const) {
    for (const before of ['an empty database', 'one that has servers']) {
      it(`while rows are ${when} leaves ${before} as it was`, async () => {
        const store = Store.open(freshPath());
        if (before !== 'an empty database') {
          await importFile(store, file([HEADER, row(0), row(1), ''].join('\n')), { seen: new Date('2022-06-20') });
        }
        const { servers } = verifyDatabase(store);
        const { generation } = store;
        const stop = new AbortController();
        const options = {
          seen: new Date('2022-06-27'),
          signal: stop.signal,
          progress: (rows: number, stored: number | null) => {
            if (rows > 0 && (when === 'read' || stored !== null)) stop.abort();
          },
        };
        await assert.rejects(importFile(store, table, options), { name: 'AbortError' });
        assert.deepEqual(verifyDatabase(store).damages, []);
        assert.equal(verifyDatabase(store).servers, servers);
        assert.equal(store.generation, generation);
        const whole = await importFile(store, table, { seen: new Date('2022-06-27') });
        assert.equal(whole.changed, 60_000);
        store.close();
      });
    }
  }

  it('by SIGINT ends with exit code 130, though what it reads has not ended', async () => {
    const path = freshPath();
    const child = spawn(process.execPath, [program, 'db', 'import', '-', '--database', path], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.write([HEADER, row(0), row(1), ''].join('\n'));
    // It has begun when the database is there.
    while (!isThere(path) && child.exitCode === null) await sleep(50);
    await sleep(500);
    child.kill('SIGINT');
    await once(child, 'close');
    assert.equal(child.exitCode, 130, stderr);
    assert.match(stderr, /standard input: stopped; nothing of it was imported/);
    const store = Store.open(path);
    assert.equal(verifyDatabase(store).servers, 0);
    store.close();
  });
});
