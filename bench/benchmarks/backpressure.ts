import type { JobId } from '../../core/ids.js';
import { rowOf, type Benchmark, type BenchmarkContext, type Row } from '../harness/benchmark.js';
import { ClusterUnderTest } from '../harness/cluster-under-test.js';
import { atMostOfBaseline } from '../harness/targets.js';
import { memorySampleIn, thirdsOf, type MemorySample } from '../harness/memory-samples.js';

const perSecond = 1_000;
const heapGrowthMax = 1.05;
const residentGrowthMax = 1.1;
const settleMs = 10_000;
const lookMs = 250;

export const backpressure: Benchmark = {
  name: 'backpressure',
  measures: `what a minute of back-pressure leaves behind: a source as fast as it goes in one TaskManager process, a sink that takes ${perSecond.toLocaleString('en')} records a second (of 200 bytes) in another, over NATS, a checkpoint every second. Granted bytes are the most that a slot had granted over the bus at any moment since it began, and frames beyond what was granted the most that a channel ever sent, both as the tasks count them at every grant and frame; frames in flight, which wait to be read or for credit, are looked at four times a second. Heap and external memory are those of all threads of a process after a forced garbage collection every two seconds; the mean of the last third of the time against that of the first, which begins after ten seconds.`,
  doesNotMeasure: 'several channels, large records, how soon the source notices.',
  async run(context) {
    const under = await ClusterUnderTest.start({ taskManagers: 2, slots: 1, preload: 'bench/harness/sample-memory.js' });
    try {
      return await measure(under, context);
    } finally {
      await under.stop();
    }
  },
};

export interface Flow {
  readonly framesInFlight: number[];
  /** Of the slot that has granted most of what it may; both never fall. */
  readonly grantedPeak: number[];
  grantMax: number;
  /** Data frames beyond what was granted, in any channel. */
  readonly overGrant: number[];
  readonly perSecond: number[];
  readonly backPressured: number[];
}

async function measure(under: ClusterUnderTest, { isQuick, say }: BenchmarkContext): Promise<readonly Row[]> {
  const memory: MemorySample[] = [];
  under.onLine = (line) => {
    const sample = memorySampleIn(line);
    if (sample !== undefined) memory.push(sample);
  };
  const jobId = await under.submit('slow-sink-job', { perSecond: String(perSecond) });
  await new Promise((resolve) => void setTimeout(resolve, settleMs));
  const from = Date.now();
  const to = from + (isQuick ? 15_000 : 60_000);
  const flow = await watch(under, jobId, to);
  await under.client.cancel(jobId);
  const rows = [...flowRows(flow)];
  for (const { name, pid } of under.cluster.processes.filter((one) => one.name.startsWith('tm-'))) {
    const own = memory.filter((sample) => sample.pid === pid);
    const heap = thirdsOf(own, from, to, 'bytes');
    const resident = thirdsOf(own, from, to, 'residentBytes');
    say(`${name}: ${own.length} samples of memory`);
    rows.push(growthRow(`back-pressure: heap and external memory of ${name}`, heap, heapGrowthMax));
    rows.push(growthRow(`back-pressure: resident memory of ${name}`, resident, residentGrowthMax));
  }
  return rows;
}

const toKiB = (bytes: number): number => bytes / 1_024;

async function watch(under: ClusterUnderTest, jobId: JobId, until: number): Promise<Flow> {
  const flow: Flow = { framesInFlight: [], grantedPeak: [], grantMax: 0, overGrant: [], perSecond: [], backPressured: [] };
  let before: { readonly at: number; readonly records: number } | undefined;
  while (Date.now() < until) {
    await new Promise((resolve) => void setTimeout(resolve, lookMs));
    const job = await under.client.describe(jobId, { withHistory: true });
    if (job?.status !== 'RUNNING' || job.restarts > 0) throw new Error(`the job is ${job?.status}, ${job?.restarts} restarts`);
    const subtasks = (job.vertices ?? []).flatMap((vertex) => vertex.subtasks);
    flow.framesInFlight.push(subtasks.reduce((sum, { metrics }) => sum + metrics.queuedFrames + metrics.waitingFrames, 0));
    flow.grantedPeak.push(Math.max(...subtasks.map(({ metrics }) => metrics.grantedBytesPeak)));
    flow.grantMax = Math.max(flow.grantMax, ...subtasks.map(({ metrics }) => metrics.grantBytesMax));
    flow.overGrant.push(Math.max(...subtasks.map(({ metrics }) => metrics.overGrantFrames)));
    const load = subtasks[0]?.load;
    if (load !== undefined && load !== null) flow.backPressured.push(load.backPressured);
    const now = { at: Date.now(), records: job.recordsOut };
    if (before !== undefined && now.at - before.at >= 5_000)
      flow.perSecond.push((1_000 * (now.records - before.records)) / (now.at - before.at));
    if (before === undefined || now.at - before.at >= 5_000) before = now;
  }
  return flow;
}

/** Exported for tests. */
export function flowRows({ framesInFlight, grantedPeak, grantMax, overGrant, perSecond: rates, backPressured }: Flow): readonly Row[] {
  const peak = Math.max(...grantedPeak);
  return [
    rowOf({
      name: 'back-pressure: records taken',
      unit: 'records/s',
      samples: rates,
      plot: { panel: 'what the sink takes', label: 'records' },
    }),
    rowOf({
      name: 'back-pressure: time the source was held back',
      unit: 'ms/s',
      samples: backPressured,
      plot: { panel: 'the source', label: 'held back' },
    }),
    rowOf({
      name: 'back-pressure: in flight',
      unit: 'frames',
      samples: framesInFlight,
      plot: { panel: 'between both', label: 'in flight' },
    }),
    rowOf({
      name: 'back-pressure: granted at once, at most',
      unit: 'KiB',
      samples: grantedPeak.map(toKiB),
      plot: { panel: 'the budget of the slot', label: 'granted at most' },
      target: {
        text: `never above ${toKiB(grantMax)} KiB`,
        // Reports that say nothing meet nothing.
        isMet: () => peak > 0 && peak <= grantMax,
        at: () => toKiB(grantMax),
      },
    }),
    rowOf({
      name: 'back-pressure: beyond what was granted',
      unit: 'frames',
      samples: overGrant,
      plot: { panel: 'credit', label: 'frames beyond it' },
      target: { text: 'none', isMet: () => overGrant.every((frames) => frames === 0), at: () => 0 },
    }),
  ];
}

function growthRow(name: string, { first, last }: { readonly first: number; readonly last: number }, growthMax: number): Row {
  return rowOf({
    name,
    unit: 'MiB',
    samples: [last],
    plot: { panel: 'memory: the last third of the time beside the first', label: name.slice(name.indexOf(': ') + 2) },
    baseline: { name: 'the first third', value: first },
    target: atMostOfBaseline(growthMax),
  });
}
