/** Draws a chart as SVG: layout by dagre, no fonts or scripts from elsewhere, readable on light and dark pages. */
import { graphlib, layout } from '@dagrejs/dagre';
import type { Chart, ChartState } from './chart.js';

interface Point {
  readonly x: number;
  readonly y: number;
}
interface GraphEdge {
  readonly v: string;
  readonly w: string;
}
interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

const charWidth = 7.2;
const lineHeight = 15;
const margin = 24;

const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');

export function drawChart(title: string, chart: Chart): string {
  const graph = layOut(chart);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const parts = [
    ...chart.states.filter(({ kind }) => kind === 'compound').map((state) => drawCompound(state, graph.node(state.path) as Box)),
    ...(graph.edges() as GraphEdge[]).map((edge) =>
      drawEdge(graph.edge(edge.v, edge.w) as { points: Point[]; lines: string[]; x: number; y: number }),
    ),
    ...chart.states.filter(({ kind }) => kind !== 'compound').map((state) => drawState(state, graph.node(state.path) as Box)),
    ...(graph.nodes() as string[]).filter((id) => id.startsWith('initial:')).map((id) => drawInitial(graph.node(id) as Box)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${px(width)}" height="${px(height)}" viewBox="0 0 ${px(width)} ${px(height)}" role="img" aria-label="${escape(title)}">
<title>${escape(title)}</title>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#5b6770"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>
<g font-family="ui-sans-serif, system-ui, sans-serif" font-size="12">
${parts.join('\n')}
</g>
</svg>
`;
}

function layOut(chart: Chart): graphlib.Graph {
  const graph = new graphlib.Graph({ compound: true, multigraph: false });
  graph.setGraph({ rankdir: 'TB', nodesep: 36, ranksep: 44, marginx: margin, marginy: margin });
  graph.setDefaultEdgeLabel(() => ({}));
  const leaves = new Map(chart.states.map((state) => [state.path, state]));
  for (const state of chart.states) {
    if (state.kind === 'compound') graph.setNode(state.path, {});
    else graph.setNode(state.path, { width: Math.max(96, state.name.length * charWidth + 32), height: 38 });
    if (state.isInitial) graph.setNode(`initial:${state.path}`, { width: 14, height: 14 });
  }
  for (const state of chart.states) {
    if (state.parent === '') continue;
    graph.setParent(state.path, state.parent);
    if (state.isInitial) graph.setParent(`initial:${state.path}`, state.parent);
  }
  for (const state of chart.states)
    if (state.isInitial) graph.setEdge(`initial:${state.path}`, entryLeaf(chart, state), { lines: [], width: 0, height: 0 });
  for (const [key, lines] of edgeLabels(chart, leaves)) {
    const [from, to] = key.split('→') as [string, string];
    const width = Math.max(...lines.map((line) => line.length)) * charWidth + 8;
    graph.setEdge(from, to, { lines, width, height: lines.length * lineHeight, labelpos: 'c' });
  }
  layout(graph);
  return graph;
}

/** dagre cannot end an edge at a compound: it ends at the compound's first leaf, and begins at every leaf of it. */
function edgeLabels(chart: Chart, states: ReadonlyMap<string, ChartState>): Map<string, string[]> {
  const labels = new Map<string, string[]>();
  for (const { from, to, event, guard } of chart.transitions) {
    if (to === undefined || from === '') continue;
    const source = entryLeaf(chart, states.get(from) as ChartState);
    const target = entryLeaf(chart, states.get(to) as ChartState);
    const own = states.get(from)?.kind === 'compound' ? `${event} (any)` : event;
    const label = guard === undefined ? own : `${own} [${guard}]`;
    const lines = labels.get(`${source}→${target}`) ?? [];
    if (!lines.includes(label)) labels.set(`${source}→${target}`, [...lines, label]);
  }
  return labels;
}

function entryLeaf(chart: Chart, state: ChartState): string {
  if (state.kind !== 'compound') return state.path;
  const initial = chart.states.find(({ parent, isInitial }) => parent === state.path && isInitial);
  return entryLeaf(chart, initial as ChartState);
}

function drawState({ name, kind, description }: ChartState, { x, y, width, height }: Box): string {
  const [left, top] = [x - width / 2, y - height / 2];
  const isFinal = kind === 'final';
  const inner = isFinal
    ? `<rect x="${px(left + 3)}" y="${px(top + 3)}" width="${px(width - 6)}" height="${px(height - 6)}" rx="7" fill="none" stroke="#2f6f4f"/>`
    : '';
  return `<g><title>${escape(description)}</title><rect x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height)}" rx="9" fill="${isFinal ? '#e8f4ec' : '#eaf1fb'}" stroke="${isFinal ? '#2f6f4f' : '#2b5797'}"/>${inner}<text x="${px(x)}" y="${px(y + 4)}" text-anchor="middle" font-weight="600" fill="#16202a">${escape(name)}</text></g>`;
}

function drawCompound({ name, description }: ChartState, { x, y, width, height }: Box): string {
  const [left, top] = [x - width / 2, y - height / 2];
  return `<g><title>${escape(description)}</title><rect x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height)}" rx="12" fill="#f6f8fa" stroke="#8c9aa6" stroke-dasharray="5 4"/><text x="${px(left + 10)}" y="${px(top + 16)}" fill="#44525e" font-weight="600">${escape(name)}</text></g>`;
}

function drawInitial({ x, y }: Box): string {
  return `<circle cx="${px(x)}" cy="${px(y)}" r="6" fill="#16202a"/>`;
}

function drawEdge({ points, lines, x, y }: { points: Point[]; lines: string[]; x: number; y: number }): string {
  const path = smooth(points);
  const top = y - (lines.length * lineHeight) / 2;
  const width = Math.max(0, ...lines.map((line) => line.length)) * charWidth * 0.86;
  const plate =
    lines.length === 0
      ? ''
      : `<rect x="${px(x - width / 2 - 3)}" y="${px(top - 1)}" width="${px(width + 6)}" height="${px(lines.length * lineHeight)}" fill="#ffffff" opacity="0.88"/>`;
  const texts = lines.map(
    (line, at) =>
      `<text x="${px(x)}" y="${px(top + (at + 1) * lineHeight - 4)}" text-anchor="middle" font-size="10.5" fill="#38444f">${escape(line)}</text>`,
  );
  return `<g><path d="${path}" fill="none" stroke="#5b6770" marker-end="url(#arrow)"/>${plate}${texts.join('')}</g>`;
}

/** Quadratic curves through the midpoints of dagre's polyline. */
function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points as [Point, ...Point[]];
  const last = rest.at(-1) as Point;
  let path = `M${px(first.x)} ${px(first.y)}`;
  for (let at = 0; at < rest.length - 1; at++) {
    const [here, next] = [rest[at] as Point, rest[at + 1] as Point];
    const end = at === rest.length - 2 ? next : { x: (here.x + next.x) / 2, y: (here.y + next.y) / 2 };
    path += `Q${px(here.x)} ${px(here.y)} ${px(end.x)} ${px(end.y)}`;
  }
  return rest.length === 1 ? `${path}L${px(last.x)} ${px(last.y)}` : path;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
