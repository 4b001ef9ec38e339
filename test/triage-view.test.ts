import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pair } from './triage-view.js';
import type { ConnectionView } from './triage-view.js';

const VIEW: ConnectionView = {
  client: '192.0.2.1',
  clientPort: 50000,
  server: '198.51.100.2',
  serverPort: 443,
  sni: 'a.example',
  clientAlpns: ['h2'],
  ja3: 'j',
  ja3s: 's',
  cipher: '1301',
  version: '0304',
  certificate: null,
};

describe('pairing connections of two tools', () => {
  it('names each field that differs, and the connection that one tool has not', () => {
    const other = { ...VIEW, clientPort: 50001 };
    const pairings = pair([VIEW, other], [{ ...VIEW, cipher: '1302', clientAlpns: [] }]);
    assert.deepEqual(pairings[0]?.disagreements, [
      { field: 'clientAlpns', ours: '[]', theirs: '["h2"]' },
      { field: 'cipher', ours: '"1302"', theirs: '"1301"' },
    ]);
    assert.equal(pairings[1]?.ours, null);
  });

  it('takes each connection once where ports are used again, the one that agrees most first', () => {
    const second = { ...VIEW, sni: 'b.example', cipher: '1302' };
    const pairings = pair([second, VIEW, VIEW], [VIEW, second]);
    assert.deepEqual(
      pairings.map(({ ours, disagreements }) => [ours?.sni, disagreements.length]),
      [
        ['b.example', 0],
        ['a.example', 0],
        [undefined, 0],
      ],
    );
  });
});
