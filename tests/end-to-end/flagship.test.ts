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

interface Naive {
  /** Flights, minutes of delay and worst delay by origin. */
  readonly byOrigin: ReadonlyMap<string, Figures>;
  /** The same by origin and day of the departure, without those that left when their day was closed. */
  readonly byDay: ReadonlyMap<string, Figures>;
  /** Flights for which another one, before them in the file, had left a day or more after the end of their day. */
  readonly late: number;
}

async function naiveFigures(): Promise<Naive> {
  const columns: Record<string, unknown[]> = { date: [], origin: [], delay: [] };
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
  await parquetRead({ file: await asyncBufferFromFile(parquet), compressors, columns: Object.keys(columns), onChunk });
  const byOrigin = new Map<string, Figures>();
  const byDay = new Map<string, Figures>();
  let late = 0;
  let closedBefore = 0;
  for (const [row, origin] of (columns['origin'] as string[]).entries()) {
    const delay = Number(columns['delay']?.[row]);
    add(byOrigin, origin, delay);
    const left = Number(columns['date']?.[row]) + delay * 60_000;
    const day = new Date(left).toISOString().slice(0, 10);
    if (Date.parse(day) + dayMs <= closedBefore) late += 1;
    else add(byDay, `${origin} ${day}`, delay);
    closedBefore = Math.max(closedBefore, Date.parse(new Date(left - dayMs).toISOString().slice(0, 10)));
  }
  return { byOrigin, byDay, late };
}

const dayMs = 86_400_000;

function add(figures: Map<string, Figures>, key: string, delay: number): void {
  const known = figures.get(key) ?? { flights: 0, minutes: 0, worst: Number.NEGATIVE_INFINITY };
  figures.set(key, { flights: known.flights + 1, minutes: known.minutes + delay, worst: Math.max(known.worst, delay) });
}

boundTests({ testMs: 120_000, fileMs: 300_000 });
const naive = naiveFigures();
const test = suite('examples over 3,000,000 flights');

test('08 prints the delay of airports and days, and counts what came too late', async () => {
  const run = await runExample('08', { rows: '500', least: '50' });
  assert.is(run.exitCode, 0, run.errors);
  const { byDay, late } = await naive;
  const flights = [...byDay.values()].reduce((sum, day) => sum + day.flights, 0);
  assert.is(flights + late, 3_000_000);
  assert.ok(late > 100);
  const [lateLine, ...lines] = [...run.lines].sort((left) => (left.endsWith('closed') ? -1 : 1));
  assert.is(lateLine, `${late} flights came when their day was closed`);
  assert.match(lines[0] ?? '', `${flights.toLocaleString('en')} flights on ${byDay.size.toLocaleString('en')} days of airports`);
  const average = ({ flights: count, minutes }: Figures): number => minutes / count;
  const worst = [...byDay].filter(([, day]) => day.flights >= 50).sort(([, a], [, b]) => average(b) - average(a));
  const rows = lines.slice(2).map((row) => `${row.slice(0, 3)} ${row.slice(38).trim().replaceAll(/\s+/g, ' ')}`);
  assert.is(rows.length, 500);
  assert.equal(
    rows.sort(),
    worst
      .slice(0, 500)
      .map(([day, figures]) => `${day} ${figures.flights.toLocaleString('en')} ${average(figures).toFixed(1)} min`)
      .sort(),
  );
  assert.ok(lines.some((row) => row.startsWith('JFK John F Kennedy Intl')));
});

test('07 prints the five latest flights', async () => {
  const run = await runExample('07');
  assert.is(run.exitCode, 0, run.errors);
  assert.is(run.lines.length, 5);
  const [latest] = [...(await naive).byOrigin].sort(([, a], [, b]) => b.worst - a.worst);
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
