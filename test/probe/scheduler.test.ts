import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DelayQueue } from '../../src/probe/delay-queue.js';
import { Scheduler } from '../../src/probe/scheduler.js';
import type { SchedulerLimits } from '../../src/probe/scheduler.js';
import { TokenBucket } from '../../src/probe/token-bucket.js';

describe('the delay queue', () => {
  it('gives items back in the order in which they are due', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 })), (dues) => {
        const queue = new DelayQueue<number>();
        for (const due of dues) queue.push(due, due);
        const sorted = [...dues].sort((a, b) => a - b);
        assert.equal(queue.nextDue, sorted[0] ?? Infinity);
        assert.deepEqual(
          sorted.map(() => queue.popDue(1000)),
          sorted,
        );
        assert.equal(queue.size, 0);
      }),
    );
  });

  it('holds an item until it is due', () => {
    const queue = new DelayQueue<string>();
    queue.push('late', 20);
    queue.push('early', 10);
    assert.equal(queue.popDue(9.9), undefined);
    assert.equal(queue.popDue(10), 'early');
    assert.equal(queue.popDue(19), undefined);
    assert.equal(queue.popDue(20), 'late');
  });
});

describe('the token bucket', () => {
  it('gives its rate over time, however often it is asked', () => {
    for (const rate of [0.5, 1, 100, 2000]) {
      const bucket = new TokenBucket(rate, 0);
      let taken = 0;
      const seconds = 100;
      for (let now = 0; now <= seconds * 1000; now += 3) while (bucket.take(now)) taken++;
      assert.ok(Math.abs(taken - rate * seconds) <= Math.max(2, rate * 0.21), `${taken} at ${rate} per second`);
    }
  });

  it('saves up a fifth of a second after a pause, or what it was told', () => {
    const bucket = new TokenBucket(1000, 0);
    let taken = 0;
    while (bucket.take(60_000)) taken++;
    assert.equal(taken, 200);
    const generous = new TokenBucket(1, 0, 5);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map(() => generous.take(0)),
      [true, true, true, true, true, false],
    );
  });

  it('says when the next token will be there', () => {
    const bucket = new TokenBucket(10, 0);
    assert.equal(bucket.nextAt(0), 0);
    assert.ok(bucket.take(0));
    assert.equal(bucket.nextAt(0), 100);
    assert.ok(!bucket.take(99.9) && bucket.take(100.1));
  });

  it('of rate 0 has no limit', () => {
    const bucket = new TokenBucket(0, 0);
    for (let count = 0; count < 10_000; count++) assert.ok(bucket.take(0));
    assert.equal(bucket.nextAt(5), 5);
  });
});

