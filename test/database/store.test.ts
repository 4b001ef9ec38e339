import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { defaultDatabasePath } from '../../src/database/default-path.js';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../src/database/schema.js';
import { sqlite } from '../../src/database/sqlite.js';
import { Store } from '../../src/database/store.js';
import { HellotapError } from '../../src/errors.js';
import { file, freshPath, freshStore } from './scratch.js';

const failure = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof HellotapError && error.code === code && message.test(error.message);

describe('opening a database', () => {
  it('makes the file, marks it as ours, and finds it again', () => {
    const path = freshPath();
    Store.open(path).close();
    const plain = new (sqlite())(path);
    assert.equal(plain.pragma('application_id', { simple: true }), APPLICATION_ID);
    assert.equal(plain.pragma('user_version', { simple: true }), SCHEMA_VERSION);
    assert.equal(plain.pragma('journal_mode', { simple: true }), 'wal');
    plain.close();
    Store.open(path, { create: false }).close();
  });

  it('makes the folder of the default path', () => {
    const dataHome = freshPath('.d');
    const path = defaultDatabasePath({ XDG_DATA_HOME: dataHome });
    assert.equal(path, join(dataHome, 'hellotap', 'hellotap.db'));
    Store.open(path, { createFolder: true }).close();
    assert.ok(existsSync(path));
  });

  it('ignores a relative XDG_DATA_HOME, as the specification says', () => {
    assert.match(defaultDatabasePath({ XDG_DATA_HOME: 'data' }), /\.local\/share\/hellotap\/hellotap\.db$/);
  });

  it('says that the folder does not exist', () => {
    const path = join(freshPath('.d'), 'x.db');
    assert.throws(() => Store.open(path), failure('ERR_DATABASE_OPEN', /folder .* does not exist/));
  });

  it('says that the path is a folder', () => {
    const path = freshPath('.d');
    mkdirSync(path);
    assert.throws(() => Store.open(path), failure('ERR_DATABASE_OPEN', /is a folder/));
  });

  it('does not make a database that is only to be read', () => {
    const path = freshPath();
    assert.throws(() => Store.open(path, { create: false }), failure('ERR_DATABASE_OPEN', /no such database/));
    assert.equal(existsSync(path), false);
  });

  it('says that rights are missing', { skip: process.getuid?.() === 0 && 'root may write everywhere' }, () => {
    const folder = freshPath('.d');
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    assert.throws(() => Store.open(join(folder, 'x.db')), failure('ERR_DATABASE_OPEN', /cannot be opened/));
  });

  it('refuses a file that is no database and leaves it as it is', () => {
    const path = file('This is a text, and by far not the first page of a database.\n'.repeat(40), '.db');
    const before = readFileSync(path);
    assert.throws(() => Store.open(path), failure('ERR_DATABASE_FORMAT', /not a hellotap database/));
    assert.deepEqual(readFileSync(path), before);
  });

  it('refuses the database of another application and leaves it as it is', () => {
    const path = freshPath();
    const other = new (sqlite())(path);
    other.exec('CREATE TABLE songs (title TEXT)');
    other.close();
    const before = readFileSync(path);
    assert.throws(() => Store.open(path), failure('ERR_DATABASE_FORMAT', /another application/));
    assert.deepEqual(readFileSync(path), before);
  });

  it('refuses a database of a newer version and says which', () => {
    const path = freshPath();
    Store.open(path).close();
    const newer = new (sqlite())(path);
    newer.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    newer.close();
    assert.throws(
      () => Store.open(path),
      failure(
        'ERR_DATABASE_VERSION',
        new RegExp(`schema ${SCHEMA_VERSION + 1}; this one knows up to ${SCHEMA_VERSION}`),
      ),
    );
  });

  it('says that the database is damaged rather than giving wrong answers', () => {
    const path = freshPath();
    Store.open(path).close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 4096, 8192);
    writeFileSync(path, bytes);
    assert.throws(
      () => {
        const store = Store.open(path);
        store.prepare('SELECT * FROM meta').all();
        store.prepare('SELECT * FROM fingerprint_kind').all();
      },
      (error) => error instanceof Error && /damaged|malformed/.test(error.message),
    );
  });

  it('can be made by several processes at once', () => {
    const path = freshPath();
    const script = `
      import { Store } from ${JSON.stringify(join(import.meta.dirname, '../../src/database/store.ts'))};
      Store.open(${JSON.stringify(path)}).close();`;
    const together = `for i in 1 2 3; do "$0" --import tsx --input-type=module -e "$1" & pids="$pids $!"; done; for p in $pids; do wait $p || exit 1; done`;
    execFileSync('bash', ['-c', together, process.execPath, script], { stdio: 'pipe' });
    const store = freshStore(path);
    assert.equal(store.generation, 0);
  });
});

