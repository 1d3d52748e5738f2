/**
 * Event-time jobs in simulated clusters: a few seeds of each kind hold, and what they are held to can be violated.
 *
 * `npm run simulate -- --job times --runs 300` is the long version.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { simulateRun } from '../../testing/simulator/simulated-run.js';
import { committedLines } from '../../testing/simulator/simulated-work.js';
import { drawnTimedWork } from '../../testing/simulator/timed-workload.js';
import { expectedTimedLines, judgedTimedLines } from '../../testing/simulator/timed-answers.js';
import type { TimedInput } from '../../testing/simulator/timed-events.js';
import type { FixedQuery, IntervalQuery, SessionQuery, TimedQuery } from '../../testing/simulator/timed-query.js';
import { boundTests } from '../support/bounds.js';

boundTests({ testMs: 150_000, fileMs: 300_000 });
const test = suite('simulated event time');

test('windows and joins of disordered records commit the right lines through faults (TW1, TW2)', async () => {
  const kinds = new Set<string>();
  let late = 0;
  let refired = 0;
  let restarts = 0;
  for (let seed = 1; seed <= 16; seed++) {
    const { violation, restarts: some } = await simulateRun({
      seed,
      work(random: SeededRandom) {
        const work = drawnTimedWork(random);
        return {
          ...work,
          async committed(disk) {
            const lines = (await committedLines(disk, '/out')).map(({ line }) => line.split(' '));
            for (const [what] of lines) kinds.add(what as string);
            late += lines.filter(([what]) => what === 'late').length;
            const spans = lines.filter(([what]) => what === 'window').map((line) => line.slice(0, 4).join(' '));
            refired += spans.length - new Set(spans).size;
            return work.committed(disk);
          },
        };
      },
    });
    assert.is(violation, undefined, `seed ${seed}: ${violation?.code} ${violation?.detail}`);
    restarts += some;
  }
  console.log(`note: ${late} late records, ${refired} late firings, ${restarts} restarts`);
  assert.equal([...kinds].sort(), ['late', 'pair', 'window']);
  assert.ok(late > 100, `only ${late} records were late`);
  assert.ok(refired > 0, 'no window fired again for a late record');
  assert.ok(restarts > 5, `only ${restarts} restarts`);
});

const event = (n: number, time: number, isLeft = true) => ({ n, key: 1, isLeft, time });
/** The third is 10 ms behind the second. */
const input: TimedInput = { events: [event(1, 5), event(2, 25), event(3, 15), event(4, 60, false)], quiet: [], unitMs: 5, disorderMs: 10 };
const lateness = { isLatePossible: true, allowedMs: 0, latenessMs: 0 };
const tumbling: FixedQuery = { ...lateness, kind: 'tumbling', sizeMs: 10, slideMs: 10 };
const sliding: FixedQuery = { ...lateness, kind: 'sliding', sizeMs: 20, slideMs: 10 };
const session: SessionQuery = { ...lateness, kind: 'session', gapMs: 10 };
const lasting: FixedQuery = { ...tumbling, latenessMs: 50 };
const interval: IntervalQuery = { ...lateness, kind: 'interval-join', lower: 35, upper: 45 };

interface Row {
  readonly claim: string;
  readonly query: TimedQuery;
  readonly lines: readonly string[];
  readonly isRight: boolean;
}

