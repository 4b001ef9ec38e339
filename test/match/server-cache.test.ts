import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ServerCache } from '../../src/match/server-cache.js';

const plenty = { maxServers: 1000, maxBytes: 1e9 };
const key = fc.record({
  address: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1'),
  port: fc.constantFrom(443, 8443),
  serverName: fc.oneof(
    fc.constant(null),
    fc.integer({ min: 0, max: 30 }).map((n) => `${n}.example`),
  ),
});

describe('the cache of servers', () => {
  it('answers as a plain map does, however many names an address has', () => {
    const step = fc.record({ key, action: fc.constantFrom('get', 'set', 'set', 'delete') });
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 400 }), (steps) => {
        const cache = new ServerCache<{ n: number }>(plenty);
        const model = new Map<string, { n: number }>();
        steps.forEach(({ key: server, action }, n) => {
          const text = `${server.address} ${server.port} ${server.serverName ?? ''}`;
          if (action === 'set') {
            cache.set(server, { n });
            model.set(text, { n });
          } else if (action === 'delete') {
            cache.delete(server);
            model.delete(text);
          }
          // An address that had become crowded and no longer is may forget names; it never gives an old value.
          const got = cache.get(server);
          if (got !== undefined) assert.deepEqual(got, model.get(text));
          if (action === 'set') assert.deepEqual(got, { n });
          if (action === 'delete') assert.equal(got, undefined);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('remembers hundreds of names at one address', () => {
    const cache = new ServerCache<{ n: number }>(plenty);
    const server = (n: number) => ({ address: '192.0.2.1', port: 443, serverName: `${n}.example` });
    for (let n = 0; n < 500; n++) cache.set(server(n), { n });
    for (let n = 0; n < 500; n++) assert.deepEqual(cache.get(server(n)), { n });
  });

  it('keeps to its bytes', () => {
    const cache = new ServerCache<{ n: number }>({ maxServers: 1000, maxBytes: 100_000 });
    const server = (n: number) => ({ address: `192.0.2.${n}`, port: 443, serverName: 'x'.repeat(100) });
    for (let n = 0; n < 255; n++) cache.set(server(n), { n });
    const kept = Array.from({ length: 255 }, (_, n) => cache.get(server(n))).filter((value) => value !== undefined);
    assert.ok(kept.length > 50 && kept.length <= 100, String(kept.length));
    assert.deepEqual(cache.get(server(254)), { n: 254 });
  });

  it('keeps to its number of addresses, however small they are', () => {
    const cache = new ServerCache<{ n: number }>({ maxServers: 10, maxBytes: 1e9 });
    const server = (n: number) => ({ address: `192.0.2.${n}`, port: 443, serverName: null });
    for (let n = 0; n < 100; n++) cache.set(server(n), { n });
    const kept = Array.from({ length: 100 }, (_, n) => n).filter((n) => cache.get(server(n)) !== undefined);
    assert.deepEqual(kept, [90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  });

  it('costs next to nothing before it holds anything', () => {
    const made = Array.from({ length: 20 }, () => {
      const start = performance.now();
      new ServerCache({ maxServers: 262_144, maxBytes: 256 * 2 ** 20 });
      return performance.now() - start;
    });
    assert.ok(Math.min(...made) < 5, String(Math.min(...made)));
  });
});
