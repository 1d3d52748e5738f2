import { median, rowOf, type Benchmark, type BenchmarkContext, type Plotted, type Row } from '../harness/benchmark.js';
import { measuredPart, runForm, type FormRun } from '../harness/forms.js';
import { atLeastOfBaseline } from '../harness/targets.js';

interface Samples {
  readonly perSecond: number[];
  readonly perCpuSecond: number[];
}

/** One job in two slots against two threads by hand that do the same. */
interface Comparison {
  /** Before the colon of every row. */
  readonly title: string;
  readonly job: string;
  readonly inputs: 'one' | 'two';
  readonly ratioMin?: number;
}

const keyed: Comparison = { title: 'keyed count', job: 'keyed-job', inputs: 'one', ratioMin: 0.7 };
const twoInputs: Comparison = { title: 'two inputs', job: 'two-input-job', inputs: 'two' };

export const keyedCount: Benchmark = {
  name: 'keyed-count',
  measures:
    'records a second, and records a second of processor time, of a count over 10,000 string keys in two slots of an embedded cluster (checkpointing every 500 ms), half of the records crossing between the slots, against two worker threads written by hand that post batches to each other: as arrays of records (cloned), or packed into one buffer by code that knows the records.',
  doesNotMeasure: 'the network (both slots are in one process), large state, skewed keys, sources or sinks that do anything.',
  run: (context) => compare(keyed, context),
};

export const twoInput: Benchmark = {
  name: 'two-input',
  measures:
    'the same as keyed-count for the union of two sources, each with 10,000 keys of its own: in two slots of an embedded cluster, each runs both sources and half of the count; by hand each thread makes a batch of either in turn.',
  doesNotMeasure: 'two inputs of different types or speeds, joins, and what keyed-count does not measure.',
  run: (context) => compare(twoInputs, context),
};

async function compare({ title, job, inputs, ratioMin }: Comparison, { isQuick, rounds, say }: BenchmarkContext): Promise<readonly Row[]> {
  // Of each source; whole batches, so that two inputs taken in turn are both complete.
  const records = (isQuick ? 512_000 : 4_096_000) / (inputs === 'two' ? 2 : 1);
  const warmUp = records / 4;
  const perThread = inputs === 'two' ? 2 : 1;
  const measured = 2 * perThread * (records - warmUp);
  const samples = new Map<string, Samples>();
  const add = (name: string, form: FormRun): number => {
    const { ms, cpuMs, value } = measuredPart(form);
    const { perSecond, perCpuSecond } = samples.get(name) ?? { perSecond: [], perCpuSecond: [] };
    samples.set(name, {
      perSecond: [...perSecond, measured / ms / 1_000],
      perCpuSecond: [...perCpuSecond, measured / cpuMs / 1_000],
    });
    return value;
  };
  const sizes = [String(perThread * records), String(perThread * warmUp), inputs];
  const embedded = [job, '1', '2', `records=${records}`, `warmUp=${warmUp}`];
  for (let round = 0; round < rounds(5); round += 1) {
    const sums = [
      add('cloned', await runForm({ script: 'bench/forms/keyed-by-hand.js', args: ['cloned', ...sizes] })),
      add('packed', await runForm({ script: 'bench/forms/keyed-by-hand.js', args: ['packed', ...sizes] })),
      add('embedded', await runForm({ script: 'bench/forms/run-embedded.js', args: embedded })),
    ];
    if (new Set(sums).size > 1) throw new Error(`the forms counted ${sums.join(', ')}`);
    say(`round ${round + 1}: ${[...samples].map(([name, { perSecond }]) => `${name} ${perSecond.at(-1)?.toFixed(2)}`).join(', ')} M rec/s`);
  }
  return [
    ...rowsOf(samples, { title, figure: 'perSecond', unit: 'M records/s', ...(ratioMin === undefined ? {} : { ratioMin }) }),
    ...rowsOf(samples, { title, figure: 'perCpuSecond', unit: 'M records/CPU-s' }),
  ];
}

interface RowsWanted {
  readonly title: string;
  readonly figure: keyof Samples;
  readonly unit: string;
  readonly ratioMin?: number;
}

function rowsOf(samples: ReadonlyMap<string, Samples>, { title, figure, unit, ratioMin }: RowsWanted): readonly Row[] {
  const of = (name: string): readonly number[] => samples.get(name)?.[figure] ?? [];
  const suffix = figure === 'perSecond' ? '' : ', per processor second';
  const plotted = (label: string): Plotted => ({
    panel: figure === 'perSecond' ? 'records a second' : 'records a second of processor time',
    label,
  });
  const hand = ['cloned', 'packed'].map((name) => ({ name: `two threads by hand, ${name}`, rates: of(name) }));
  const fastest = hand.reduce((best, one) => (median(one.rates) > median(best.rates) ? one : best));
  return [
    ...hand.map(({ name, rates }) => rowOf({ name: `${title}: ${name}${suffix}`, unit, samples: rates, plot: plotted(name) })),
    rowOf({
      name: `${title}: two slots${suffix}`,
      unit,
      samples: of('embedded'),
      plot: plotted('two slots'),
      baseline: { name: fastest.name, value: median(fastest.rates) },
      ...(ratioMin === undefined ? {} : { target: atLeastOfBaseline(ratioMin) }),
    }),
  ];
}
