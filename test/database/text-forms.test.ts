import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressBytes, addressText } from '../../src/database/address.js';
import { keyText, parseFingerprintKey } from '../../src/database/fingerprint-key.js';
import { parseTime, timeText } from '../../src/database/time-text.js';
import { mondayOf, weekOf } from '../../src/database/week.js';
import { golden } from './scratch.js';

describe('addresses', () => {
  it('come back as they went in', () => {
    fc.assert(fc.property(fc.ipV4(), (text) => addressText(addressBytes(text)!) === text));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        assert.deepEqual(addressBytes(addressText(bytes)), Buffer.from(bytes));
      }),
    );
  });

  it('are refused where readers would disagree about them', () => {
    for (const text of [
      '',
      '1.2.3',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4.5',
      '1.2.3.',
      '0x7f.0.0.1',
      '1.2.3.4 ',
      'fe80::1%eth0',
      '1::2::3',
      ':',
      'a.b.c.d',
    ]) {
      assert.equal(addressBytes(text), null, text);
    }
  });
});

describe('times', () => {
  it('are read as dates and as ISO 8601', () => {
    assert.equal(parseTime('2022-06-27'), Date.UTC(2022, 5, 27) / 1000);
    assert.equal(parseTime('2022-06-27 14:00:05'), Date.UTC(2022, 5, 27, 14, 0, 5) / 1000);
    assert.equal(parseTime('2022-06-27T14:00:05.123456+0000'), Date.UTC(2022, 5, 27, 14, 0, 5) / 1000);
    assert.equal(parseTime('2016-12-31T23:59:60Z'), Date.UTC(2016, 11, 31, 23, 59, 59) / 1000);
  });

  it('are refused where there is no such day or hour', () => {
    for (const text of ['', '2022-02-30', '2022-13-01', '27.06.2022', '2022-06-27T24:00', '1969-12-31', '2022-6-7']) {
      assert.equal(parseTime(text), null, text);
    }
  });

  it('come back to the second', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (time) => parseTime(timeText(time)) === time));
  });

  it('fall into weeks that begin on a Monday', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (time) => {
        const monday = mondayOf(weekOf(time));
        assert.ok(monday <= time && time < monday + 604_800);
        assert.equal(new Date(monday * 1000).getUTCDay(), 1);
      }),
    );
  });
});

describe('fingerprint keys', () => {
  it('of every kind come back as they went in', () => {
    const keys = [
      ...golden.flatMap((line) => (line.fingerprint === null ? [] : [line.fingerprint])),
      `jarm:07d14d16d21d21d07c42d41d00041d24a458a375eef0c576d23a7bab9a9fb1`,
      `ja3s:${'0123456789abcdef'.repeat(2)}`,
      `ja3:${'0123456789abcdef'.repeat(2)}`,
      `cert-sha1:${'0123456789'.repeat(4)}`,
      'endpoint:192.0.2.1:443',
      'endpoint:[2001:db8::1]:65535',
      '0123456789abcdef'.repeat(2),
    ];
    for (const text of keys) {
      const key = parseFingerprintKey(text);
      assert.ok(typeof key !== 'string', `${text}: ${JSON.stringify(key)}`);
      assert.equal(keyText(key.kind, key.digest, key.text), text);
    }
  });

  it('may have colons and upper case in a certificate hash', () => {
    const colons = parseFingerprintKey('cert-sha1:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01');
    assert.ok(typeof colons !== 'string');
    assert.deepEqual(colons, parseFingerprintKey('cert-sha1:abcdef0123456789abcdef0123456789abcdef01'));
  });

  it('are refused with a reason', () => {
    for (const [text, reason] of [
      ['', /no fingerprint/],
      ['jarm:12', /62/],
      [`jarm:${'0'.repeat(62)}`, /zeros/],
      ['ja3:xyz', /32/],
      ['cert-sha1:12', /40/],
      ['endpoint:host:443', /ip:port/],
      ['endpoint:1.2.3.4:0', /ip:port/],
      ['endpoint:1.2.3.4:70000', /ip:port/],
      ['hello world', /neither/],
      ['a|b c', /neither/],
    ] as const) {
      const refused = parseFingerprintKey(text);
      assert.ok(typeof refused === 'string', text);
      assert.match(refused, reason);
    }
  });
});
