import { median, rowOf, type Benchmark } from '../harness/benchmark.js';
import { measuredPart, runForm, type FormRun } from '../harness/forms.js';

interface Samples {
  readonly perSecond: number[];
  readonly perCpuSecond: number[];
}

export const keyedCount: Benchmark = {
  name: 'keyed-count',
  measures:
    'records a second, and records a second of processor time, of a count over 10,000 string keys in two slots of an embedded cluster (checkpointing every 500 ms), half of the records crossing between the slots, against two worker threads written by hand that post batches to each other.',
  doesNotMeasure: 'the network (both slots are in one process), large state, skewed keys, sources or sinks that do anything.',
  async run({ isQuick, say }) {
    const records = isQuick ? 500_000 : 4_000_000;
    const warmUp = records / 4;
    const runs = isQuick ? 1 : 5;
    const hand: Samples = { perSecond: [], perCpuSecond: [] };
    const embedded: Samples = { perSecond: [], perCpuSecond: [] };
    const add = (samples: Samples, form: FormRun): number => {
      const { ms, cpuMs, value } = measuredPart(form);
      const measured = 2 * (records - warmUp);
      samples.perSecond.push(measured / ms / 1_000);
      samples.perCpuSecond.push(measured / cpuMs / 1_000);
      return value;
    };
    for (let round = 0; round < runs; round += 1) {
      const byHand = add(hand, await runForm({ script: 'bench/forms/keyed-by-hand.js', args: [String(records), String(warmUp)] }));
      const args = ['keyed-job', '1', '2', `records=${records}`, `warmUp=${warmUp}`];
      const counted = add(embedded, await runForm({ script: 'bench/forms/run-embedded.js', args }));
      if (counted !== byHand) throw new Error(`the job counted ${counted}, by hand it is ${byHand}`);
      say(`round ${round + 1}: by hand ${hand.perSecond.at(-1)?.toFixed(2)}, embedded ${embedded.perSecond.at(-1)?.toFixed(2)} M rec/s`);
    }
    return [
      rowOf({
        name: 'keyed count: two slots',
        unit: 'M records/s',
        samples: embedded.perSecond,
        baseline: { name: 'two threads by hand', value: median(hand.perSecond) },
      }),
      rowOf({
        name: 'keyed count: two slots, per processor second',
        unit: 'M records/CPU-s',
        samples: embedded.perCpuSecond,
        baseline: { name: 'two threads by hand', value: median(hand.perCpuSecond) },
      }),
    ];
  },
};
