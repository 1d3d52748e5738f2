/**
 * What people look at, made from the files of results alone: a picture for each benchmark, a page with all of them
 * (results/README.md), and the table of bench/README.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark, Row } from '../harness/benchmark.js';
import { figure } from '../harness/figures.js';
import { readResults, writeFormatted, type Machine, type Results } from '../harness/results.js';
import { barChart } from './bar-chart.js';
import { panelsOf } from './panels.js';

interface Taken {
  readonly benchmark: Benchmark;
  readonly results: Results;
}

/** Draws everything anew from `<directory>/results/*.json`; benchmarks that were never taken are left out. */
export async function drawPages(directory: string, benchmarks: readonly Benchmark[]): Promise<void> {
  const file = (name: string, extension: string): string => join(directory, 'results', `${name}.${extension}`);
  const taken = benchmarks.flatMap((benchmark): readonly Taken[] => {
    const path = file(benchmark.name, 'json');
    return existsSync(path) ? [{ benchmark, results: readResults(path) }] : [];
  });
  for (const { benchmark, results } of taken) writeFileSync(file(benchmark.name, 'svg'), pictureOf(benchmark.name, results));
  await writeFormatted(join(directory, 'results', 'README.md'), pageOf(taken));
  await writeTable(join(directory, 'README.md'), taken);
}

function pictureOf(name: string, { machine, rows }: Results): string {
  return barChart({
    title: name,
    subtitle: `${takenText(machine)}. Bars: medians; whiskers: the runs; dashed: the target.`,
    panels: panelsOf(rows),
  });
}

function pageOf(taken: readonly Taken[]): string {
  const missed = taken.flatMap(({ results }) => results.rows).filter(({ target }) => target?.isMet === false);
  const met = taken.flatMap(({ results }) => results.rows).filter(({ target }) => target?.isMet === true);
  return [
    '# Figures',
    '',
    'Drawn by `npm run bench` from the JSON files beside this page; `npm run bench -- --plot` draws them again. Blue is Millrace, grey what it is compared with.',
    `A figure belongs to its machine: compare ratios. ${met.length} targets are met, ${missed.length} are missed.`,
    '',
    ...taken.map(({ benchmark }) => `- [${benchmark.name}](#${benchmark.name})`),
    '',
    ...taken.flatMap(({ benchmark }) => [
      `## ${benchmark.name}`,
      '',
      `It measures ${benchmark.measures}`,
      '',
      `![${benchmark.name}](${benchmark.name}.svg)`,
      '',
      `It does not measure ${benchmark.doesNotMeasure}`,
      '',
    ]),
  ].join('\n');
}

const beginMark = '<!-- figures: written by npm run bench -->';
const endMark = '<!-- end of figures -->';

/** Puts the figures between the marks of the README; the rest of it is written by hand. */
async function writeTable(path: string, taken: readonly Taken[]): Promise<void> {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : `# bench/\n\n${beginMark}\n${endMark}\n`;
  const from = text.indexOf(beginMark);
  const to = text.indexOf(endMark);
  if (from < 0 || to < from) throw new Error(`${path} has no place for figures: it needs the lines ${beginMark} and ${endMark}`);
  const lines = [
    beginMark,
    '',
    '| figure | median | min to max (samples) | compared with | ratio | target |',
    '| --- | --- | --- | --- | --- | --- |',
    ...taken.flatMap(({ results }) => results.rows.map(tableRow)),
    '',
    ...taken.map(
      ({ benchmark, results }) =>
        `- **${benchmark.name}** measures ${benchmark.measures} It does not measure ${benchmark.doesNotMeasure} ${takenText(results.machine)}${busyText(results.machine)}.`,
    ),
    '',
  ];
  await writeFormatted(path, `${text.slice(0, from)}${lines.join('\n')}${text.slice(to)}`);
}

function tableRow({ name, value, unit, min, max, runs, baseline, ratio, target }: Row): string {
  const compared = baseline === undefined ? '' : `${baseline.name}: ${figure(baseline.value)}`;
  const goal = target === undefined ? '' : `${target.text}: ${target.isMet ? 'met' : '**missed**'}`;
  return `| ${name} | ${figure(value)} ${unit} | ${figure(min)} to ${figure(max)} (${runs}) | ${compared} | ${ratio === undefined ? '' : ratio.toFixed(2)} | ${goal} |`;
}

function takenText({ takenAt, commit, cores, processor, memoryGiB, node }: Machine): string {
  return `Taken ${takenAt.slice(0, 16).replace('T', ' ')} UTC at ${commit}, ${cores} cores of ${processor}, ${memoryGiB} GiB, Node ${node}`;
}

function busyText({ loadBefore, cores }: Machine): string {
  return `, load average before: ${loadBefore.toFixed(1)}${loadBefore > cores ? ' (**busy machine: take these figures again**)' : ''}`;
}
