import assert from 'node:assert/strict';
import { copyFileSync, openSync, readFileSync, statSync, writeSync, closeSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseFingerprintKey } from '../../src/database/fingerprint-key.js';
import { addLabel, removeLabel } from '../../src/database/labels.js';
import { mergeDatabase, sightings } from '../../src/database/merge-database.js';
import { compact, prune } from '../../src/database/prune.js';
import { findServer, recordProbes } from '../../src/database/servers.js';
import { showServers } from '../../src/database/show.js';
import { sourceByName } from '../../src/database/source.js';
import { Store } from '../../src/database/store.js';
import { verifyDatabase } from '../../src/database/verify.js';
import { weekOf } from '../../src/database/week.js';
import { HellotapError } from '../../src/errors.js';
import { freshPath, freshStore, golden, goldenLine, goldenProbes } from './scratch.js';

const day = 86_400_000;
const monday = Date.parse('2022-06-27T00:00:00Z');
const at = (days: number): Date => new Date(monday + days * day);
const jarm = '2ad2ad0002ad2ad00042d42d00000069d641f34fe76acdc05c40262f8815e5';

function label(store: Store, key: string, name: string, when: Date | null = null): void {
  const parsed = parseFingerprintKey(key);
  assert.ok(typeof parsed !== 'string');
  const seconds = when === null ? null : when.getTime() / 1000;
  addLabel(store, {
    key: parsed,
    label: { name, kind: 'c2' },
    source: sourceByName('blocklist:test'),
    firstSeen: seconds,
    lastSeen: seconds,
    count: 1,
  });
}

/** A database with servers of the lab over some weeks, from lists, with JARM, header and labels. */
function filled(store = freshStore()): Store {
  recordProbes(store, goldenProbes(at(0)), { source: sourceByName('toplist:lab') });
  recordProbes(store, goldenProbes(at(8)), { source: sourceByName('toplist:lab') });
  recordProbes(
    store,
    goldenProbes(at(70))
      .slice(0, 30)
      .map((probe) => ({ ...probe, jarm, httpServer: 'nginx' })),
    { source: sourceByName('blocklist:lab'), label: { name: 'Dridex', kind: 'c2' } },
  );
  label(store, `jarm:${jarm}`, 'Cobalt Strike');
  label(store, 'endpoint:192.0.2.1:443', 'Feodo', at(1));
  label(store, goldenLine('nginx-default').fingerprint!, 'nginx', at(71));
  return store;
}

