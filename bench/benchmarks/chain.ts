import type { Benchmark, Row } from '../harness/benchmark.js';
import { median, rowOf } from '../harness/benchmark.js';
import { measuredPart, runForm, type FormRun } from '../harness/forms.js';
import { atLeastOfBaseline } from '../harness/targets.js';

const ratioMin = 0.8;

export const chain: Benchmark = {
  name: 'chain',
  measures:
    'records a second through generator of 5-field records → map → filter → map → count in one slot of an embedded cluster, checkpointing every 500 ms, against the fastest of three hand-written forms that call the same functions.',
  doesNotMeasure: 'channels, keyed state, reading anything from outside, user functions of any weight, wide or nested records.',
  async run({ isQuick, rounds, say }) {
    const records = isQuick ? 8_000_000 : 60_000_000;
    const warmUp = records / 5;
    const runs = rounds(5);
    const throughput = async (
      form: () => Promise<FormRun>,
      expected?: number,
    ): Promise<{ readonly rate: number; readonly sum: number }> => {
      const { ms, value } = measuredPart(await form());
      if (expected !== undefined && value !== expected) throw new Error(`the forms disagree: ${value} and ${expected}`);
      return { rate: (records - warmUp) / ms / 1_000, sum: value };
    };
    const samples = new Map<string, number[]>();
    let sum: number | undefined;
    for (let round = 0; round < runs; round += 1) {
      for (const name of ['loop', 'closures', 'generated']) {
        const args = [name, String(records), String(warmUp)];
        const result = await throughput(() => runForm({ script: 'bench/forms/chain-by-hand.js', args }), sum);
        sum = result.sum;
        samples.set(name, [...(samples.get(name) ?? []), result.rate]);
      }
      const args = ['chain-job', '1', '1', `records=${records}`, `warmUp=${warmUp}`];
      const result = await throughput(() => runForm({ script: 'bench/forms/run-embedded.js', args }));
      if (result.sum !== sum) throw new Error(`the job counted ${result.sum}, by hand it is ${sum}`);
      samples.set('millrace', [...(samples.get('millrace') ?? []), result.rate]);
      say(
        `round ${round + 1}: ${[...samples].map(([name, rates]) => `${name} ${(rates.at(-1) as number).toFixed(1)}`).join(', ')} M rec/s`,
      );
    }
    return rowsOf(samples);
  },
};

function rowsOf(samples: ReadonlyMap<string, readonly number[]>): readonly Row[] {
  const unit = 'M records/s';
  const hand = [...samples].filter(([name]) => name !== 'millrace').map(([name, rates]) => ({ name, rates, value: median(rates) }));
  const fastest = hand.reduce((best, one) => (one.value > best.value ? one : best));
  return [
    ...hand.map(({ name, rates }) => rowOf({ name: `chain: by hand, ${name}`, unit, samples: rates })),
    rowOf({
      name: 'chain: embedded, one slot',
      unit,
      samples: samples.get('millrace') ?? [],
      baseline: { name: `by hand, ${fastest.name}`, value: fastest.value },
      target: atLeastOfBaseline(ratioMin),
    }),
  ];
}
