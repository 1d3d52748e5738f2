import { median, rowOf, type Benchmark, type Row } from '../harness/benchmark.js';
import { measuredPart, runForm, type FormRun } from '../harness/forms.js';

interface Samples {
  readonly perSecond: number[];
  readonly perCpuSecond: number[];
}

export const keyedCount: Benchmark = {
  name: 'keyed-count',
  measures:
    'records a second, and records a second of processor time, of a count over 10,000 string keys in two slots of an embedded cluster (checkpointing every 500 ms), half of the records crossing between the slots, against two worker threads written by hand that post batches to each other: as arrays of records (cloned), or packed into one buffer by code that knows the records.',
  doesNotMeasure: 'the network (both slots are in one process), large state, skewed keys, sources or sinks that do anything.',
  async run({ isQuick, rounds, say }) {
    const records = isQuick ? 500_000 : 4_000_000;
    const warmUp = records / 4;
    const runs = rounds(5);
    const samples = new Map<string, Samples>();
    const add = (name: string, form: FormRun): number => {
      const { ms, cpuMs, value } = measuredPart(form);
      const measured = 2 * (records - warmUp);
      const { perSecond, perCpuSecond } = samples.get(name) ?? { perSecond: [], perCpuSecond: [] };
      samples.set(name, {
        perSecond: [...perSecond, measured / ms / 1_000],
        perCpuSecond: [...perCpuSecond, measured / cpuMs / 1_000],
      });
      return value;
    };
    const sizes = [String(records), String(warmUp)];
    const embedded = ['keyed-job', '1', '2', `records=${records}`, `warmUp=${warmUp}`];
    for (let round = 0; round < runs; round += 1) {
      const sums = [
        add('cloned', await runForm({ script: 'bench/forms/keyed-by-hand.js', args: ['cloned', ...sizes] })),
        add('packed', await runForm({ script: 'bench/forms/keyed-by-hand.js', args: ['packed', ...sizes] })),
        add('embedded', await runForm({ script: 'bench/forms/run-embedded.js', args: embedded })),
      ];
      if (new Set(sums).size > 1) throw new Error(`the forms counted ${sums.join(', ')}`);
      say(
        `round ${round + 1}: ${[...samples].map(([name, { perSecond }]) => `${name} ${perSecond.at(-1)?.toFixed(2)}`).join(', ')} M rec/s`,
      );
    }
    return [...rowsOf(samples, 'perSecond', 'M records/s'), ...rowsOf(samples, 'perCpuSecond', 'M records/CPU-s')];
  },
};

function rowsOf(samples: ReadonlyMap<string, Samples>, figure: keyof Samples, unit: string): readonly Row[] {
  const of = (name: string): readonly number[] => samples.get(name)?.[figure] ?? [];
  const suffix = figure === 'perSecond' ? '' : ', per processor second';
  const hand = ['cloned', 'packed'].map((name) => ({ name: `two threads by hand, ${name}`, rates: of(name) }));
  const fastest = hand.reduce((best, one) => (median(one.rates) > median(best.rates) ? one : best));
  return [
    ...hand.map(({ name, rates }) => rowOf({ name: `keyed count: ${name}${suffix}`, unit, samples: rates })),
    rowOf({
      name: `keyed count: two slots${suffix}`,
      unit,
      samples: of('embedded'),
      baseline: { name: fastest.name, value: median(fastest.rates) },
    }),
  ];
}