/** The content without row ids, so that two databases can be compared. */
const content = (store: Store): unknown => [
  store
    .prepare(
      `SELECT hex(s.address) AS address, s.port, s.name, s.first_seen, s.last_seen, s.count, s.weeks, hex(a.digest) AS answers,
         hex(f.digest) AS fingerprint, f.text, hex(j.digest) AS jarm, h.text AS http, o.name AS source, o.class, l.name AS label,
         l.kind, p.outcome, k.name AS helloSet, k.hellos
       FROM server s JOIN profile p ON p.id = s.profile_id JOIN source o ON o.id = p.source_id
       LEFT JOIN answers a ON a.id = p.answers_id LEFT JOIN fingerprint_kind k ON k.id = a.kind_id
       LEFT JOIN fingerprint f ON f.id = a.fingerprint_id LEFT JOIN fingerprint j ON j.id = p.jarm_id
       LEFT JOIN http_server h ON h.id = p.http_server_id LEFT JOIN label l ON l.id = p.label_id
       ORDER BY 1, 2, 3, 4, 8, 13`,
    )
    .all(),
  store
    .prepare(
      `SELECT hex(a.digest) AS answers, o.name AS source, l.name AS label, t.week, sum(t.servers) AS servers
       FROM tally t JOIN profile p ON p.id = t.profile_id JOIN source o ON o.id = p.source_id
       LEFT JOIN answers a ON a.id = p.answers_id LEFT JOIN label l ON l.id = p.label_id GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
    )
    .all(),
  store
    .prepare(
      `SELECT hex(f.digest) AS digest, l.name, l.kind, o.name AS source, c.first_seen, c.last_seen, c.count, c.removed FROM claim c
       JOIN fingerprint f ON f.id = c.fingerprint_id JOIN label l ON l.id = c.label_id JOIN source o ON o.id = c.source_id
       ORDER BY 1, 2, 3, 4`,
    )
    .all(),
];

/** How often servers were seen, in which weeks. */
const counts = (store: Store): unknown => [
  store
    .prepare('SELECT hex(address) AS address, port, name, last_seen, count, weeks FROM server ORDER BY 1, 2, 3')
    .all(),
  store.prepare('SELECT week, sum(servers) AS servers FROM tally GROUP BY 1 ORDER BY 1').all(),
];

describe('verifying', () => {
  it('finds nothing in a sound database', () => {
    assert.deepEqual(verifyDatabase(freshStore()).damages, []);
    const report = verifyDatabase(filled());
    assert.deepEqual(report.damages, []);
    assert.ok(report.servers > golden.length && report.fingerprints > 10 && report.claims > 3);
  });

  const wounds: readonly [name: string, sql: string, check: string, detail: RegExp][] = [
    [
      'a server of no profile',
      'UPDATE server SET profile_id = profile_id + 9000',
      'references',
      /servers whose profile/,
    ],
    ['answers of no kind', 'UPDATE answers SET kind_id = 99', 'references', /rows of answers that refer to no row/],
    [
      'a changed fingerprint',
      `UPDATE fingerprint SET text = text || 'x' WHERE id IN (SELECT min(id) FROM fingerprint WHERE text IS NOT NULL)`,
      'digests',
      /stack fingerprints/,
    ],
    ['changed answers', `UPDATE answers SET text = 'x' WHERE id = 1`, 'digests', /answers whose/],
    ['a short JARM', `UPDATE fingerprint SET digest = x'00' WHERE kind_id = 1`, 'digests', /length of its kind/],
    ['a lost weekly count', 'DELETE FROM tally WHERE profile_id = 1', 'counts', /not seen as often/],
    ['an impossible time', 'UPDATE server SET first_seen = last_seen + 1', 'servers', /cannot be/],
  ];
  for (const [name, sql, check, detail] of wounds) {
    it(`finds ${name}`, () => {
      const store = filled();
      store.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
      const found = verifyDatabase(store).damages.find(
        (damage) => damage.check === check && detail.test(damage.detail),
      );
      assert.ok(found !== undefined && found.count > 0, JSON.stringify(verifyDatabase(store).damages));
    });
  }

  it('finds pages that were overwritten, or that cannot be read', () => {
    const path = freshPath();
    const store = filled(Store.open(path));
    store.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    store.close();
    const pages = Math.floor(statSync(path).size / 4096);
    let found = 0;
    for (let page = 2; page < pages; page += 3) {
      const hurt = freshPath();
      copyFileSync(path, hurt);
      const file = openSync(hurt, 'r+');
      writeSync(file, Buffer.alloc(512, 0xa5), 0, 512, page * 4096);
      closeSync(file);
      try {
        const opened = Store.open(hurt);
        if (verifyDatabase(opened).damages.length > 0) found += 1;
        opened.close();
      } catch (error) {
        assert.ok(error instanceof HellotapError && error.code === 'ERR_DATABASE_FORMAT', String(error));
        found += 1;
      }
    }
    assert.equal(found, Math.ceil((pages - 2) / 3));
  });
});

describe('merging another database', () => {
  it('gives the same as if all had been stored in one, whichever comes into which', () => {
    const one = freshStore();
    const other = freshStore();
    const both = freshStore();
    for (const [index, probe] of goldenProbes(at(0)).entries()) {
      const again = { ...probe, seenAt: at(15) };
      recordProbes(index % 2 === 0 ? one : other, [probe]);
      recordProbes(index % 3 === 0 ? one : other, [again], { source: sourceByName('toplist:x') });
      recordProbes(both, [probe]);
      recordProbes(both, [again], { source: sourceByName('toplist:x') });
    }
    label(one, `jarm:${jarm}`, 'Cobalt Strike', at(3));
    label(other, `jarm:${jarm}`, 'Cobalt Strike', at(5));
    label(both, `jarm:${jarm}`, 'Cobalt Strike', at(3));
    label(both, `jarm:${jarm}`, 'Cobalt Strike', at(5));
    const [a, b] = [freshStore(), freshStore()];
    mergeDatabase(a, one.path);
    mergeDatabase(a, other.path);
    mergeDatabase(b, other.path);
    mergeDatabase(b, one.path);
    assert.deepEqual(content(a), content(both));
    assert.deepEqual(content(b), content(both));
    assert.deepEqual(verifyDatabase(a).damages, []);
  });

  it('copies everything into an empty one, and changes nothing the second time', () => {
    const store = filled();
    const copy = freshStore();
    const report = mergeDatabase(copy, store.path);
    assert.ok(report.newSightings > golden.length && report.newClaims === 3 && report.newFingerprints > 10);
    assert.deepEqual(content(copy), content(store));
    const { generation } = copy;
    const again = mergeDatabase(copy, store.path);
    assert.deepEqual([again.newSightings, again.newClaims, again.newFingerprints], [0, 0, 0]);
    assert.deepEqual(content(copy), content(store));
    assert.equal(copy.generation, generation);
  });

  it('does not bring back a label that was taken away here', () => {
    const other = filled();
    const store = freshStore();
    mergeDatabase(store, other.path);
    const key = parseFingerprintKey(`jarm:${jarm}`);
    assert.ok(typeof key !== 'string');
    assert.equal(removeLabel(store, key, 'Cobalt Strike', null), 1);
    mergeDatabase(store, other.path);
    assert.equal(removeLabel(store, key, 'Cobalt Strike', null), 0);
  });

  it('refuses itself, what is missing, and what is no database', () => {
    const store = filled();
    const code = (path: string): string => {
      try {
        mergeDatabase(store, path);
      } catch (error) {
        if (error instanceof HellotapError) return error.code;
        throw error;
      }
      return 'none';
    };
    assert.equal(code(store.path), 'ERR_USAGE');
    assert.equal(code(freshPath()), 'ERR_DATABASE_OPEN');
    assert.equal(code(import.meta.filename), 'ERR_DATABASE_FORMAT');
  });

  it('tells every week of the window, as times within the span', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 400_000_000, max: 2_000_000_000 }),
        fc.array(fc.integer({ min: 0, max: 52 }), { minLength: 1, maxLength: 20 }),
        (last, backs) => {
          const weeks = new Set([0, ...backs]);
          const first = Math.max(last - 604_800 * Math.max(...weeks), 0);
          const mask = [...weeks].reduce((sum, back) => sum + 2 ** back, 0);
          const times = sightings({ first, last, weeks: mask });
          assert.ok(times.every((time) => time >= first && time <= last));
          assert.deepEqual(new Set(times.map((time) => weekOf(last) - weekOf(time))), weeks);
        },
      ),
    );
  });
});

describe('pruning', () => {
  it('forgets servers, labels, weeks and fingerprints that were last seen before the week', () => {
    const store = filled();
    const servers = verifyDatabase(store).servers;
    const report = prune(store, at(73).getTime() / 1000);
    assert.equal(report.before, at(70).getTime() / 1000);
    assert.equal(report.servers, servers - 30);
    assert.equal(report.claims, 1);
    assert.ok(report.fingerprints > 0);
    assert.deepEqual(verifyDatabase(store).damages, []);
    assert.equal(showServers(store, golden[0]!.ip).length, 1);
    assert.equal(store.prepare<[], { n: number }>('SELECT count(DISTINCT week) AS n FROM tally').get()?.n, 1);
    const again = prune(store, at(73).getTime() / 1000);
    assert.deepEqual([again.servers, again.claims, again.fingerprints], [0, 0, 0]);
  });

  it('keeps servers that were seen later as well, and what is stored afterwards counts', () => {
    const store = freshStore();
    const [probe] = goldenProbes(at(0));
    recordProbes(store, [probe!]);
    recordProbes(store, [{ ...probe!, seenAt: at(21) }]);
    assert.equal(prune(store, at(14).getTime() / 1000).servers, 0);
    recordProbes(store, [{ ...probe!, seenAt: at(28) }]);
    const [sighting] = findServer(store, probe!.server);
    assert.deepEqual([sighting!.firstSeen, sighting!.lastSeen], [at(0).getTime() / 1000, at(28).getTime() / 1000]);
    assert.deepEqual(verifyDatabase(store).damages, []);
  });

  it('leaves what would be there without the weeks before, here and where it is merged into; told again, they count again', () => {
    const probes = goldenProbes(at(0)).slice(0, 3);
    const seen = fc.record({ probe: fc.nat(2), week: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(seen, { minLength: 1, maxLength: 30 }), fc.nat(42), (all, cut) => {
        const store = freshStore();
        const record = (into: Store, some: typeof all): void => {
          const source = sourceByName('toplist:lab');
          recordProbes(
            into,
            some.map(({ probe, week }) => ({ ...probes[probe]!, seenAt: at(7 * week) })),
            { source },
          );
        };
        record(store, all);
        const before = content(store);
        prune(store, at(7 * cut).getTime() / 1000);
        const left = freshStore();
        record(
          left,
          all.filter(({ week }) => week >= cut),
        );
        const merged = freshStore();
        mergeDatabase(merged, store.path);
        assert.deepEqual(content(merged), content(left));
        assert.deepEqual(counts(store), counts(left));
        assert.deepEqual(verifyDatabase(store).damages, []);
        record(store, all);
        assert.deepEqual(content(store), before);
      }),
      { numRuns: 30 },
    );
  });

  it('raises the generation where something went, and leaves it where nothing did', () => {
    const store = filled();
    const before = store.generation;
    prune(store, at(-100).getTime() / 1000);
    assert.equal(store.generation, before);
    prune(store, at(7).getTime() / 1000);
    assert.equal(store.generation, before + 1);
  });
});

describe('compacting', () => {
  it('gives room back and changes nothing else', () => {
    const store = freshStore();
    const many = Array.from({ length: 20_000 }, (_, n) => ({
      ...goldenProbes(at(0))[0]!,
      server: {
        address: `10.0.${n >> 8}.${n & 255}`,
        port: 443,
        serverName: 'a-long-name-that-takes-some-room.example',
      },
    }));
    recordProbes(store, many);
    recordProbes(store, goldenProbes(at(70)));
    prune(store, at(60).getTime() / 1000);
    const before = content(store);
    const report = compact(store);
    assert.ok(report.after < report.before / 3, JSON.stringify(report));
    assert.equal(statSync(store.path).size, report.after);
    assert.deepEqual(content(store), before);
    assert.deepEqual(verifyDatabase(store).damages, []);
  });

  it('waits for nobody: another reader keeps its state, another writer is named', () => {
    const store = filled();
    const other = store.fork();
    store.setPatience(20);
    other.exec('BEGIN IMMEDIATE');
    assert.throws(() => compact(store), { code: 'ERR_DATABASE_BUSY' });
    other.exec('COMMIT');
    other.close();
    assert.ok(readFileSync(store.path).length > 0);
  });
});
