import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  findBaseline,
  forgetBaseline,
  listBaselines,
  saveBaseline,
  type Baseline,
} from '../../src/database/baselines.js';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from '../../src/database/schema.js';
import { sqlite } from '../../src/database/sqlite.js';
import { verifyDatabase } from '../../src/database/verify.js';
import { freshPath, freshStore } from '../database/scratch.js';

const baseline = (address: string, more: Partial<Baseline['server']> = {}, value = 'x'): Baseline => ({
  server: { address, port: 443, serverName: null, startTls: '', ...more },
  helloSet: 'atsf-2022',
  helloSetDigest: 'aa',
  recorded: 1_700_000_000,
  probes: 3,
  traits: [
    { hello: '', aspect: 'http_server', value: 'nginx' },
    { hello: 'random458', aspect: 'answer', value },
  ],
});

describe('recorded states', () => {
  it('come back as they were saved, and the newer takes the place of the older', () => {
    const store = freshStore();
    saveBaseline(store, baseline('192.0.2.1'));
    saveBaseline(store, baseline('192.0.2.1', { serverName: 'www.example.org' }));
    saveBaseline(store, baseline('2001:db8::1', { port: 25, startTls: 'smtp' }));
    saveBaseline(store, baseline('192.0.2.1', {}, 'y'));
    assert.deepEqual(listBaselines(store), [
      baseline('192.0.2.1', {}, 'y'),
      baseline('192.0.2.1', { serverName: 'www.example.org' }),
      baseline('2001:db8::1', { port: 25, startTls: 'smtp' }),
    ]);
    assert.deepEqual(findBaseline(store, baseline('192.0.2.1').server), baseline('192.0.2.1', {}, 'y'));
    assert.equal(findBaseline(store, baseline('192.0.2.2').server), null);
    assert.deepEqual(verifyDatabase(store).damages, []);
  });

  it('are forgotten with all that belongs to them', () => {
    const store = freshStore();
    saveBaseline(store, baseline('192.0.2.1'));
    assert.equal(forgetBaseline(store, baseline('192.0.2.1').server), true);
    assert.equal(forgetBaseline(store, baseline('192.0.2.1').server), false);
    assert.deepEqual(listBaselines(store), []);
    assert.deepEqual(store.prepare('SELECT * FROM baseline_trait').all(), []);
  });

  it('have their place in a database of the first version, whose content stays', () => {
    const path = freshPath();
    const old = new (sqlite())(path);
    old.exec(MIGRATIONS[0]!);
    old.pragma(`application_id = ${APPLICATION_ID}`);
    old.pragma('user_version = 1');
    old.exec(`INSERT INTO label (name, kind) VALUES ('kept', 'own')`);
    old.close();
    const store = freshStore(path);
    saveBaseline(store, baseline('192.0.2.1'));
    assert.equal(listBaselines(store).length, 1);
    assert.deepEqual(store.prepare('SELECT name FROM label').all(), [{ name: 'kept' }]);
    assert.deepEqual(store.prepare('PRAGMA user_version').all(), [{ user_version: SCHEMA_VERSION }]);
  });
});
