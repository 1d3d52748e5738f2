import { median, rowOf, type Benchmark, type BenchmarkContext, type Plotted, type Row } from '../harness/benchmark.js';
import { measureJob } from '../harness/cluster-job.js';
import { ClusterUnderTest } from '../harness/cluster-under-test.js';
import { runHandProcesses } from '../harness/hand-processes.js';
import type { LatencyHistogram } from '../harness/latency-histogram.js';
import { below } from '../harness/targets.js';
import type { SharedPart } from '../harness/shared-measurement.js';

const p99Max = 25;
/** A TaskManager loads a spare thread two seconds after a slot was taken, which keeps both cores busy for most of a second. Of both forms. */
const warmUpSeconds = 5;

interface Case {
  readonly share: number;
  readonly bufferTimeoutMs: number;
  /** 0: no checkpoints. */
  readonly checkpointMs: number;
}

const checkpointMs = 500;
const asked: Case = { share: 0.5, bufferTimeoutMs: 5, checkpointMs };
/** As the one that is asked for, but for one thing each: what that contributes. */
const without = {
  load: { ...asked, share: 0.8 },
  timeout: { ...asked, bufferTimeoutMs: 0 },
  haste: { ...asked, bufferTimeoutMs: 100 },
  checkpoints: { ...asked, checkpointMs: 0 },
} satisfies Record<string, Case>;
const cases: readonly Case[] = [asked, ...Object.values(without)];

interface Samples {
  readonly hand: LatencyHistogram[];
  readonly job: LatencyHistogram[];
}

export const latency: Benchmark = {
  name: 'latency',
  measures:
    'milliseconds from the moment a record was to be made (fixed beforehand, so that a stall counts for every record it keeps waiting) until it was counted, in the keyed count between two TaskManager processes over NATS (checkpointing every 500 ms), at 50 % and 80 % of the rate the same job reached just before; half of the records cross. Against two processes written by hand at the same rates and with the same buffer timeout.',
  doesNotMeasure:
    'two machines (all processes share the cores), the way to and from the outside, the first five seconds of a job or of the pair. The cluster idles beside the pair written by hand, on the same cores. Records are made every millisecond (the shortest timer), which is part of every latency.',
  async run(context) {
    const under = await ClusterUnderTest.start({ taskManagers: 2, slots: 1 });
    try {
      return await measure(under, context);
    } finally {
      await under.stop();
    }
  },
};

async function measure(under: ClusterUnderTest, { isQuick, rounds, say }: BenchmarkContext): Promise<readonly Row[]> {
  const seconds = isQuick ? 2 : 5;
  const rateRecords = isQuick ? 600_000 : 3_000_000;
  const maxima: number[] = [];
  const samples = new Map(cases.map((one) => [one, { hand: [], job: [] } as Samples]));
  for (let round = 0; round < rounds(3); round += 1) {
    const { ms } = await runJob(under, { records: rateRecords, warmUp: rateRecords / 3, perSecond: 0, bufferTimeoutMs: 5, checkpointMs });
    const perSecondMax = ((2 * rateRecords * 2) / 3 / ms) * 1_000;
    maxima.push(perSecondMax / 1e6);
    say(`round ${round + 1}: ${(perSecondMax / 1e6).toFixed(2)} M rec/s at most`);
    for (const one of cases) {
      const perSecond = Math.floor((perSecondMax * one.share) / 2);
      const { share: _share, ...settings } = one;
      const job = await runJob(under, { ...runOf(perSecond, warmUpSeconds, seconds), ...settings });
      samples.get(one)?.job.push(job.latencies);
      const isByHand = one === asked || one === without.load;
      const hand = isByHand ? await runByHand({ ...runOf(perSecond, warmUpSeconds, seconds), ...settings }, say) : undefined;
      if (hand !== undefined) samples.get(one)?.hand.push(hand.latencies);
      say(`${caseText(one)}: ${latencyText(job.latencies)}${hand === undefined ? '' : `; by hand ${latencyText(hand.latencies)}`}`);
    }
  }
  say(whatBounds(samples));
  return [
    rowOf({
      name: 'latency: rate reached',
      unit: 'M records/s',
      samples: maxima,
      plot: { panel: 'as fast as it goes', label: 'two TaskManagers' },
    }),
    ...[...samples].flatMap(([one, taken]) => rowsOf(one, taken)),
  ];
}

