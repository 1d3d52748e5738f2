/**
 * The event-time job of simulated runs, drawn from the seed: windows, or a join by time, of records out of order.
 *
 * TW1  When the strategy allows for the whole disorder, no record is late, so the lines are the same whatever happens.
 * TW2  When it allows for less, or readers go idle, who is late depends on the history: the lines are then held to what is true
 *      of every history (timed-answers.ts).
 */
import { defineJob, EventTimeSessionWindows, fileSink, generatorSource, outputTag, SlidingEventTimeWindows } from '../../index.js';
import { TumblingEventTimeWindows, WatermarkStrategy } from '../../index.js';
import type { AggregateFunction, DataStream, JobDefinition, SingleOutputStream, StreamExecutionEnvironment } from '../../index.js';
import type { SeededRandom } from './seeded-random.js';
import { committedLines, type SimulatedWork } from './simulated-work.js';
import { expectedTimedLines, judgedTimedLines } from './timed-answers.js';
import { drawTimedInput, type TimedEvent, type TimedInput } from './timed-events.js';
import type { TimedQuery } from './timed-query.js';

interface TimedWorkload {
  readonly input: TimedInput;
  readonly query: TimedQuery;
  readonly parallelism: number;
  readonly recordsPerSecond: number;
  readonly checkpointIntervalMs: number;
  readonly bufferTimeoutMs: number;
  readonly watermarkIntervalMs: number;
  /** Of readers without a record; undefined: they hold time. */
  readonly idleAfterMs: number | undefined;
  /** Of `aggregate`; otherwise the windows keep all records. */
  readonly isAggregated: boolean;
  /** Where no record is late: they are folded before they are sent. (There is no side output of late ones then.) */
  readonly isPreAggregated: boolean;
  /** Whether both sides of a join have a source of their own. */
  readonly hasTwoSources: boolean;
  /** How far one source may run ahead of the other; undefined: as far as it likes. */
  readonly driftMs: number | undefined;
  readonly isRebalanced: boolean;
  /** Whether watermarks begin behind the source, where splits are mixed. */
  readonly isAssignedLater: boolean;
}

/** Where the lines are committed, on the simulated disk. */
const outputDirectory = '/out';

/** The event-time job that a seed draws. */
export function drawnTimedWork(random: SeededRandom): SimulatedWork {
  const workload = drawTimedWorkload(random);
  const { input, query } = workload;
  return {
    records: input.events.length + input.quiet.length,
    makeJob: () => timedJob(workload),
    expected: () => expectedTimedLines(input, query),
    async committed(disk) {
      const lines = (await committedLines(disk, outputDirectory)).map(({ line }) => line);
      return judgedTimedLines(input, query, lines);
    },
  };
}

function drawTimedWorkload(random: SeededRandom): TimedWorkload {
  const records = random.between(200, 700);
  const drawn = drawTimedInput(random, records);
  const query = drawQuery(random, drawn);
  const { isLatePossible } = query;
  return {
    input: isLatePossible ? { ...drawn, quiet: [] } : drawn,
    query,
    // With one reader, nothing but its own records holds time.
    parallelism: random.chance(0.3) ? 1 : random.between(1, 4),
    recordsPerSecond: records / random.between(2, 8),
    checkpointIntervalMs: random.between(150, 1_200),
    bufferTimeoutMs: random.between(1, 60),
    watermarkIntervalMs: random.chance(0.5) ? random.between(1, 20) : random.between(20, 200),
    idleAfterMs: isLatePossible && random.chance(0.4) ? random.between(20, 500) : undefined,
    isAggregated: random.chance(0.6),
    hasTwoSources: random.chance(0.5),
    driftMs: random.chance(0.3) ? drawn.unitMs * random.between(5, 60) : undefined,
    isRebalanced: random.chance(0.4),
    isAssignedLater: isLatePossible && random.chance(0.3),
    isPreAggregated: !isLatePossible && query.kind !== 'session' && random.chance(0.5),
  };
}

function drawQuery(random: SeededRandom, { unitMs, disorderMs }: TimedInput): TimedQuery {
  const isLatePossible = random.chance(0.5);
  const allowedMs = isLatePossible ? Math.floor((disorderMs / unitMs) * 0.3 * random.next()) * unitMs : disorderMs;
  const lateness = { isLatePossible, allowedMs, latenessMs: random.chance(0.5) ? 0 : unitMs * random.between(1, 4) };
  const slideMs = unitMs * (random.chance(0.5) ? 1 : random.between(2, 10));
  const slides = random.between(2, 5);
  const lower = random.between(-8, 4) * unitMs;
  const upper = lower + random.between(0, 10) * unitMs;
  switch (random.between(0, 4)) {
    case 0:
      return { ...lateness, kind: 'tumbling', sizeMs: slideMs, slideMs };
    case 1:
      return { ...lateness, kind: 'sliding', sizeMs: slideMs * slides, slideMs };
    case 2:
      // A record exactly the gap behind a session belongs to it, if that has not ended before it comes: no single answer.
      return { ...lateness, kind: 'session', gapMs: isLatePossible ? slideMs : slideMs + 1 };
    case 3:
      return { ...lateness, kind: 'interval-join', lower, upper };
    default:
      return { ...lateness, kind: 'window-join', isLatePossible: false, allowedMs: disorderMs, sizeMs: slideMs };
  }
}

/** A new definition each time, so that no state of one slot's functions is another's. */
function timedJob(workload: TimedWorkload): JobDefinition {
  return defineJob('simulated-time', (env) => {
    env
      .setParallelism(workload.parallelism)
      .enableCheckpointing(workload.checkpointIntervalMs, { tolerableFailures: 1_000 })
      .setBufferTimeout(workload.bufferTimeoutMs)
      .setAutoWatermarkInterval(workload.watermarkIntervalMs);
    const { left, right } = sidesOf(env, workload);
    answerOf(left, right, workload).sinkTo(fileSink<string>(outputDirectory, { encode: (line) => line }));
  });
}

