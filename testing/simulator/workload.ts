/**
 * The job of simulated runs, drawn from the seed, and its answer computed naively, sharing no code with it.
 *
 * Each record is counted per key in keyed state and written, with its place in the count, to files exactly once; at the
 * end of the input every key tells its total. So a lost, repeated or reordered-within-a-subtask record, a state restored
 * too old or too new, and a transaction committed twice or never all show in the lines.
 */
import { limits } from '../../core/limits.js';
import type { NetworkBuffers } from '../../dataflow/channels/network-contracts.js';
import { defineJob, fileSink, maxWatermark, sequenceSource, throttled } from '../../index.js';
import type { DataStream, JobDefinition, KeyedProcessFunction, KeyedRuntimeContext } from '../../index.js';
import type { SeededRandom } from './seeded-random.js';
import { committedLines, type SimulatedWork } from './simulated-work.js';
import { drawnTimedWork } from './timed-workload.js';

/** `counts`: records counted per key; `times`: windows and joins in event time (timed-workload.ts). */
export type WorkKind = 'counts' | 'times';

interface Workload {
  readonly records: number;
  readonly keys: number;
  readonly parallelism: number;
  readonly recordsPerSecond: number;
  readonly checkpointIntervalMs: number;
  /** Results a record is split into by an iterable, and gathered again by the count. */
  readonly fanOut: number;
  /** Whether records cross the network once more, unkeyed, before they are counted. */
  readonly isRebalanced: boolean;
  /** Short ones put records of several readers between the barriers. */
  readonly bufferTimeoutMs: number;
  /** Characters that every twentieth record carries along: enough for some to take several frames. */
  readonly ballast: number;
  /** Whether records come to the count by two inputs of one operator, that share its state. */
  readonly isConnected: boolean;
  /** What a slot has for frames that arrive: sometimes too little for every channel to have some of its own. */
  readonly buffers: NetworkBuffers;
}

/** Where the lines are committed, on the simulated disk. */
const outputDirectory = '/out';

/** The job that a seed draws, of a kind that it draws too, if `kind` does not say. A seed with the kind it would draw is the same run. */
export function drawnWork(random: SeededRandom, kind?: WorkKind): SimulatedWork {
  const workload = drawWorkload(random);
  const drawnKind = random.chance(0.4) ? 'times' : 'counts';
  return (kind ?? drawnKind) === 'times' ? drawnTimedWork(random) : countingWork(workload);
}

function countingWork(workload: Workload): SimulatedWork {
  const { records, buffers } = workload;
  return {
    records,
    buffers,
    makeJob: () => workloadJob(workload),
    expected: () => expectedLines(workload),
    committed: async (disk) => (await committedLines(disk, outputDirectory)).map(({ line }) => line),
  };
}

function drawWorkload(random: SeededRandom): Workload {
  const records = random.between(200, 900);
  return {
    records,
    keys: random.between(1, 12),
    parallelism: random.between(1, 4),
    recordsPerSecond: records / random.between(2, 8),
    checkpointIntervalMs: random.between(150, 1_200),
    fanOut: random.chance(0.3) ? random.between(2, 5) : 1,
    isRebalanced: random.chance(0.4),
    bufferTimeoutMs: random.between(1, 60),
    ballast: random.chance(0.2) ? random.between(1_000, 120_000) : 0,
    buffers: {
      exclusive: random.between(0, 2),
      floating: random.between(1, 8),
      floatingMax: 12,
      grantBytesMax: random.chance(0.3) ? random.between(1, 8) * limits.segmentBytes : limits.grantBytesPerProcess,
    },
    isConnected: random.chance(0.35),
  };
}

interface Item {
  readonly key: number;
  readonly record: number;
  readonly part: number;
  readonly ballast: string;
}

/** A new definition each time, so that no state of one slot's functions is another's. */
function workloadJob(workload: Workload): JobDefinition {
  const { records, keys, parallelism, recordsPerSecond, checkpointIntervalMs, fanOut, isRebalanced, bufferTimeoutMs, ballast } = workload;
  const carried = 'x'.repeat(ballast);
  return defineJob('simulated', (env) => {
    env
      .setParallelism(parallelism)
      .enableCheckpointing(checkpointIntervalMs, { tolerableFailures: 1_000 })
      .setBufferTimeout(bufferTimeoutMs);
    const numbers = env.fromSource(throttled(sequenceSource(1, records, { splits: parallelism * 2 }), { recordsPerSecond }));
    const items = (isRebalanced ? numbers.rebalance() : numbers).flatMap(function* (record): Generator<Item> {
      for (let part = 0; part < fanOut; part++) yield { key: record % keys, record, part, ballast: record % 20 === 0 ? carried : '' };
    });
    counted(items, workload.isConnected).sinkTo(fileSink<string>(outputDirectory, { encode: (line) => line }));
  });
}

/** The same lines, whichever input a record comes by. */
function counted(items: DataStream<Item>, isConnected: boolean): DataStream<string> {
  if (!isConnected) return items.keyBy(({ key }) => key).process(countPerKey);
  const isFirst = ({ record, part }: Item): boolean => (record + part) % 3 === 0;
  return items
    .filter(isFirst)
    .connect(items.filter((item) => !isFirst(item)))
    .keyBy('key', ({ key }) => key)
    .process((runtime) => {
      const { processElement, onTimer } = countPerKey(runtime);
      return { processElement1: processElement, processElement2: processElement, ...(onTimer === undefined ? {} : { onTimer }) };
    });
}

function countPerKey(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, Item, string> {
  const count = runtime.valueState<number>('count');
  const seen = runtime.mapState<string, number>('seen');
  return {
    processElement({ record, part }, context, out) {
      const next = (count.value() ?? 0) + 1;
      count.update(next);
      seen.put(`${record}.${part}`, next);
      if (next === 1) context.time.registerEventTimeTimer(maxWatermark);
      out.collect(`record ${record}.${part}`);
      out.collect(`count ${context.currentKey()} ${next}`);
    },
    onTimer(_time, context, out) {
      out.collect(`total ${context.currentKey()} ${count.value()} of ${[...seen.keys()].length}`);
    },
  };
}

/** The lines every run must commit, sorted. */
function expectedLines({ records, keys, fanOut }: Workload): string[] {
  const lines: string[] = [];
  const perKey = new Map<number, number>();
  for (let record = 1; record <= records; record++) {
    const key = record % keys;
    for (let part = 0; part < fanOut; part++) {
      const next = (perKey.get(key) ?? 0) + 1;
      perKey.set(key, next);
      lines.push(`record ${record}.${part}`, `count ${key} ${next}`);
    }
  }
  for (const [key, count] of perKey) lines.push(`total ${key} ${count} of ${count}`);
  return lines.sort();
}
