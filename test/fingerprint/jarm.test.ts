import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jarm, jarmAnswer, jarmHash, UNRESOLVED_JARM } from '../../src/fingerprint/jarm.js';

/** A record with a ServerHello (RFC 8446 section 4.1.3) of TLS 1.2, with these bytes behind compression_method. */
function serverHello(...behind: number[]): Uint8Array {
  const body = [0x03, 0x03, ...new Array<number>(32).fill(7), 0, 0xc0, 0x2f, 0, ...behind];
  return Uint8Array.from([22, 3, 3, 0, body.length + 4, 2, 0, 0, body.length, ...body]);
}

const alpn = (...name: number[]): number[] => [0, 16, 0, name.length + 3, 0, name.length + 1, name.length, ...name];

describe('JARM', () => {
  it('of ten servers that say nothing is 62 zeros', () => {
    const silence = new Array<Uint8Array>(10).fill(new Uint8Array(0));
    assert.equal(jarm(silence)?.hash, UNRESOLVED_JARM);
  });

  it('of a server that lets one hello time out is 62 zeros, whatever the others brought', () => {
    const answers = [...new Array<Uint8Array>(9).fill(serverHello(0, 4, 0xff, 1, 0, 0)), null];
    assert.equal(jarm(answers)?.hash, UNRESOLVED_JARM);
  });

  it('of an alert is no answer', () => {
    assert.equal(jarmAnswer(Uint8Array.of(21, 3, 3, 0, 2, 2, 40)), '|||');
  });

  it('reads cipher suite, version, ALPN and extensions', () => {
    const h2 = alpn(0x68, 0x32);
    assert.equal(jarmAnswer(serverHello(0, 4 + h2.length, 0xff, 1, 0, 0, ...h2)), 'c02f|0303|h2|ff01-0010');
  });

  it('adds three bars where the answer ends before the extensions', () => {
    assert.equal(jarmAnswer(serverHello()), 'c02f|0303||||');
  });

  it('takes an answer that ends inside of an extension’s header for none', () => {
    assert.equal(jarmAnswer(serverHello(0, 20, 0, 16)), '|||');
  });

  it('looks no further than 1,484 bytes', () => {
    const long = Buffer.concat([serverHello(0xf0, 4, 0, 99, 0xf0, 0), Buffer.alloc(70_000)]);
    assert.equal(jarmAnswer(long), 'c02f|0303||0063');
  });

  it('takes an empty ALPN extension, and one that is not UTF-8, for no answer at all', () => {
    assert.equal(jarmAnswer(serverHello(0, 4, 0, 16, 0, 0)), '|||');
    assert.equal(jarmAnswer(serverHello(0, 9, ...alpn(0xff, 0xfe))), '|||');
  });

  it('has none where jarm.py ends with an error', () => {
    const good = new Array<Uint8Array>(9).fill(new Uint8Array(0));
    assert.equal(jarm([...good, serverHello(0, 10, ...alpn(0x61, 0x2c, 0x62))]), null);
    assert.equal(jarmHash('c02f|0306||'), null);
  });

  it('of whatever bytes neither throws nor loses its form', () => {
    const start = fc.constantFrom(serverHello(), serverHello(0, 200), Uint8Array.of(22, 3, 3, 0, 1, 2));
    const bytes = fc.tuple(start, fc.uint8Array({ maxLength: 300 })).map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 10, maxLength: 10 }), (answers) => {
        const result = jarm(answers);
        assert.ok(result === null || /^[0-9a-f]{62}$/.test(result.hash));
      }),
      { numRuns: 500 },
    );
  });
});