interface Run {
  readonly records: number;
  readonly warmUp: number;
  readonly perSecond: number;
  readonly bufferTimeoutMs: number;
  readonly checkpointMs: number;
}

const runOf = (perSecond: number, warmUp: number, seconds: number): Omit<Run, keyof Omit<Case, 'share'>> => ({
  records: perSecond * (warmUp + seconds),
  warmUp: perSecond * warmUp,
  perSecond,
});

async function runJob(under: ClusterUnderTest, run: Run): Promise<SharedPart> {
  return complete(run, await measureJob(under, { job: 'latency-job', parameters: { ...run }, ends: 2 }));
}

async function runByHand({ records, warmUp, perSecond, bufferTimeoutMs }: Run, say: (line: string) => void): Promise<SharedPart> {
  const args = [records, warmUp, perSecond, bufferTimeoutMs];
  return complete({ records }, await runHandProcesses({ script: 'bench/forms/timed-pair-by-hand.js', processes: 2, args, ends: 2, say }));
}

function complete({ records }: Pick<Run, 'records'>, part: SharedPart): SharedPart {
  if (part.value !== 2 * records) throw new Error(`${part.value} records were counted, ${2 * records} were made`);
  return part;
}

const caseText = ({ share, bufferTimeoutMs, checkpointMs: every }: Case): string =>
  `at ${share * 100} %, buffer timeout ${bufferTimeoutMs} ms${every === 0 ? ', no checkpoints' : ''}`;
const latencyText = (latencies: LatencyHistogram): string =>
  `p50 ${latencies.percentile(0.5).toFixed(1)}, p99 ${latencies.percentile(0.99).toFixed(1)}, longest ${latencies.percentile(1).toFixed(0)} ms`;

const of = (taken: readonly LatencyHistogram[], share: number): readonly number[] => taken.map((one) => one.percentile(share));

/** The case asked for, beside those that differ from it in one thing. */
function whatBounds(samples: ReadonlyMap<Case, Samples>): string {
  const p99 = (one: Case): string => `${median(of(samples.get(one)?.job ?? [], 0.99)).toFixed(1)} ms`;
  return `what bounds it, each with one thing changed: p99 ${p99(asked)}; without checkpoints ${p99(without.checkpoints)}; without a buffer timeout ${p99(without.timeout)}, with one of 100 ms ${p99(without.haste)}; at 80 % ${p99(without.load)}`;
}

const figures: readonly (readonly [figure: string, share: number])[] = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['longest', 1],
];

function rowsOf(one: Case, { hand, job }: Samples): readonly Row[] {
  const name = `latency ${caseText(one)}`;
  return figures.flatMap(([figure, share]) => {
    const byHand = of(hand, share);
    const plotted = (who: string): Plotted => ({
      panel: `${figure}, from when a record was due to its count`,
      label: `${caseText(one)}: ${who}`,
    });
    const isAsked = figure === 'p99' && one === asked;
    return [
      ...(byHand.length === 0
        ? []
        : [rowOf({ name: `${name}: pair by hand, ${figure}`, unit: 'ms', samples: byHand, plot: plotted('by hand') })]),
      rowOf({
        name: `${name}: two TaskManagers, ${figure}`,
        unit: 'ms',
        samples: of(job, share),
        ...(byHand.length === 0 ? {} : { baseline: { name: 'pair by hand', value: median(byHand) } }),
        plot: { ...plotted('Millrace'), isOwn: true },
        ...(isAsked ? { target: below(p99Max, `under ${p99Max} ms`) } : {}),
      }),
    ];
  });
}
