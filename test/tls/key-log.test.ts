import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { KeyLog } from '../../src/tls/key-log.js';

describe('a key log', () => {
  it('gives the secrets of each TLS 1.3 connection of a real one', () => {
    const keyLog = new KeyLog();
    const text = readFileSync(new URL('../golden/with-sni.keylog', import.meta.url), 'latin1');
    for (const line of text.split('\n')) keyLog.addLine(line);
    const [label, random = ''] =
      text
        .split('\n')
        .find((line) => line.startsWith('SERVER_HANDSHAKE'))
        ?.split(' ') ?? [];
    assert.equal(label, 'SERVER_HANDSHAKE_TRAFFIC_SECRET');
    assert.equal(keyLog.size, 70);
    assert.equal(keyLog.malformed, 0);
    assert.match(String(keyLog.secretsOf(Buffer.from(random, 'hex'))?.handshake?.length), /^(32|48)$/);
    assert.equal(keyLog.secretsOf(new Uint8Array(32)), null);
  });

  it('counts lines that make no sense', () => {
    const keyLog = new KeyLog();
    for (const line of [
      '# comment',
      '',
      'SERVER_TRAFFIC_SECRET_0 zz 00',
      `SERVER_TRAFFIC_SECRET_0 ${'00'.repeat(32)} 0`,
    ])
      keyLog.addLine(line);
    assert.deepEqual([keyLog.malformed, keyLog.size], [2, 0]);
  });
});