type Events = DataStream<TimedEvent>;

/** For windows, everything is on the left. */
function sidesOf(env: StreamExecutionEnvironment, workload: TimedWorkload): { readonly left: Events; readonly right: Events } {
  const { input, query, hasTwoSources } = workload;
  const isJoin = query.kind === 'interval-join' || query.kind === 'window-join';
  const quiet = quietOf(env, input.quiet);
  const withQuiet = (events: Events): Events => (quiet === undefined ? events : events.union(quiet));
  if (isJoin && hasTwoSources) {
    const left = sourceOf(env, workload, { name: 'left', events: input.events.filter(({ isLeft }) => isLeft) });
    const right = sourceOf(env, workload, { name: 'right', events: input.events.filter(({ isLeft }) => !isLeft) });
    return { left: withQuiet(left), right };
  }
  const all = withQuiet(sourceOf(env, workload, { name: 'events', events: input.events }));
  if (!isJoin) return { left: all, right: all };
  return { left: all.filter(({ isLeft }) => isLeft), right: all.filter(({ isLeft }) => !isLeft) };
}

function sourceOf(
  env: StreamExecutionEnvironment,
  workload: TimedWorkload,
  { name, events }: { readonly name: string; readonly events: readonly TimedEvent[] },
): Events {
  const { input, recordsPerSecond, isRebalanced, isAssignedLater } = workload;
  const rate = (recordsPerSecond * events.length) / input.events.length;
  const source = generatorSource({ name, count: events.length, rate, generate: (index) => events[index] as TimedEvent });
  const strategy = strategyOf(workload);
  const records = isAssignedLater ? env.fromSource(source) : env.fromSource(source, aligned(strategy, workload));
  const spread = isRebalanced ? records.rebalance() : records;
  return isAssignedLater ? spread.assignTimestampsAndWatermarks(strategy) : spread;
}

function strategyOf({ query, idleAfterMs }: TimedWorkload): WatermarkStrategy<TimedEvent> {
  const strategy = WatermarkStrategy.forBoundedOutOfOrderness<TimedEvent>(query.allowedMs).withTimestampAssigner(({ time }) => time);
  return idleAfterMs === undefined ? strategy : strategy.withIdleness(idleAfterMs);
}

function aligned(strategy: WatermarkStrategy<TimedEvent>, { driftMs }: TimedWorkload): WatermarkStrategy<TimedEvent> {
  return driftMs === undefined ? strategy : strategy.withWatermarkAlignment('together', driftMs, 100);
}

/** Only its idleness lets time go on; what it brings is too far away to be late. */
function quietOf(env: StreamExecutionEnvironment, events: readonly TimedEvent[]): Events | undefined {
  if (events.length === 0) return undefined;
  const strategy = WatermarkStrategy.noWatermarks<TimedEvent>()
    .withTimestampAssigner(({ time }) => time)
    .withIdleness(150);
  const source = generatorSource({ name: 'quiet', count: events.length, rate: 1, generate: (index) => events[index] as TimedEvent });
  return env.fromSource(source, strategy);
}

const numbers: AggregateFunction<TimedEvent, number[], readonly number[]> = {
  createAccumulator: () => [],
  add: ({ n }, all) => {
    all.push(n);
    return all;
  },
  getResult: (all) => all,
  merge: (some, others) => [...some, ...others],
};

const lineOf = (key: number, { start, end }: { readonly start: number; readonly end: number }, members: readonly number[]): string =>
  `window ${key} ${start} ${end} ${[...members].sort((a, b) => a - b).join(' ')}`;

function answerOf(left: Events, right: Events, { query, isAggregated, isPreAggregated }: TimedWorkload): DataStream<string> {
  const late = outputTag<TimedEvent>('late');
  const pair = (one: TimedEvent, other: TimedEvent): string => `pair ${one.n} ${other.n}`;
  if (query.kind === 'window-join') {
    const windows = TumblingEventTimeWindows.of(query.sizeMs);
    return left.join(right).where('key').equalTo('key').window(windows).apply(pair);
  }
  if (query.kind === 'interval-join') {
    const pairs = left
      .keyBy('key')
      .intervalJoin(right.keyBy('key'))
      .between(query.lower, query.upper)
      .sideOutputLeftLateData(late)
      .sideOutputRightLateData(late)
      .process({ processElement: (one, other) => [pair(one, other)] });
    return pairs.union(pairs.getSideOutput(late).map(({ n }) => `late ${n}`));
  }
  const windows = left.keyBy('key').window(assignerOf(query)).allowedLateness(query.latenessMs);
  const aggregated = (some: typeof windows): SingleOutputStream<string> =>
    some.aggregate(numbers, (key, { window }, [members = []]) => [lineOf(key, window, members)]);
  if (isAggregated && isPreAggregated) return aggregated(windows.preAggregate());
  const results = isAggregated
    ? aggregated(windows.sideOutputLateData(late))
    : windows.sideOutputLateData(late).process((key, { window }, members) => [
        lineOf(
          key,
          window,
          members.map(({ n }) => n),
        ),
      ]);
  return results.union(results.getSideOutput(late).map(({ n }) => `late ${n}`));
}

function assignerOf(query: Extract<TimedQuery, { readonly kind: 'tumbling' | 'sliding' | 'session' }>) {
  if (query.kind === 'session') return EventTimeSessionWindows.withGap(query.gapMs);
  return query.kind === 'tumbling' ? TumblingEventTimeWindows.of(query.sizeMs) : SlidingEventTimeWindows.of(query.sizeMs, query.slideMs);
}
