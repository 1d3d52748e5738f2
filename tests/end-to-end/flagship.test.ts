/** The examples over 3,000,000 flights, compared with a naive computation over the same file. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { asyncBufferFromFile, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boundTests } from '../support/bounds.js';
import { runExample } from '../support/run-example.js';
import { temporaryDirectory } from '../support/temp-directory.js';

const parquet = join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data', 'flights-3m.parquet');

interface Figures {
  flights: number;
  minutes: number;
  worst: number;
}

/** Flights, minutes of delay and worst delay by origin. */
async function naiveFigures(): Promise<ReadonlyMap<string, Figures>> {
  const columns: Record<string, unknown[]> = { origin: [], delay: [] };
  const onChunk = ({
    columnName,
    columnData,
    rowStart,
  }: {
    columnName: string;
    columnData: ArrayLike<unknown>;
    rowStart: number;
  }): void => {
    for (let row = 0; row < columnData.length; row++) (columns[columnName] as unknown[])[rowStart + row] = columnData[row];
  };
  await parquetRead({ file: await asyncBufferFromFile(parquet), compressors, columns: ['origin', 'delay'], onChunk });
  const figures = new Map<string, Figures>();
  for (const [row, origin] of (columns['origin'] as string[]).entries()) {
    const delay = Number(columns['delay']?.[row]);
    const known = figures.get(origin) ?? { flights: 0, minutes: 0, worst: Number.NEGATIVE_INFINITY };
    figures.set(origin, { flights: known.flights + 1, minutes: known.minutes + delay, worst: Math.max(known.worst, delay) });
  }
  return figures;
}

boundTests({ testMs: 120_000, fileMs: 300_000 });
const naive = naiveFigures();
const test = suite('examples over 3,000,000 flights');

test('08 prints flights, average and worst delay of every airport', async () => {
  const run = await runExample('08', { rows: '1000', least: '1' });
  assert.is(run.exitCode, 0, run.errors);
  const expected = await naive;
  assert.match(run.lines[0] ?? '', `3,000,000 flights from ${expected.size} airports`);
  const rows = run.lines.slice(2);
  assert.is(rows.length, expected.size);
  for (const row of rows) {
    const { flights, minutes, worst } = expected.get(row.slice(0, 3)) as Figures;
    const figures = [flights.toLocaleString('en'), `${(minutes / flights).toFixed(1)} min`, `${(worst / 60).toFixed(1)} h`];
    assert.equal(
      row
        .slice(38)
        .trim()
        .split(/\s{2,}/),
      figures,
      row,
    );
  }
  assert.ok(rows.some((row) => row.startsWith('JFK John F Kennedy Intl')));
});

test('07 prints the five latest flights', async () => {
  const run = await runExample('07');
  assert.is(run.exitCode, 0, run.errors);
  assert.is(run.lines.length, 5);
  const [latest] = [...(await naive)].sort(([, a], [, b]) => b.worst - a.worst);
  assert.is(run.lines[0], `${((latest?.[1].worst ?? 0) / 60).toFixed(1)} hours late from ${latest?.[0]}`);
});

test('10 counts every flight once, on paper and in files', async () => {
  const output = temporaryDirectory('flights-by-origin');
  const run = await runExample('10', { output, rate: '2000000' });
  assert.is(run.exitCode, 0, run.errors);
  assert.equal(run.lines, ['3,000,000 flights were counted']);
  const counts = readdirSync(output)
    .filter((name) => name.startsWith('part-'))
    .flatMap((name) => readFileSync(join(output, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as { airport: string; flights: number });
  assert.is(new Set(counts.map(({ airport }) => airport)).size, counts.length);
  assert.is(
    counts.reduce((sum, { flights }) => sum + flights, 0),
    3_000_000,
  );
});
test.run();
