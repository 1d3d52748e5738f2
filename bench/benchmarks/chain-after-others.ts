import { rowOf, type Benchmark } from '../harness/benchmark.js';
import { runForm, type Mark } from '../harness/forms.js';
import { atLeastOfBaseline } from '../harness/targets.js';

const ratioMin = 0.9;

export const chainAfterOthers: Benchmark = {
  name: 'chain-after-others',
  measures:
    'records a second through the chain of the benchmark `chain`, run in a thread in which ten jobs with other functions and records ran before, against the same chain run first.',
  doesNotMeasure: 'threads and clusters: the task runtimes run under a simulated clock, so that all jobs share one thread.',
  async run({ isQuick, rounds, say }) {
    const records = isQuick ? 8_000_000 : 60_000_000;
    const warmUp = records / 5;
    const rateAfter = async (others: number): Promise<number> => {
      const { marks } = await runForm({ script: 'bench/forms/chain-after-others.js', args: [others, records, warmUp].map(String) });
      const [begin, end] = [marks.at(-2), marks.at(-1)] as [Mark, Mark];
      if (begin.mark !== 'begin' || end.mark !== 'end') throw new Error('the chain did not run last');
      return (records - warmUp) / (end.at - begin.at) / 1_000;
    };
    const first: number[] = [];
    const after: number[] = [];
    for (let round = 0; round < rounds(5); round += 1) {
      first.push(await rateAfter(0));
      after.push(await rateAfter(10));
      say(`round ${round + 1}: first ${first.at(-1)?.toFixed(1)}, after ten others ${after.at(-1)?.toFixed(1)} M rec/s`);
    }
    const unit = 'M records/s';
    const baseline = rowOf({ name: 'chain: first in its thread', unit, samples: first });
    return [
      baseline,
      rowOf({
        name: 'chain: after ten other jobs in the same thread',
        unit,
        samples: after,
        baseline: { name: 'first in its thread', value: baseline.value },
        target: atLeastOfBaseline(ratioMin),
      }),
    ];
  },
};
