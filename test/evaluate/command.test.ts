import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { recordProbes } from '../../src/database/servers.js';
import { sourceByName } from '../../src/database/source.js';
import { Store } from '../../src/database/store.js';
import { evaluateCdn } from '../../src/evaluate/experiments.js';
import { Observations } from '../../src/evaluate/observations.js';
import type { EvaluationReport, ThresholdReport, ComparisonReport } from '../../src/evaluate/report.js';
import { COLUMNS, csvRow, synthetic } from '../../samples/synthetic/observations.js';
import { program } from '../e2e/hellotap.js';

const folder = mkdtempSync(join(tmpdir(), 'hellotap-evaluate-'));
after(() => {
  rmSync(folder, { recursive: true });
});
let made = 0;

function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, 'evaluate', ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, XDG_DATA_HOME: folder },
  });
}

function file(content: string | Uint8Array): string {
  const path = join(folder, `${made++}.csv`);
  writeFileSync(path, content);
  return path;
}

const rows = [...synthetic({ rows: 2000, weeks: 6, fingerprints: 60, seed: 3 })];
const header = COLUMNS.join(',');
const table = [header, ...rows.map(csvRow)].join('\r\n');

describe('hellotap evaluate', () => {
  it('reads a table, packed or not, and says as JSON what the rules say', () => {
    const observations = new Observations({ key: 'stack', withHttp: false });
    for (const row of rows) observations.add({ ...row, httpServer: row.http_server });
    const { weeks, overall } = evaluateCdn(observations);
    for (const path of [file(table), file(gzipSync(table))]) {
      const { status, stdout, stderr } = run('cdn', path);
      assert.equal(status, 0, stderr);
      assert.deepEqual(JSON.parse(stdout), { weeks, overall });
    }
  });

  it('sweeps thresholds, with other keys', () => {
    const path = file(table);
    const plain = JSON.parse(run('c2', path, '--thresholds', '0,0.25,1').stdout) as ThresholdReport;
    assert.deepEqual(
      plain.thresholds.map(({ threshold }) => threshold),
      [0, 0.25, 1],
    );
    const recalls = plain.thresholds.map(({ overall }) => overall.classes['c2']!.recall!);
    assert.ok(recalls[0]! >= recalls[1]! && recalls[1]! >= recalls[2]! && recalls[0]! > recalls[2]!);
    const others = [['--with-http'], ['--key', 'jarm']].map((more) => run('c2', path, ...more).stdout);
    assert.equal(new Set([...others, run('c2', path).stdout]).size, 3);
  });

  it('compares the fingerprint with JARM on servers that have both', () => {
    const report = JSON.parse(run('compare', file(table)).stdout) as ComparisonReport;
    const both = rows.filter(({ fingerprint, jarm }) => fingerprint !== '' && /[^0]/.test(jarm));
    assert.equal(report.rows, both.length);
    assert.equal(report.left_out, rows.length - both.length);
    assert.deepEqual(Object.keys(report.keys), ['stack', 'stack+http', 'jarm', 'jarm+http']);
    const { stack, jarm } = report.keys;
    assert.equal(stack!.diversity.distinct, new Set(both.map((row) => row.fingerprint)).size);
    assert.equal(jarm!.diversity.distinct, new Set(both.map((row) => row.jarm)).size);
    assert.ok(stack!.diversity.entropy > jarm!.diversity.entropy);
  });

  it('writes CSV and tables with a row per week and class, and all of them together', () => {
    const path = file(table);
    const lines = run('c2', path, '--format', 'csv', '--thresholds', '0.5').stdout.trimEnd().split('\n');
    assert.equal(lines[0], 'threshold,week,class,tp,fp,fn,tn,precision,recall,unknown,ambiguous');
    assert.equal(lines.length, 1 + 6 + 1);
    assert.match(lines.at(-1)!, /^0\.5,overall,c2,/);
    assert.match(run('cdn', path, '--format', 'table').stdout, /overall.*synthetic CDN/);
    assert.match(run('compare', path, '--format', 'table').stdout, /jarm\+http/);
  });

  it('draws a chart besides, where asked to', () => {
    const path = file(table);
    const chart = join(folder, 'chart.svg');
    for (const experiment of ['cdn', 'c2', 'compare']) {
      const { status, stdout, stderr } = run(experiment, path, '--chart', chart);
      assert.equal(status, 0, stderr);
      assert.doesNotThrow(() => JSON.parse(stdout) as unknown);
      assert.match(readFileSync(chart, 'utf8'), /^<svg .*precision.*<\/svg>\s*$/s);
    }
    const wrong = run('cdn', path, '--chart', join(folder, 'missing', 'chart.svg'));
    assert.equal(wrong.status, 1);
    assert.match(wrong.stderr, /chart\.svg: cannot be written/);
  });

  it('takes dates for weeks, and gives the Monday back', () => {
    const { stdout } = run(
      'cdn',
      file('week,fingerprint,source,label\n2022-06-27,f,toplist,A\n2022-07-04,f,toplist,A\n2022-07-06,f,toplist,A\n'),
    );
    const report = JSON.parse(stdout) as EvaluationReport;
    assert.deepEqual(
      report.weeks.map(({ week, classes }) => [week, classes['A']!.tp]),
      [
        ['2022-06-27', 0],
        ['2022-07-04', 2],
      ],
    );
  });

  it('evaluates the database', () => {
    const path = join(folder, 'evaluate.db');
    const store = Store.open(path);
    const see = (seenAt: string, address: string, source: string, label: string | null): void => {
      recordProbes(
        store,
        [
          {
            server: { address, port: 443, serverName: null },
            helloSet: 'atsf-2022',
            hellos: { a: '<40' },
            fingerprint: '<40',
            seenAt: new Date(seenAt),
          },
        ],
        { source: sourceByName(source), ...(label === null ? {} : { label: { name: label, kind: 'c2' } }) },
      );
    };
    see('2022-06-28', '192.0.2.1', 'blocklist:x', 'Dridex');
    see('2022-06-29', '192.0.2.2', 'toplist:y', null);
    see('2022-07-05', '192.0.2.3', 'blocklist:x', 'Dridex');
    see('2022-07-05', '192.0.2.4', '', null);
    store.close();
    const c2 = JSON.parse(run('c2', '--database', path, '--thresholds', '0.5').stdout) as ThresholdReport;
    assert.deepEqual(c2.thresholds[0]!.weeks, [
      {
        week: '2022-06-27',
        classes: { c2: { tp: 0, fp: 0, fn: 1, tn: 1, precision: null, recall: 0 } },
        unknown: 2,
        ambiguous: 0,
      },
      {
        week: '2022-07-04',
        classes: { c2: { tp: 1, fp: 0, fn: 0, tn: 0, precision: 1, recall: 1 } },
        unknown: 0,
        ambiguous: 0,
      },
    ]);
    const cdn = JSON.parse(run('cdn', '--database', path).stdout) as EvaluationReport;
    // The server on no list has no label: taken for Dridex, it is a false positive.
    assert.deepEqual(cdn.weeks[1]!.classes, {
      Dridex: { tp: 1, fp: 1, fn: 0, tn: 0, precision: 0.5, recall: 1 },
    });
  });

  it('leaves damaged rows out with line and reason, and says so with exit code 3', () => {
    const { status, stdout, stderr } = run(
      'cdn',
      file(
        `${header}\n${csvRow(rows[0]!)}\nx,1.2.3.4,443,,f,,,toplist,A\n2022-06-27,1.2.3.4,443,,f,,,toplist,A\n1,1.2.3.4,443,,f,,,list,A\n1,"1\n1,2\n`,
      ),
    );
    assert.equal(status, 3);
    assert.match(stdout, /"weeks"/);
    assert.match(stderr, /line 3: left out: "x" is no week/);
    assert.match(stderr, /line 4: left out: the week "2022-06-27" is a date where those before were each a number/);
    assert.match(stderr, /line 5: left out: "list" is neither toplist nor blocklist/);
    assert.match(stderr, /line 6: left out: quotes are broken/);
    assert.match(stderr, /line 7: left out: 2 columns/);
  });

  it('refuses what is no table, what is empty, and wrong usage, in one line', () => {
    const cases: readonly [args: string[], status: number, message: RegExp][] = [
      [['cdn', file('a,b\n1,2\n')], 1, /week, fingerprint, source, label missing/],
      [['cdn', file('')], 1, /is empty/],
      [['cdn', file(`${header}\n`)], 1, /no observation in/],
      [['compare', file(`${header}\n1,,,,f,,,toplist,A\n`)], 1, /both a fingerprint and a JARM/],
      [['cdn', file(Buffer.from([0x89, 0x50, 0, 1, 2, 0x0a, 0xff]))], 1, /NUL/],
      [['cdn', join(folder, 'missing.csv')], 1, /cannot be read/],
      [['cdn', '--database', join(folder, 'missing.db')], 1, /no such database/],
      [['both', file(table)], 2, /evaluate does cdn, c2, compare, not "both"/],
      [['c2', file(table), '--thresholds', '0.5,2'], 2, /Numbers from 0 to 1/],
    ];
    for (const [args, status, message] of cases) {
      const result = run(...args);
      assert.equal(result.status, status, result.stderr);
      assert.match(result.stderr, message);
      assert.equal(result.stdout, '');
    }
  });
});
