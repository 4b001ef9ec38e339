import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openHelloSet } from '../../src/cli/hello-sets.js';

const root = join(import.meta.dirname, '../..');

describe('a hello set', () => {
  it('is taken by its name where it comes with the program', () => {
    assert.deepEqual(
      ['atsf-2022', 'jarm-2020', 'ordinary'].map((name) => openHelloSet(name).hellos.length),
      [10, 10, 1],
    );
  });

  it('is taken from a folder of one’s own', () => {
    assert.equal(openHelloSet(join(root, 'samples/hello-sets/jarm-2020')).name, 'jarm-2020');
  });

  const presets = join(root, '../shared/client-hellos');
  const skip = existsSync(presets) ? false : 'needs ../shared/client-hellos';
  it('of goscanner’s presets is ours where it sends the same hellos', { skip }, () => {
    assert.equal(openHelloSet(presets).name, 'atsf-2022');
  });

  it('that is nowhere is refused with the names that there are', () => {
    assert.throws(() => openHelloSet('jarm'), /jarm: neither a folder nor one of atsf-2022, jarm-2020, ordinary/);
  });
});