describe('the scheduler', () => {
  const UNLIMITED: SchedulerLimits = {
    rate: 0,
    perServerRate: 0,
    perPrefixRate: 0,
    concurrency: 100,
    perServerConcurrency: 1,
  };

  /** Runs jobs of `jobsPerServer` for each address, each taking some milliseconds; gives when each began. */
  async function run(limits: Partial<SchedulerLimits>, servers: readonly string[], jobsPerServer: number, tookMs = 2) {
    const started: { address: string; at: number }[] = [];
    const open = new Map<string, number>();
    const most = { all: 0, server: 0 };
    const scheduler = new Scheduler(
      { ...UNLIMITED, ...limits },
      () => performance.now(),
      Math.random,
      () => false,
    );
    const total = servers.length * jobsPerServer;
    await new Promise<void>((resolve) => {
      let ended = 0;
      for (const address of servers) {
        for (let count = 0; count < jobsPerServer; count++) {
          scheduler.submit(address, address.split('.')[0] ?? '', {
            settle: () => false,
            run(done) {
              started.push({ address, at: performance.now() });
              open.set(address, (open.get(address) ?? 0) + 1);
              most.server = Math.max(most.server, open.get(address) ?? 0);
              most.all = Math.max(most.all, scheduler.open);
              setTimeout(() => {
                open.set(address, (open.get(address) ?? 0) - 1);
                done();
                if (++ended === total) resolve();
              }, tookMs);
            },
          });
        }
      }
      scheduler.pump();
    });
    assert.equal(started.length, total);
    return { started, most };
  }

  const names = (count: number, prefix = 'p'): string[] => Array.from({ length: count }, (_, i) => `${prefix}.${i}`);

  it('opens no more connections at once than it may, in all and to one server', async () => {
    const { most } = await run({ concurrency: 5 }, names(20), 3);
    assert.deepEqual(most, { all: 5, server: 1 });
    const { most: wider } = await run({ perServerConcurrency: 2 }, names(3), 8);
    assert.equal(wider.server, 2);
  });

  it('keeps the rate in all', async () => {
    const { started } = await run({ rate: 200 }, names(60), 1);
    const took = (started.at(-1)?.at ?? 0) - (started[0]?.at ?? 0);
    assert.ok(took > 235, `60 in ${took} ms`);
  });

  it('keeps a server’s rate, and a prefix’s', async () => {
    const gaps = (items: readonly { at: number }[]): number =>
      Math.min(...items.slice(1).map(({ at }, index) => at - (items[index]?.at ?? 0)));
    const server = await run({ perServerRate: 40 }, ['p.1'], 5);
    assert.ok(gaps(server.started) >= 24, `${gaps(server.started)} ms`);
    const prefix = await run({ perPrefixRate: 40 }, [...names(4, 'p'), ...names(2, 'q')], 1);
    for (const name of ['p', 'q']) {
      const gap = gaps(prefix.started.filter(({ address }) => address.startsWith(name)));
      assert.ok(gap >= 24, `${gap} ms`);
    }
  });

  it('shuffles: no server sees its connections in a row', async () => {
    const { started } = await run({ concurrency: 1 }, names(20), 10, 0);
    let inARow = 0;
    for (const [index, { address }] of started.entries()) if (started[index - 1]?.address === address) inARow++;
    // By chance one in twenty; in order it would be 180 of 200.
    assert.ok(inARow < 40, `${inARow} of 200`);
  });

  it('runs a job that is submitted for later then, and forgets what is not wanted any more', async () => {
    const scheduler = new Scheduler(
      UNLIMITED,
      () => performance.now(),
      Math.random,
      () => false,
    );
    const began = performance.now();
    const at = await new Promise<number>((resolve) => {
      const job = (done: () => void): void => {
        done();
        resolve(performance.now());
      };
      scheduler.submitLater('a', '', { settle: () => false, run: (done) => setImmediate(job, done) }, 30);
    });
    assert.ok(at - began >= 29);
    let ran = 0;
    for (let count = 0; count < 3; count++) {
      scheduler.submit('b', '', {
        settle: () => false,
        run(done) {
          ran++;
          setImmediate(done);
        },
      });
    }
    scheduler.remove(() => true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(ran, 0);
  });

  it('spends nothing on jobs that need no connection any more', async () => {
    let settled = 0;
    const scheduler = new Scheduler(
      { ...UNLIMITED, rate: 1, perServerRate: 1 },
      () => performance.now(),
      Math.random,
      () => false,
    );
    const began = performance.now();
    await new Promise<void>((resolve) => {
      for (let count = 0; count < 100; count++) {
        const run = (): void => {
          throw new Error('it has ended');
        };
        const settle = (): boolean => {
          settled++;
          return true;
        };
        scheduler.submit('a', '', { settle, run });
      }
      scheduler.submit('b', '', {
        settle: () => false,
        run(done) {
          setImmediate(done);
          resolve();
        },
      });
      scheduler.pump();
    });
    assert.equal(settled, 100);
    assert.ok(performance.now() - began < 500, 'the one token was there for the one connection');
  });
});
