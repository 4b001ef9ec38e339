import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ATSF_2022 } from '../../src/database/hello-set.js';
import { fingerprintId } from '../../src/fingerprint/stack.js';
import { file, freshPath, golden, goldenLine } from '../database/scratch.js';
import { program } from '../e2e/hellotap.js';

const nginx = goldenLine('nginx-default');
const id = fingerprintId(nginx.fingerprint!);
const columns = ['ip', 'port', 'server_name', ...ATSF_2022.hellos, 'fingerprint'];
const row = (line: (typeof golden)[number]): string =>
  [
    line.ip,
    line.port,
    line.server_name ?? '',
    ...ATSF_2022.hellos.map((hello) => line.hellos[hello] ?? ''),
    line.fingerprint,
  ].join(',');
const table = [columns.join(','), ...golden.filter((line) => line.fingerprint !== null).map(row)].join('\n') + '\n';

function db(args: readonly string[], input = '', environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'db', ...args], {
    input,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return {
    code: status,
    out: stdout,
    err: stderr,
    records: () =>
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe('hellotap db', () => {
  it('imports, shows, labels, exports and counts', () => {
    const database = ['--database', freshPath()];
    const imported = db([
      'import',
      file(table),
      ...database,
      '--label',
      'nginx',
      '--kind',
      'software',
      '--seen',
      '2022-06-27',
    ]);
    assert.equal(imported.code, 0, imported.err);
    assert.equal(imported.records()[0]!['changed'], table.trimEnd().split('\n').length - 1);
    const shown = db(['show', id.slice(0, 8), ...database]).records();
    assert.equal(shown[0]!['key'], nginx.fingerprint);
    assert.equal(db(['show', `${nginx.ip}:${nginx.port}`, ...database]).records()[0]!['fingerprint_id'], id);
    assert.equal(db(['label', 'add', id.slice(0, 8), 'ours', '--kind', 'own', ...database]).code, 0);
    assert.match(db(['show', id, '--format', 'table', ...database]).out, /ours .* own/);
    assert.equal(db(['label', 'remove', id, 'ours', ...database]).code, 0);
    assert.doesNotMatch(db(['export', 'labels', ...database]).out, /ours/);
    assert.deepEqual(
      db(['export', 'fingerprints', ...database])
        .out.split('\n')
        .sort(),
      table.split('\n').sort(),
    );
    assert.deepEqual(db(['stats', ...database]).records()[0]!['labelled'], {
      software: new Set(golden.map((line) => line.fingerprint)).size - 1,
    });
  });

  it('makes the default database where its folder is missing', () => {
    const home = freshPath('.d');
    assert.equal(db(['import', '-'], table, { XDG_DATA_HOME: home }).code, 0);
    assert.ok(existsSync(join(home, 'hellotap', 'hellotap.db')));
  });

  it('writes to a file where told', () => {
    const database = ['--database', freshPath()];
    const output = freshPath('.csv');
    db(['import', file(table), ...database]);
    assert.equal(db(['export', 'fingerprints', '--output', output, ...database]).code, 0);
    assert.deepEqual(readFileSync(output, 'utf8').split('\n').sort(), table.split('\n').sort());
  });

  it('goes on after bad rows and bad files, names them, and exits with 3', () => {
    const bad = file(`${columns.join(',')}\nnowhere${row(nginx).slice(nginx.ip.length)}\n${row(nginx)}\n`);
    const text = file('just a text\n');
    const result = db(['import', bad, text, '--database', freshPath()]);
    assert.equal(result.code, 3);
    assert.match(result.err, /line 2: left out: "nowhere" is no IP address/);
    assert.match(result.err, /line 1: no table that is known/);
    assert.equal(result.records()[0]!['changed'], 1);
  });

  for (const [what, args, code, message] of [
    ['a file that does not exist', ['import', '/does/not/exist.csv'], 1, /cannot be read/],
    ['an unknown kind', ['import', '-', '--label', 'x', '--kind', 'bad'], 2, /Allowed choices/],
    ['a date that is none', ['import', '-', '--seen', 'yesterday'], 2, /YYYY-MM-DD/],
    ['something that is not known', ['show', 'nobody'], 1, /nothing is known of "nobody"/],
    [
      'another table than there is',
      ['export', 'everything'],
      2,
      /fingerprints, labels, servers, observations or indicators/,
    ],
    ['a label for something that is no fingerprint', ['label', 'add', '192.0.2.1', 'x'], 2, /neither a combined/],
    ['no command', [], 2, /Usage/],
  ] as const) {
    it(`refuses ${what}, in one line where it is not a question of usage`, () => {
      const database = freshPath();
      db(['import', '-', '--database', database], table);
      const result = db(args.length === 0 ? [] : [...args, '--database', database], table);
      assert.equal(result.code, code, result.err);
      assert.match(result.err, message);
    });
  }

  it('does not make a database in order to show what is in it', () => {
    const path = freshPath();
    const result = db(['stats', '--database', path]);
    assert.equal(result.code, 1);
    assert.match(result.err, /no such database/);
    assert.equal(existsSync(path), false);
  });

  it('makes no database because of a name that was mistyped', () => {
    const home = freshPath('.d');
    const missing = freshPath('.csv');
    for (const args of [
      ['import', missing],
      ['merge', missing],
      ['show', 'x'],
      ['export', 'labels'],
    ]) {
      const { code, err } = db(args, '', { XDG_DATA_HOME: home });
      assert.equal(code, 1, err);
      assert.match(err, /no such (file|database)/);
      assert.doesNotMatch(err, /ENOENT|make it first/);
      assert.equal(existsSync(home), false, args.join(' '));
    }
  });

  it('names each file that is not there, and imports the others', () => {
    const missing = freshPath('.csv');
    const result = db(['import', missing, file(table), '--database', freshPath()]);
    assert.equal(result.code, 3);
    assert.ok(result.err.includes(`${missing}: cannot be read: no such file or directory`), result.err);
    assert.equal(result.records().length, 1);
  });

  it('leaves a file that is no database as it is', () => {
    const path = freshPath();
    writeFileSync(path, 'notes\n'.repeat(1000));
    const result = db(['import', '-', '--database', path], table);
    assert.equal(result.code, 1);
    assert.match(result.err, /not a hellotap database/);
    assert.equal(readFileSync(path, 'utf8'), 'notes\n'.repeat(1000));
  });
});
