import { rowOf, type Benchmark } from '../harness/benchmark.js';
import { runForm } from '../harness/forms.js';
import { atLeast } from '../harness/targets.js';

export const simulator: Benchmark = {
  name: 'simulator',
  measures:
    'simulated runs a minute of `npm run simulate`, each a cluster of four processes with a job and faults, as the campaign of `npm test` runs them.',
  doesNotMeasure: 'how much of what can go wrong a run meets.',
  async run({ isQuick, rounds, say }) {
    const campaign = isQuick ? 20 : 100;
    const samples: number[] = [];
    for (let round = 0; round < rounds(3); round += 1) {
      const { output } = await runForm({ script: 'scripts/simulate.js', args: ['--seed', '1', '--runs', String(campaign)] });
      const seconds = Number(/ ([\d.]+) s, \d+ a minute/.exec(output)?.[1]);
      samples.push((campaign / seconds) * 60);
      say(`round ${round + 1}: ${campaign} runs in ${seconds} s`);
    }
    const runsMin = 200;
    return [
      rowOf({
        name: `simulator: campaign of ${campaign}`,
        unit: 'runs/min',
        samples,
        target: atLeast(runsMin, `at least ${runsMin} a minute`),
      }),
    ];
  },
};
