import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Command } from 'commander';
import { applyConfigFile } from '../../src/cli/config-file.js';
import { triageCommand } from '../../src/cli/triage.js';
import { HellotapError } from '../../src/errors.js';

describe('a configuration file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-config-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  let files = 0;
  const file = (text: string): string => {
    const path = join(folder, `${files++}.yaml`);
    writeFileSync(path, text);
    return path;
  };
  /** The options of `triage` after a command line and a file. */
  const options = async (text: string, ...args: string[]): Promise<Record<string, unknown>> => {
    const command = triageCommand();
    command.action(() => undefined);
    new Command('hellotap').addCommand(command);
    command.parse(['capture.pcap', ...args], { from: 'user' });
    await applyConfigFile(file(text), command);
    return command.opts();
  };
  const refused = (text: string, reason: RegExp): Promise<void> =>
    assert.rejects(options(text), (error: unknown) => {
      assert.ok(error instanceof HellotapError);
      assert.equal(error.code, 'ERR_CONFIG');
      assert.match(error.message, reason);
      return true;
    });

  it('gives options their values, checked as on the command line', async () => {
    const { rate, probeNetworks, probe, format } = await options(
      'rate: 5\nprobe: true\nformat: jsonl\nprobe-networks: [127.0.0.0/8, "::1"]\n',
    );
    assert.deepEqual(
      { rate, probeNetworks, probe, format },
      {
        rate: 5,
        probeNetworks: ['127.0.0.0/8', '::1'],
        probe: true,
        format: 'jsonl',
      },
    );
  });
  it('gives way to the command line', async () => {
    assert.equal((await options('rate: 5\n', '--rate', '7'))['rate'], 7);
  });
  it('may serve several commands', async () => {
    assert.equal((await options('stats-interval: 5\nrate: 3\n'))['rate'], 3);
  });
  it('is refused, by name and key, where it says what no command knows', () => refused('no-such: 1\n', /"no-such"/));
  it('is refused where a value does not fit', async () => {
    await refused('rate: fast\n', /rate: /);
    await refused('probe: 3\n', /probe: true or false/);
    await refused('format: xml\n', /format: /);
    await refused('rate: {a: 1}\n', /rate: /);
  });
  it('is refused where it is no list of keys', async () => {
    await refused('- a\n- b\n', /key: value/);
    await refused('a: [\n', /yaml/);
  });
  it('may be empty', async () => {
    assert.equal((await options(''))['rate'], 100);
  });
  it('is refused where it cannot be read', () =>
    assert.rejects(applyConfigFile(join(folder, 'none.yaml'), triageCommand()), /none\.yaml: cannot be read/));
});
