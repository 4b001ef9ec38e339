import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stackKey } from '../../src/database/fingerprint-key.js';
import { addLabel } from '../../src/database/labels.js';
import { NO_SOURCE } from '../../src/database/source.js';
import { Neighbourhood, nearestLabel } from '../../src/match/nearest.js';
import { deployment, realDeployments } from '../lab/lab.js';
import { freshStore, golden } from '../database/scratch.js';

// How often the nearest labelled fingerprint names the software of a configuration that the database does not know. What
// docs/database.md says of it is measured here.

interface Known {
  readonly id: string;
  readonly software: string;
  readonly library: string;
  readonly named: boolean;
  readonly text: string;
}

/** Whose code speaks TLS: all others of the lab are linked with OpenSSL. */
const LIBRARIES: Readonly<Record<string, string>> = {
  'Go net/http': 'Go',
  'gnutls-serv': 'GnuTLS',
  'lighttpd mod_gnutls': 'GnuTLS',
  'Java SSLServerSocket': 'Java',
};

const real = new Set(realDeployments.map(({ id }) => id));
const known = golden.flatMap(({ deployment: id, server_name: name, fingerprint: text }): Known[] => {
  if (text === null || !real.has(id)) return [];
  const { software } = deployment(id);
  return [{ id, software, library: LIBRARIES[software] ?? 'OpenSSL', named: name !== null, text }];
});

/** The label of the exact fingerprint, else that of the nearest, when this configuration is left out. */
function guess(one: Known): string | null {
  const store = freshStore();
  for (const other of known) {
    if (other.named !== one.named || other.id === one.id) continue;
    if (other.text === one.text) return other.id;
    addLabel(store, {
      key: stackKey(other.text),
      label: { name: other.id, kind: 'software' },
      source: NO_SOURCE,
      firstSeen: null,
      lastSeen: null,
      count: 1,
    });
  }
  const [neighbour] = Neighbourhood.of(store, 'atsf-2022')?.nearest(one.text, 1) ?? [];
  return neighbour === undefined ? null : (nearestLabel(neighbour)?.label ?? null);
}

describe('the nearest neighbour of a configuration that is left out', { timeout: 120_000 }, () => {
  it('names its software and its TLS library as often as docs/database.md says', (t) => {
    const software = { right: 0, wrong: 0, silent: 0 };
    const library = { right: 0, wrong: 0, silent: 0 };
    for (const one of known) {
      const others = known.filter(({ id, named }) => id !== one.id && named === one.named);
      const guessed = guess(one);
      const found = guessed === null ? null : others.find(({ id }) => id === guessed)!;
      const count = (tally: typeof software, by: 'software' | 'library'): void => {
        // One that is the only one of its kind cannot be named by another.
        if (others.every((other) => other[by] !== one[by])) return;
        tally[found === null ? 'silent' : found[by] === one[by] ? 'right' : 'wrong']++;
      };
      count(software, 'software');
      count(library, 'library');
    }
    t.diagnostic(JSON.stringify({ software, library }));
    assert.deepEqual(software, { right: 26, wrong: 14, silent: 8 });
    assert.deepEqual(library, { right: 50, wrong: 0, silent: 8 });
  });
});
