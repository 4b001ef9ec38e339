import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { c2Chart, cdnChart, comparisonChart, spread, type Chart } from '../../src/evaluate/charts.js';
import { chartSvg } from '../../src/evaluate/chart-svg.js';
import { diversity } from '../../src/evaluate/diversity.js';
import { evaluateC2, evaluateCdn } from '../../src/evaluate/experiments.js';
import { Observations, type KeyChoice } from '../../src/evaluate/observations.js';
import { evaluationReport, together, type KeyReport } from '../../src/evaluate/report.js';
import { weekText } from '../../src/database/week-text.js';
import { synthetic, type SyntheticRow } from '../../samples/synthetic/observations.js';

const rows = [...synthetic({ rows: 1500, weeks: 8, fingerprints: 60, seed: 4 })];
const STACK: KeyChoice = { key: 'stack', withHttp: false };
const date = (week: number): number | string => weekText(2700 + week, 'date');

function counted(made: readonly SyntheticRow[], choice = STACK): Observations {
  const observations = new Observations(choice);
  for (const row of made) observations.add({ ...row, httpServer: row.http_server });
  return observations;
}

const cdn = (made: readonly SyntheticRow[], text = date): ReturnType<typeof evaluationReport> =>
  evaluationReport(evaluateCdn(counted(made)), text);
const c2 = (made: readonly SyntheticRow[], thresholds: readonly number[], choice = STACK): KeyReport['c2'] => ({
  thresholds: thresholds.map((threshold) => ({
    threshold,
    ...evaluationReport(evaluateC2(counted(made, choice), threshold), date),
  })),
});
const comparison = (): Chart => {
  const report = (choice: KeyChoice): KeyReport => ({
    diversity: diversity(counted(rows, choice)),
    cdn: evaluationReport(evaluateCdn(counted(rows, choice)), date),
    c2: c2(rows, [0, 0.5, 1], choice),
  });
  const keys = { stack: report(STACK), jarm: report({ key: 'jarm', withHttp: false }) };
  return comparisonChart({ rows: rows.length, left_out: 0, keys }, 'synthetic');
};

describe('charts of the experiments', () => {
  it('show for content networks what the report says, the most frequent classes first', () => {
    const report = cdn(rows);
    const { panels } = cdnChart(report, 'synthetic');
    assert.deepEqual(
      panels.map(({ title, x }) => [title, x.kind]),
      [
        ['Precision by week', 'date'],
        ['Recall by week', 'date'],
      ],
    );
    for (const panel of panels) {
      const measure = panel.y as 'precision' | 'recall';
      const support = ({ name }: { readonly name: string }): number =>
        report.overall.classes[name]!.tp + report.overall.classes[name]!.fn;
      const classes = panel.series.slice(0, -1);
      assert.deepEqual(
        classes.map(support),
        classes.map(support).sort((a, b) => b - a),
      );
      for (const { name, points } of panel.series) {
        assert.deepEqual(
          points,
          report.weeks.map((week) => ({
            x: week.week,
            y: name === 'all classes' ? together(week)[measure] : week.classes[name]![measure],
          })),
        );
      }
    }
  });

  it('show for C2 servers every threshold, and weeks for a few of them', () => {
    const thresholds = Array.from({ length: 21 }, (_, i) => i / 20);
    const report = c2(rows, thresholds.toReversed());
    const { panels } = c2Chart(report, 'synthetic');
    assert.deepEqual(
      panels.map(({ title, series }) => [title, series.length]),
      [
        ['Precision by threshold', 1],
        ['Recall by threshold', 1],
        ['Precision by week', 5],
        ['Recall by week', 5],
      ],
    );
    assert.deepEqual(
      panels[1]!.series[0]!.points.map(({ x }) => x),
      thresholds,
    );
    assert.equal(c2Chart(c2(rows, [0.5]), 'synthetic').panels.length, 2);
  });

  it('are drawn as SVG with their titles, axes and names, always the same', async () => {
    for (const chart of [cdnChart(cdn(rows), 'synthetic'), c2Chart(c2(rows, [0, 0.5, 1]), 'synthetic'), comparison()]) {
      const svg = await chartSvg(chart);
      assert.match(svg, /^<svg .*<\/svg>$/s);
      assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
      const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
      const names = chart.panels.flatMap((panel) => [
        panel.title,
        panel.x.title,
        panel.y,
        ...panel.series.map(({ name }) => name),
      ]);
      for (const name of [chart.title, ...names]) assert.ok(texts.includes(name), name);
      assert.equal(await chartSvg(chart), svg);
    }
  });

  it('begin their axes at 0 unless everything lies far above, all panels of a chart alike', async () => {
    const axis = async (...ys: (number | null)[]): Promise<string[]> => {
      const series = ys.map((y, i) => ({
        name: `s${i}`,
        points: [
          { x: 1, y },
          { x: 2, y },
        ],
      }));
      const panels = series.map((one) => ({
        title: 't',
        x: { title: 'week', kind: 'number' as const },
        y: 'recall',
        series: [one],
      }));
      const svg = await chartSvg({ title: 'a', subtitle: 'b', panels });
      return [...new Set([...svg.matchAll(/>([\d.]+%)</g)].map(([, text]) => text!))];
    };
    assert.equal((await axis(0.2, 1))[0], '0%');
    assert.equal((await axis(0.6, 1))[0], '50%');
    assert.equal((await axis(0.95, null))[0], '90%');
    assert.equal((await axis(0.995, 1))[0], '99.0%');
  });

  it('are drawn where there is one week, one class, or nothing to say; and no name breaks out of its text', async () => {
    const hostile = '"><script>alert(1)</script>&amp;';
    const single = rows.slice(0, 3).map((row) => ({ ...row, week: 1, label: hostile }));
    for (const chart of [
      cdnChart(
        cdn(single, (week) => week),
        hostile,
      ),
      c2Chart(c2(single, [1]), hostile),
      cdnChart(cdn([]), ''),
    ]) {
      const svg = await chartSvg(chart);
      assert.doesNotMatch(svg, /<script/);
      assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    }
  });

  it('are pictures to another program', { skip: rsvgSkipReason() }, async () => {
    const svg = await chartSvg(comparison());
    const { status, stdout, stderr } = spawnSync('rsvg-convert', { input: svg, maxBuffer: 1 << 26 });
    assert.equal(status, 0, String(stderr));
    assert.ok(stdout.subarray(1, 4).equals(Buffer.from('PNG')));
  });
});

it('spreads what is shown from the first to the last', () => {
  assert.deepEqual(spread([1, 2, 3], 5), [1, 2, 3]);
  assert.deepEqual(spread([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4), [0, 3, 6, 9]);
});

function rsvgSkipReason(): string | false {
  return spawnSync('rsvg-convert', ['--version']).status === 0 ? false : 'needs rsvg-convert (Debian: librsvg2-bin)';
}
