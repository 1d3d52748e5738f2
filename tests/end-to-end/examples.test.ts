/** Every example runs embedded and prints what a naive computation says it should. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boundTests } from '../support/bounds.js';
import { runExample, type ExampleRun } from '../support/run-example.js';
import { temporaryDirectory } from '../support/temp-directory.js';

interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

const data = join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data');
const flightsOf = (name: string): readonly Flight[] => JSON.parse(readFileSync(join(data, name), 'utf8')) as Flight[];

/** Lines of all visible files of a directory, sorted. */
const linesIn = (directory: string): readonly string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith('part-'))
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1))
    .sort();

function assertFinished(run: ExampleRun): void {
  assert.is(run.exitCode, 0, run.errors);
}

boundTests({ testMs: 60_000, fileMs: 240_000 });
const test = suite('examples');

/** What example 01 prints, sorted. */
function hundredths(): readonly string[] {
  const counts = new Map<string, number>();
  const expected: string[] = [];
  for (const { origin } of flightsOf('flights-20k.json')) {
    const count = (counts.get(origin) ?? 0) + 1;
    counts.set(origin, count);
    if (count % 100 === 0) expected.push(`${count} flights from ${origin}`);
  }
  assert.ok(expected.length > 50);
  return expected.sort();
}

test('01 prints the hundredth, two hundredth … flight of every airport', async () => {
  const run = await runExample('01');
  assertFinished(run);
  assert.equal([...run.lines].sort(), hundredths());
});

test('where code may not be made from strings, jobs run all the same', async () => {
  const run = await runExample('01', {}, ['--disallow-code-generation-from-strings']);
  assertFinished(run);
  assert.equal([...run.lines].sort(), hundredths());
});

test('02 prints every record streak of late flights', async () => {
  const run = await runExample('02');
  assertFinished(run);
  const streaks = new Map<string, { current: number; longest: number }>();
  const expected: string[] = [];
  for (const { origin, delay } of flightsOf('flights-20k.json')) {
    const streak = streaks.get(origin) ?? { current: 0, longest: 0 };
    streaks.set(origin, streak);
    streak.current = delay > 0 ? streak.current + 1 : 0;
    if (streak.current <= streak.longest) continue;
    streak.longest = streak.current;
    if (streak.longest >= 15) expected.push(`${streak.longest} late flights in a row from ${origin}`);
  }
  assert.ok(expected.length > 3);
  assert.equal([...run.lines].sort(), expected.sort());
});

test('03 prints averages meanwhile, and a last word for every sensor', async () => {
  const run = await runExample('03', { readings: '1500', rate: '1000' });
  assertFinished(run);
  assert.ok(run.lines.filter((line) => line.endsWith('so far')).length >= 3);
  const last = run.lines.filter((line) => line.endsWith('in all'));
  assert.equal(last.map((line) => line.slice(0, 8)).sort(), ['sensor a', 'sensor b', 'sensor c']);
  assert.ok(last.every((line) => line.includes('over 500 readings')));
});

test('04 sorts airports out; told to be strict it hands out every row as malformed, with its line', async () => {
  const run = await runExample('04');
  assertFinished(run);
  assert.ok(run.lines.some((line) => line.startsWith('far north: ')));
  assert.ok(run.lines.includes('CA has 200 airports and counting'));
  assert.not(run.lines.some((line) => line.startsWith('line ')));
  const strict = await runExample('04', { strict: 'true' });
  assertFinished(strict);
  const rows = readFileSync(join(data, 'airports.csv'), 'utf8').trimEnd().split('\n').length - 1;
  assert.is(strict.lines.length, rows);
  assert.ok(strict.lines.some((line) => line.startsWith(`line ${rows + 1}: column "latitude"`)));
});

test('05 writes every late flight once', async () => {
  const output = temporaryDirectory('late-flights');
  assertFinished(await runExample('05', { output }));
  const expected = flightsOf('flights-20k.json')
    .filter((flight) => flight.delay >= 60)
    .map(({ date, origin, destination, delay }) =>
      JSON.stringify({ date, route: `${origin}-${destination}`, hours: Math.round(delay / 6) / 10 }),
    );
  assert.equal(linesIn(output), expected.sort());
});

test('06 fails once, goes on, and adds up every number once', async () => {
  const run = await runExample('06');
  assertFinished(run);
  assert.equal(run.lines, ['attempt 1 ends with the sum 12,502,500']);
});

test('09 writes long flights of both inputs once, and prints records of all', async () => {
  const output = temporaryDirectory('long-flights');
  const run = await runExample('09', { output });
  assertFinished(run);
  const flights = [...flightsOf('flights-2k.json'), ...flightsOf('flights-5k.json')];
  const long = flights.filter((flight) => flight.distance >= 2_000);
  assert.equal(linesIn(output), long.map((flight) => JSON.stringify(flight)).sort());
  assert.ok(run.lines.some((line) => line.startsWith('as far as 4')));
});

test('11 prints every twentieth flight of an airport that was an hour late, also where code may not be made', async () => {
  const late = new Map<string, { count: number; sum: number }>();
  const expected: string[] = [];
  for (const { origin, delay } of flightsOf('flights-20k.json').filter((flight) => flight.delay >= 60)) {
    const { count, sum } = late.get(origin) ?? { count: 0, sum: 0 };
    late.set(origin, { count: count + 1, sum: sum + delay });
    if ((count + 1) % 20 === 0)
      expected.push(`${origin}: ${count + 1} very late flights, ${Math.round((sum + delay) / (count + 1))} minutes on average`);
  }
  assert.ok(expected.length > 3);
  for (const flags of [[], ['--disallow-code-generation-from-strings']]) {
    const run = await runExample('11', {}, flags);
    assertFinished(run);
    assert.equal([...run.lines].sort(), expected.sort());
  }
});

test('an unknown example is named, and those there are', async () => {
  const run = await runExample('99');
  assert.is(run.exitCode, 1);
  assert.match(run.errors, /There is no example "99"/);
  assert.match(run.errors, /01-hello: Hello/);
});

test('a missing input file fails the job and names the path', async () => {
  const run = await runExample('01', { input: '/nowhere/flights.json' });
  assert.is(run.exitCode, 1);
  assert.match(run.errors, '/nowhere/flights.json');
});
test.run();
