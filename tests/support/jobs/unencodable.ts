/** Its third record holds what no frame can carry: `--what function`, `symbol` or `cycle`. */
import { defineJob } from 'millrace';

const values: Readonly<Record<string, () => unknown>> = {
  function: () => () => 1,
  symbol: () => Symbol('odd'),
  cycle: () => {
    const ring: Record<string, unknown> = {};
    ring['again'] = ring;
    return ring;
  },
};

export default defineJob('unencodable', (env) => {
  const what = env.parameters.string('what');
  env.setParallelism(1).setRestartStrategy({ kind: 'none' });
  env
    .fromSequence(1, 10)
    .map((n) => ({ n, inner: { odd: n === 3 ? values[what]?.() : n } }))
    .name('widen')
    .rebalance()
    .map(({ n }) => n)
    .slotSharingGroup('elsewhere')
    .print();
});
