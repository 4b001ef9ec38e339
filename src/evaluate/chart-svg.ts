// Draws charts as SVG with Vega, which needs neither a browser nor a picture library. It is an optional package, loaded only
// when a chart is asked for. Lines differ in colour (safe for the colour-blind), in dash and in shape: for print as well.

import type * as Vega from 'vega';
import type { Axis, Mark, Scale, Spec, Title } from 'vega';
import { HellotapError } from '../errors.js';
import { spread, type Chart, type Panel } from './charts.js';

/** Okabe and Ito, "Color Universal Design" (2008), without the yellow that white paper swallows. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down', 'cross', 'circle'];
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [4, 2],
  [10, 4],
  [1, 0],
];

const PANEL = { width: 300, height: 190 };
const FONT = 'Helvetica, Arial, "Liberation Sans", sans-serif';
const INK = '#222222';

/** The chart as an SVG document. Throws ERR_USAGE where the package vega is not installed. */
export async function chartSvg(chart: Chart): Promise<string> {
  const { parse, View, Error: errorLevel } = await loadVega();
  const view = new View(parse(specOf(chart)), { renderer: 'none', logLevel: errorLevel });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

async function loadVega(): Promise<typeof Vega> {
  try {
    return await import('vega');
  } catch (cause) {
    throw new HellotapError(
      'ERR_USAGE',
      'charts need the package vega: install it beside hellotap with "npm install vega"',
      {
        cause,
      },
    );
  }
}

/** A Vega specification (https://vega.github.io/vega/docs/specification/): a group for each panel, one legend for all. */
export function specOf({ title, subtitle, panels }: Chart): Spec {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const least = leastShown(panels);
  const heading: Title = {
    text: title,
    subtitle,
    anchor: 'start',
    offset: 16,
    fontSize: 15,
    subtitleFontSize: 11,
    subtitlePadding: 5,
  };
  return {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    description: `${title}. ${subtitle}`,
    background: 'white',
    padding: 12,
    title: heading,
    layout: { columns: 2, padding: { row: 28, column: 28 }, align: 'each', bounds: 'full' },
    scales: [
      { name: 'colour', type: 'ordinal', domain: names, range: COLOURS },
      { name: 'shape', type: 'ordinal', domain: names, range: SHAPES },
      { name: 'dash', type: 'ordinal', domain: names, range: DASHES },
    ],
    marks: panels.map((panel, i) => panelMark(panel, i, least)),
    legends: [
      {
        stroke: 'colour',
        shape: 'shape',
        orient: 'bottom',
        direction: 'horizontal',
        columns: 4,
        columnPadding: 24,
        rowPadding: 4,
        offset: 18,
        symbolSize: 60,
        symbolStrokeWidth: 1.8,
        symbolFillColor: 'white',
        labelLimit: 260,
      },
    ],
    config: {
      title: { font: FONT, subtitleFont: FONT, color: INK, subtitleColor: '#555555', fontWeight: 'bold' },
      axis: {
        labelFont: FONT,
        titleFont: FONT,
        labelColor: INK,
        titleColor: INK,
        labelFontSize: 10,
        titleFontSize: 11,
        titleFontWeight: 'normal',
      },
      legend: { labelFont: FONT, labelColor: INK, labelFontSize: 11 },
    },
  };
}

/** Where the axes of shares begin: at 0, unless everything lies far above. The same for all panels, so that they compare. */
function leastShown(panels: readonly Panel[]): number {
  const values = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(({ y }) => y ?? 1)));
  const least = Math.min(1, ...values);
  return [0.99, 0.9, 0.5].find((bound) => least >= bound) ?? 0;
}

function panelMark({ title, x, y, series }: Panel, index: number, least: number): Mark {
  const data = `points${index}`;
  const values = series.flatMap(({ name, points }) =>
    points.map((point) => ({ name, y: point.y, x: x.kind === 'date' ? Date.parse(String(point.x)) : Number(point.x) })),
  );
  const along = values.map((point) => point.x);
  const heading: Title = { text: title, anchor: 'start', fontSize: 12, offset: 8 };
  return {
    type: 'group',
    title: heading,
    encode: { enter: { width: { value: PANEL.width }, height: { value: PANEL.height } } },
    data: [{ name: data, values }],
    scales: [
      xScale(x, values.length === 0 ? [0, 1] : { data, field: 'x' }),
      { name: 'y', type: 'linear', domain: [least, 1], range: [PANEL.height, 0], zero: false },
    ],
    axes: [xAxis(x, along), yAxis(y, least)],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'line', data, groupby: 'name' } },
        marks: [
          {
            type: 'line',
            from: { data: 'line' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'x' },
                y: { scale: 'y', field: 'y' },
                defined: { signal: 'isValid(datum.y)' },
                stroke: { scale: 'colour', field: 'name' },
                strokeDash: { scale: 'dash', field: 'name' },
                strokeWidth: { value: 1.8 },
              },
            },
          },
          {
            type: 'symbol',
            from: { data: 'line' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'x' },
                y: { scale: 'y', field: 'y' },
                opacity: { signal: 'isValid(datum.y) ? 1 : 0' },
                shape: { scale: 'shape', field: 'name' },
                fill: { value: 'white' },
                stroke: { scale: 'colour', field: 'name' },
                strokeWidth: { value: 1.4 },
                size: { value: 34 },
              },
            },
          },
        ],
      },
    ],
  };
}

function xScale({ kind }: Panel['x'], domain: [number, number] | { data: string; field: string }): Scale {
  const range = [0, PANEL.width];
  switch (kind) {
    case 'date':
      return { name: 'x', type: 'utc', domain, range, padding: 8 };
    case 'number':
      return { name: 'x', type: 'linear', domain, range, zero: false, padding: 8 };
    case 'score':
      return { name: 'x', type: 'linear', domain: [0, 1], range, padding: 8 };
  }
}

function xAxis({ title, kind }: Panel['x'], along: readonly number[]): Axis {
  return {
    scale: 'x',
    orient: 'bottom',
    title,
    titlePadding: 8,
    labelOverlap: 'parity',
    labelFlush: true,
    ...(kind === 'date' ? { format: '%Y-%m-%d', values: spread([...new Set(along)].sort(byValue), MOST_DATES) } : {}),
    ...(kind === 'number' ? { format: 'd', tickMinStep: 1, tickCount: 8 } : {}),
    ...(kind === 'score' ? { format: '.1f', tickCount: 6 } : {}),
  };
}

const MOST_DATES = 4;

function byValue(a: number, b: number): number {
  return a - b;
}

function yAxis(title: string, least: number): Axis {
  return {
    scale: 'y',
    orient: 'left',
    title,
    titlePadding: 8,
    format: least >= 0.99 ? '.1%' : '.0%',
    tickCount: 5,
    grid: true,
    gridScale: 'x',
    gridColor: '#dddddd',
    domain: false,
    ticks: false,
    labelPadding: 6,
  };
}