const others = ['window 1 0 10 1', 'window 1 20 30 2', 'window 1 60 70 4'];
const rows: readonly Row[] = [
  { claim: 'a record in its window', query: tumbling, lines: [...others, 'window 1 10 20 3'], isRight: true },
  { claim: 'a record that was late', query: tumbling, lines: [...others, 'late 3'], isRight: true },
  { claim: 'a record that is nowhere', query: tumbling, lines: others, isRight: false },
  { claim: 'a record both in its window and late', query: tumbling, lines: [...others, 'window 1 10 20 3', 'late 3'], isRight: false },
  { claim: 'a record that was late twice', query: tumbling, lines: [...others, 'late 3', 'late 3'], isRight: false },
  { claim: 'a window that fired twice', query: tumbling, lines: [...others, 'window 1 10 20 3', 'window 1 10 20 3'], isRight: false },
  { claim: 'a record in a window of another time', query: tumbling, lines: [...others, 'window 1 0 10 3'], isRight: false },
  { claim: 'a record in a window of another key', query: tumbling, lines: [...others, 'window 2 10 20 3'], isRight: false },
  { claim: 'a record twice in its window', query: tumbling, lines: [...others, 'window 1 10 20 3 3'], isRight: false },
  {
    claim: 'a late record that no watermark had passed',
    query: tumbling,
    lines: [...others.slice(0, 2), 'window 1 10 20 3', 'late 4'],
    isRight: false,
  },
  {
    claim: 'a late firing that lost what was there',
    query: { ...lasting, sizeMs: 30, slideMs: 30 },
    lines: ['window 1 0 30 1 2', 'window 1 0 30 1 3', 'window 1 60 90 4'],
    isRight: false,
  },
  {
    claim: 'a late firing with more',
    query: { ...lasting, sizeMs: 30, slideMs: 30 },
    lines: ['window 1 0 30 1 2', 'window 1 0 30 1 2 3', 'window 1 60 90 4'],
    isRight: true,
  },
  {
    claim: 'a record in the last of its windows alone',
    query: sliding,
    lines: ['window 1 -10 10 1', 'window 1 0 20 1', 'window 1 10 30 2 3', 'window 1 20 40 2', 'window 1 50 70 4', 'window 1 60 80 4'],
    isRight: true,
  },
  {
    claim: 'a record in the first of its windows alone',
    query: sliding,
    lines: ['window 1 -10 10 1', 'window 1 0 20 1 3', 'window 1 10 30 2', 'window 1 20 40 2', 'window 1 50 70 4', 'window 1 60 80 4'],
    isRight: false,
  },
  { claim: 'a session of all in reach', query: session, lines: ['window 1 5 35 1 2 3', 'window 1 60 70 4'], isRight: true },
  { claim: 'a session longer than its records say', query: session, lines: ['window 1 5 36 1 2 3', 'window 1 60 70 4'], isRight: false },
  { claim: 'a session with a hole', query: session, lines: ['window 1 5 35 1 2', 'late 3', 'window 1 60 70 4'], isRight: false },
  { claim: 'all pairs', query: interval, lines: ['pair 2 4', 'pair 3 4'], isRight: true },
  {
    claim: 'a pair that is missing where none can be late',
    query: { ...interval, isLatePossible: false },
    lines: ['pair 2 4'],
    isRight: false,
  },
  { claim: 'the pairs of records that were not late', query: interval, lines: ['pair 2 4', 'late 3'], isRight: true },
  { claim: 'a pair with a late record', query: interval, lines: ['pair 2 4', 'pair 3 4', 'late 3'], isRight: false },
  { claim: 'a pair of records too far apart', query: interval, lines: ['pair 1 4', 'pair 2 4', 'pair 3 4'], isRight: false },
  { claim: 'a pair made twice', query: interval, lines: ['pair 2 4', 'pair 2 4', 'pair 3 4'], isRight: false },
];

for (const { claim, query, lines, isRight } of rows) {
  test(`${claim} is ${isRight ? 'right' : 'wrong'} in every history of a ${query.kind} job (TA2, TA3)`, () => {
    const judged = [...judgedTimedLines(input, query, lines)].sort();
    const expected = [...expectedTimedLines(input, query)].sort();
    if (isRight) assert.equal(judged, expected);
    else assert.not.equal(judged, expected);
  });
}

test('where nothing can be late, windows and sessions are computed with their boundaries (TA1)', () => {
  const exact = { isLatePossible: false, allowedMs: 10, latenessMs: 0 };
  const moved: TimedInput = { ...input, events: [event(1, -1), event(2, 0), event(3, 9), event(4, 19), event(5, 30)] };
  assert.equal(expectedTimedLines(moved, { ...tumbling, ...exact }), [
    'window 1 -10 0 1',
    'window 1 0 10 2 3',
    'window 1 10 20 4',
    'window 1 30 40 5',
  ]);
  assert.equal(expectedTimedLines(moved, { ...session, ...exact }), ['window 1 -1 29 1 2 3 4', 'window 1 30 40 5']);
});

test.run();
