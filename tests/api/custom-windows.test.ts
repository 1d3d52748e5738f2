/** Own assigners of windows and staggered windows, as users write them and run as jobs; what is refused when they are built. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DeltaTrigger,
  EventTimeTrigger,
  outputTag,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  WatermarkStrategy,
  type DataStream,
  type SingleOutputStream,
  type WindowAssigner,
  type WindowAssignerContext,
  type WindowSpan,
} from '../../index.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import { refused } from '../support/refused.js';
import { graphOf } from '../support/word-count.js';

interface Shift {
  readonly worker: number;
  readonly at: number;
  /** Ends of its shift, in ms from its beginning. */
  readonly lengthMs: number;
}

const shifts = Array.from({ length: 200 }, (_, n): Shift => ({ worker: n % 7, at: 40 * n, lengthMs: n % 3 === 0 ? 300 : 1_000 }));
const atOf = ({ at }: Shift): number => at;

/** Windows whose length is a matter of the record. */
class ShiftWindows implements WindowAssigner<Shift> {
  readonly isEventTime = true;
  readonly defaultTrigger = EventTimeTrigger.create();

  assignWindows({ lengthMs }: Shift, timestamp: number, _context: WindowAssignerContext): WindowSpan[] {
    const start = Math.floor(timestamp / lengthMs) * lengthMs;
    return [{ start, end: start + lengthMs }];
  }
}

