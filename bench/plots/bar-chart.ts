/**
 * Panels of bars as one SVG: a bar for the median, a whisker from the shortest to the longest run, a line where the target is.
 *
 * BC1  The same panels give the same bytes. Nothing outside the file is referred to, and no width of a text is measured.
 * BC2  It is read in light and in dark surroundings: it brings its own background, which follows what the reader prefers.
 */
import { scaleLinear } from 'd3-scale';
import { figure } from '../harness/figures.js';
import type { Bar, Panel } from './panels.js';

export interface BarChart {
  readonly title: string;
  readonly subtitle: string;
  readonly panels: readonly Panel[];
}

/** A character of the labels' font, at its widest average. */
const charWidth = 7;
const width = 980;
const margin = 20;
const headHeight = 62;
const panelHead = 30;
const barPitch = 24;
const barHeight = 14;
const axisHeight = 34;
const figuresWidth = 290;
const gap = 12;
const labelWidthMax = 400;
const ticksWanted = 5;

const style = `
  text { font: 12px -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
  .card { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #e6eaef } .soft { fill: #59636e }
  .title { font-size: 16px; font-weight: 600 } .panel { font-weight: 600 } .value { font-weight: 600 }
  .own { fill: #2f6fde } .baseline { fill: #b4bdc7 } .whisker { stroke: #1f2328; stroke-width: 1.2 }
  .target { stroke: #bc4c00; stroke-width: 1.6; stroke-dasharray: 3 2 } .met { fill: #1a7f37 } .missed { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .card { fill: #0d1117; stroke: #3d444d } .grid { stroke: #262c36 } .soft { fill: #9198a1 }
    .own { fill: #4c8dff } .baseline { fill: #59636e } .whisker { stroke: #e6edf3 }
    .target { stroke: #f0883e } .met { fill: #3fb950 } .missed { fill: #f85149 }
  }`;

export function barChart({ title, subtitle, panels }: BarChart): string {
  const longest = Math.max(...panels.flatMap(({ bars }) => bars.map(({ label }) => label.length)));
  const plotFrom = margin + Math.min(labelWidthMax, Math.ceil(longest * charWidth)) + gap;
  const plotTo = width - margin - figuresWidth;
  let y = headHeight;
  const drawn = panels.map((panel) => {
    const text = panelText(panel, { top: y, from: plotFrom, to: plotTo });
    y += panelHead + panel.bars.length * barPitch + axisHeight;
    return text;
  });
  const height = y + 4;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}\n</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    text(margin, 30, title, 'title'),
    text(margin, 49, subtitle, 'soft'),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

interface Place {
  readonly top: number;
  /** Where 0 is, and where the longest bar ends. */
  readonly from: number;
  readonly to: number;
}

function panelText({ title, unit, bars }: Panel, { top, from, to }: Place): string {
  const most = Math.max(...bars.map(({ value, spread, target }) => Math.max(value, spread?.max ?? 0, target?.at ?? 0)));
  // A panel of zeros still has an axis.
  const scale = scaleLinear([0, most === 0 ? 1 : most], [from, to]).nice(ticksWanted);
  const barsTop = top + panelHead;
  const bottom = barsTop + bars.length * barPitch;
  const format = scale.tickFormat(ticksWanted);
  const ticks = scale.ticks(ticksWanted).flatMap((tick) => {
    const x = round(scale(tick));
    return [line('grid', [x, barsTop - 2], [x, bottom]), text(x, bottom + 14, format(tick), 'soft', 'middle')];
  });
  return [
    text(margin, top + 18, title, 'panel'),
    text(to, top + 18, unit, 'soft', 'end'),
    ...ticks,
    ...bars.map((bar, index) => barText(bar, barsTop + index * barPitch, { from, to, x: (value) => round(scale(value)) })),
  ].join('\n');
}

interface Axis {
  readonly from: number;
  readonly to: number;
  x(value: number): number;
}

function barText({ label, value, spread, isOwn, ratio, target }: Bar, top: number, { from, to, x }: Axis): string {
  const barTop = top + (barPitch - barHeight) / 2;
  const middle = top + barPitch / 2;
  const baseline = middle + 4;
  const parts = [
    text(from - gap, baseline, label, isOwn ? '' : 'soft', 'end'),
    `<rect class="${isOwn ? 'own' : 'baseline'}" x="${from}" y="${barTop}" width="${Math.max(1, round(x(value) - from))}" height="${barHeight}" rx="2"/>`,
  ];
  if (spread !== undefined && spread.max > spread.min) {
    const [left, right] = [x(spread.min), x(spread.max)];
    parts.push(line('whisker', [left, middle], [right, middle]));
    for (const end of [left, right]) parts.push(line('whisker', [end, middle - 4], [end, middle + 4]));
  }
  if (target?.at !== undefined) parts.push(line('target', [x(target.at), top + 1], [x(target.at), top + barPitch - 1]));
  parts.push(text(to + gap, baseline, figure(value), 'value'));
  if (ratio !== undefined) parts.push(text(to + gap + 52, baseline, `× ${ratio.toFixed(2)}`, 'soft'));
  if (target !== undefined)
    parts.push(text(to + gap + 114, baseline, `${target.isMet ? '✓' : '✗'} ${target.text}`, target.isMet ? 'met' : 'missed'));
  return parts.join('\n');
}

function text(x: number, y: number, content: string, name: string, anchor?: 'middle' | 'end'): string {
  const attributes = [
    `x="${x}"`,
    `y="${y}"`,
    ...(name === '' ? [] : [`class="${name}"`]),
    ...(anchor === undefined ? [] : [`text-anchor="${anchor}"`]),
  ];
  return `<text ${attributes.join(' ')}>${escaped(content)}</text>`;
}

function line(name: string, [x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number]): string {
  return `<line class="${name}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