describe('writing', () => {
  it('stores all of a transaction or nothing', () => {
    const store = freshStore();
    assert.throws(() =>
      store.write(() => {
        store.prepare(`INSERT INTO source (name) VALUES ('half')`).run();
        throw new Error('stop');
      }),
    );
    assert.equal(store.prepare(`SELECT * FROM source WHERE name = 'half'`).get(), undefined);
  });

  it('gives up after the busy time-out with a clear error', () => {
    const path = freshPath();
    const one = freshStore(path);
    const other = Store.open(path, { busyTimeoutMs: 20 });
    one.write(() => {
      assert.throws(() => other.write(() => null), failure('ERR_DATABASE_BUSY', /another process is writing/));
    });
    other.close();
  });

  it('shows other connections a raised generation, and no rise for other commits', () => {
    const one = freshStore();
    const other = freshStore(one.path);
    assert.equal(other.refresh(), false);
    one.write(() => one.prepare(`INSERT INTO source (name) VALUES ('a')`).run());
    assert.equal(other.refresh(), false);
    one.write(() => {
      one.raiseGeneration();
    });
    assert.equal(other.refresh(), true);
    assert.equal(other.generation, one.generation);
    assert.equal(other.refresh(), false);
  });

  it('forgets a raised generation that was rolled back', () => {
    const store = freshStore();
    assert.throws(() =>
      store.write(() => {
        store.raiseGeneration();
        throw new Error('stop');
      }),
    );
    assert.equal(store.generation, 0);
  });
});

describe('holding a state', () => {
  const names = (store: Store): unknown[] => store.prepare('SELECT name FROM source ORDER BY id').pluck().all();
  const add = (store: Store, name: string): void => {
    store.write(() => store.prepare('INSERT INTO source (name) VALUES (?)').run(name));
  };

  it('shows one state until the turn is over, and then what others wrote meanwhile', async () => {
    const one = freshStore();
    const other = freshStore(one.path);
    one.hold();
    assert.deepEqual(names(one), ['']);
    add(other, 'a');
    one.hold();
    assert.deepEqual(names(one), ['']);
    await setImmediate();
    assert.deepEqual(names(one), ['', 'a']);
    one.hold();
    assert.deepEqual(names(one), ['', 'a']);
    add(other, 'b');
    one.refresh();
    assert.deepEqual(names(one), ['', 'a', 'b']);
  });

  it('keeps neither this connection nor others from writing', async () => {
    const one = freshStore();
    const other = freshStore(one.path);
    one.hold();
    assert.deepEqual(names(one), ['']);
    add(other, 'a');
    // What is held is older than what is to be written to.
    add(one, 'b');
    one.hold();
    assert.deepEqual(names(one), ['', 'a', 'b']);
    one.exec(`CREATE TEMP TABLE mine (x)`);
    one.hold();
    one.prepare('INSERT INTO temp.mine VALUES (1)').run();
    await one.writeInSteps(
      (function* () {
        yield one.prepare(`INSERT INTO source (name) VALUES ('c')`).run();
      })(),
      async () => {
        one.hold();
        await setImmediate();
      },
    );
    assert.deepEqual(names(other), ['', 'a', 'b', 'c']);
    assert.equal(one.prepare('SELECT count(*) FROM temp.mine').pluck().get(), 1);
  });

  it('ends with the connection', async () => {
    const store = freshStore();
    store.hold();
    assert.deepEqual(names(store), ['']);
    store.close();
    await setImmediate();
  });
});