function shiftsByHand(): string[] {
  const counts = new Map<string, number>();
  for (const { worker, at, lengthMs } of shifts) {
    const start = Math.floor(at / lengthMs) * lengthMs;
    const name = `${worker} ${start}-${start + lengthMs}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Array.from(counts, ([name, count]) => `${name}: ${count}`).sort();
}

/** Every result over the shifts, with a crash in the middle and a restart at another parallelism. */
async function resultsOf<Out>(build: (stream: DataStream<Shift>) => SingleOutputStream<Out>, parallelism: number): Promise<Out[]> {
  const input = new TestInput<Shift>('shifts');
  const output = new TestOutput<Out>('results');
  const inTime = WatermarkStrategy.forMonotonousTimestamps<Shift>().withTimestampAssigner(atOf);
  const job = await JobTest.start(
    (env) => void build(env.fromSource(input, inTime).name('shifts').setParallelism(1)).name('windows').sinkTo(output).name('results'),
    { parallelism },
  );
  await input.pushAll(shifts.slice(0, 90));
  await job.advanceTime('1 s');
  const checkpoint = await job.checkpoint();
  await input.pushAll(shifts.slice(90, 120));
  await job.restore(checkpoint, { parallelism: 3 - parallelism });
  await input.pushAll(shifts.slice(120));
  await job.finish();
  return [...output.values()];
}

const test = suite('own windows of the api');

for (const parallelism of [1, 2]) {
  test(`counts by an own assigner are those computed by hand, over a crash and from parallelism ${parallelism} to ${3 - parallelism}`, async () => {
    const lines = await resultsOf(
      (stream) =>
        stream
          .keyBy('worker')
          .window(new ShiftWindows())
          .process((worker, { window }, elements) => [`${worker} ${window.start}-${window.end}: ${elements.length}`]),
      parallelism,
    );
    assert.equal(lines.sort(), shiftsByHand());
  });

  test(`staggered windows hold every record once, in windows of their size, from parallelism ${parallelism} to ${3 - parallelism}`, async () => {
    for (const stagger of ['RANDOM', 'NATURAL'] as const) {
      const windows = await resultsOf(
        (stream) =>
          stream
            .keyBy('worker')
            .window(TumblingEventTimeWindows.of('1 s', 0, stagger))
            .process((worker, { window }, elements) => [{ worker, start: window.start, end: window.end, ats: elements.map(atOf) }]),
        parallelism,
      );
      const seen = windows.flatMap(({ ats }) => ats).sort((left, right) => left - right);
      assert.equal(seen, shifts.map(atOf));
      assert.ok(windows.every(({ start, end, ats }) => end === start + 1_000 && ats.every((at) => start <= at && at < end)));
      if (stagger === 'RANDOM') assert.ok(windows.some(({ start }) => start % 1_000 !== 0));
    }
  });
}

test('an own assigner in a join, with late records', async () => {
  const late = outputTag<Shift>('late');
  const input = new TestInput<Shift>('shifts');
  const [pairs, lateOnes] = [new TestOutput<string>('pairs'), new TestOutput<Shift>('late')];
  const job = await JobTest.start((env) => {
    const stream = env.fromSource(input);
    const joined = stream
      .join(stream.filter(({ lengthMs }) => lengthMs > 300))
      .where('worker')
      .equalTo('worker')
      .window({ isEventTime: true, assignWindows: ({ at }: Shift) => [{ start: 0, end: at < 500 ? 500 : 1_000 }] })
      .sideOutputLateData(late)
      .apply((left, right, window) => `${left.at} ${right.at} in ${window.end}`);
    joined.sinkTo(pairs);
    joined.getSideOutput(late).sinkTo(lateOnes);
  });
  await input.pushAll(
    [
      { worker: 1, at: 10, lengthMs: 300 },
      { worker: 1, at: 20, lengthMs: 400 },
      { worker: 1, at: 600, lengthMs: 400 },
    ],
    atOf,
  );
  await input.watermark(499);
  await input.pushAll([{ worker: 1, at: 30, lengthMs: 300 }], atOf);
  await job.finish();
  assert.equal([...pairs.values()].sort(), ['10 20 in 500', '20 20 in 500', '600 600 in 1000']);
  assert.equal(lateOnes.values().map(atOf), [30]);
});

test('types: records, keys and windows of own assigners are inferred', () => {
  graphOf((env) => {
    const keyed = env.fromCollection(shifts).keyBy('worker');
    const literal: SingleOutputStream<number> = keyed
      .window({ isEventTime: false, assignWindows: (shift, timestamp) => [{ start: timestamp, end: timestamp + shift.lengthMs }] })
      .trigger(DeltaTrigger.of<Shift>(3, (from, to) => to.at - from.at))
      .process((worker, { window }, [first]) => [worker + window.end + (first?.at ?? 0)]);
    literal.collect('literal');
    keyed
      .window({
        isEventTime: true,
        isMerging: true,
        defaultTrigger: EventTimeTrigger.create(),
        *assignWindows({ lengthMs }, timestamp, context) {
          if (context.currentProcessingTime() > 0) yield { start: timestamp, end: timestamp + lengthMs };
        },
      })
      .allowedLateness('1 s')
      .maxBy('at')
      .collect('merging');
    env.fromCollection(shifts).windowAll(new ShiftWindows()).sum('lengthMs').collect('all');
  });
});

const keyedWindow = (assigner: unknown) => (env: Parameters<Parameters<typeof graphOf>[0]>[0]) =>
  void env
    .fromCollection(shifts)
    .keyBy('worker')
    .window(assigner as WindowAssigner<Shift>)
    .maxBy('at');
const assignWindows = (): WindowSpan[] => [];

for (const [title, assigner, code, message] of [
  ['no assigner', undefined, 'WINDOW_ASSIGNER_MISSING', /undefined instead/],
  ['an object that assigns nothing', {}, 'WINDOW_ASSIGNER_MISSING', /without assignWindows/],
  ['assignWindows that is no function', { isEventTime: true, assignWindows: 5 }, 'FUNCTION_MISSING', /number/],
  ['an async assigner', { isEventTime: true, assignWindows: async () => [] }, 'FUNCTION_ASYNC', /synchronous/],
  ['an assigner that does not say what time it goes by', { assignWindows }, 'WINDOW_ASSIGNER_INVALID', /isEventTime/],
  ['isMerging that is no boolean', { isEventTime: true, isMerging: 'yes', assignWindows }, 'WINDOW_ASSIGNER_INVALID', /isMerging/],
  ['a default trigger that is none', { isEventTime: true, defaultTrigger: {}, assignWindows }, 'FUNCTION_MISSING', /onElement/],
  [
    'merging windows with a trigger that cannot merge',
    { isEventTime: true, isMerging: true, defaultTrigger: DeltaTrigger.of(1, () => 0), assignWindows },
    'TRIGGER_CANNOT_MERGE',
    /onMerge/,
  ],
] as const) {
  test(`${title} is refused when the job is built`, () => refused(keyedWindow(assigner), code, message));
}

test('lateness of own windows by the clock, and a stagger that is none, are refused when the job is built', () => {
  const byClock: WindowAssigner = { isEventTime: false, assignWindows };
  refused(
    (env) => void env.fromCollection(shifts).keyBy('worker').window(byClock).allowedLateness(5),
    'WINDOW_LATENESS_USELESS',
    /event time/,
  );
  refused(() => void TumblingProcessingTimeWindows.of('1 s', 0, 'SOMETIMES' as never), 'WINDOW_STAGGER_UNKNOWN', /"SOMETIMES"/);
  refused(() => void TumblingEventTimeWindows.of('1 s', '1 s', 'RANDOM'), 'WINDOW_OFFSET_INVALID', /closer to 0/);
});

test('that windows are staggered, and how own ones go, is part of what a job is known by', () => {
  const keyOf = (assigner: WindowAssigner | ReturnType<typeof TumblingEventTimeWindows.of>): string =>
    graphOf(keyedWindow(assigner)).fingerprint;
  const keys = [
    TumblingEventTimeWindows.of('1 s'),
    TumblingEventTimeWindows.of('1 s', 0, 'RANDOM'),
    { isEventTime: true, assignWindows },
    { isEventTime: false, assignWindows },
    { isEventTime: true, isMerging: true, assignWindows },
  ].map(keyOf);
  assert.is(new Set(keys).size, keys.length);
  assert.is(keyOf(TumblingEventTimeWindows.of('1 s', 0, 'ALIGNED')), keys[0]);
});

test.run();
