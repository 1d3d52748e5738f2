import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rowOf, type Benchmark, type Row } from '../../bench/harness/benchmark.js';
import { atLeastOfBaseline } from '../../bench/harness/targets.js';
import { barChart } from '../../bench/plots/bar-chart.js';
import { drawPages } from '../../bench/plots/pages.js';
import { panelsOf } from '../../bench/plots/panels.js';

const test = suite('pictures of figures');

const hand = rowOf({ name: 'count: by hand', unit: 'M records/s', samples: [4, 5, 6] });
const own = rowOf({
  name: 'count: two <slots>',
  unit: 'M records/s',
  samples: [2, 3, 4],
  baseline: { name: 'by hand', value: 5 },
  target: atLeastOfBaseline(0.7),
});
const memory = rowOf({ name: 'count: memory', unit: 'MiB', samples: [100] });
const rows: readonly Row[] = [hand, own, memory];

test('rows of one panel have one unit, and the baseline that is a row is drawn once (PN1)', () => {
  const panels = panelsOf(rows);
  assert.equal(
    panels.map(({ title, unit, bars }) => [title, unit, bars.map(({ label, isOwn }) => [label, isOwn])]),
    [
      [
        'count',
        'M records/s',
        [
          ['by hand', false],
          ['two <slots>', true],
        ],
      ],
      ['count', 'MiB', [['memory', true]]],
    ],
  );
});

test('a baseline without a row of its own is a bar without a spread (PN1)', () => {
  const [panel] = panelsOf([own]);
  assert.equal(
    panel?.bars.map(({ label, value, spread }) => [label, value, spread]),
    [
      ['by hand', 5, undefined],
      ['two <slots>', 3, { min: 2, max: 4 }],
    ],
  );
});

test('the same rows give the same bytes, texts are escaped, and a missed target says so (BC1)', () => {
  const chart = { title: 'count', subtitle: 'here & now', panels: panelsOf(rows) };
  const svg = barChart(chart);
  assert.is(barChart(chart), svg);
  assert.match(svg, 'two &lt;slots&gt;');
  assert.match(svg, 'here &amp; now');
  assert.match(svg, '✗ at least 0.7 of it');
  assert.match(svg, 'class="target"');
  assert.not.match(svg, /NaN|undefined|Infinity/);
});

test('pages are drawn from files of results alone, with what was never taken left out', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-plots-'));
  try {
    mkdirSync(join(directory, 'results'));
    const machine = {
      takenAt: '2026-01-02T03:04:05.678Z',
      commit: 'abc',
      node: 'v20',
      processor: 'one',
      cores: 2,
      memoryGiB: 1,
      loadBefore: 0,
    };
    writeFileSync(join(directory, 'results', 'count.json'), JSON.stringify({ machine, rows }));
    const benchmark = (name: string): Benchmark => ({ name, measures: 'a.', doesNotMeasure: 'b.', run: () => Promise.resolve([]) });
    await drawPages(directory, [benchmark('count'), benchmark('never')]);
    const page = readFileSync(join(directory, 'results', 'README.md'), 'utf8');
    assert.match(page, '![count](count.svg)');
    assert.match(page, '0 targets are met, 1 are missed');
    assert.not.match(page, 'never.svg');
    assert.match(readFileSync(join(directory, 'results', 'count.svg'), 'utf8'), 'Taken 2026-01-02 03:04 UTC at abc');
    const table = readFileSync(join(directory, 'README.md'), 'utf8');
    assert.match(table, /\| count: two <slots> +\| 3 M records\/s +\| 2 to 4 \(3\) +\| by hand: 5 +\| 0\.60 +\|/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
