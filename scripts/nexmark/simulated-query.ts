/** A query as the work of a simulated cluster: what it reads and commits lies on the simulated disk. */
import { limits } from '../../core/limits.js';
import { defineJob, throttled } from '../../index.js';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { committedLines, type SimulatedWork } from '../../testing/simulator/simulated-work.js';
import { putFile } from '../../tests/support/put-file.js';
import { naiveAnswers, type QueryName } from '../../tests/nexmark/naive/answers.js';
import { filesOf, makeInput } from './inputs.js';
import { queryJob } from './query-jobs.js';
import { comparable, partitionsOf, type Row } from './rows.js';

const output = '/out';

/** Draws input, parallelism and pace. */
export function simulatedQuery(query: QueryName, random: SeededRandom): SimulatedWork {
  const events = random.between(400, 800);
  const input = makeInput({
    origin: random.chance(0.5) ? 'files' : 'generator',
    order: random.chance(0.3) ? 'ordered' : 'disordered',
    events,
    rate: random.between(10, 40),
    seed: random.between(1, 1_000),
    directory: '/in',
  });
  const recordsPerSecond = events / random.between(2, 8);
  const parallelism = random.between(1, 4);
  const checkpointEveryMs = random.between(150, 1_200);
  const { rowsOf, write } = queryJob(query);
  return {
    parameters: { ...input.parameters, output },
    buffers: { exclusive: random.between(0, 2), floating: random.between(1, 8), grantBytesMax: limits.grantBytesPerProcess },
    makeJob: () =>
      defineJob(`simulated-${query}`, (env) => {
        env.setParallelism(parallelism).enableCheckpointing(checkpointEveryMs, { tolerableFailures: 1_000 });
        write(
          rowsOf(env, (source) => throttled(source, { recordsPerSecond })),
          env,
        );
      }),
    async prepare(disk) {
      for (const { path, text } of filesOf(input)) await putFile(disk, path, text);
    },
    expected: () => comparable(query, naiveAnswers[query](input)),
    async committed(disk) {
      const rows = (await committedLines(disk, output)).map(({ path, line }) => ({ ...(JSON.parse(line) as Row), ...partitionsOf(path) }));
      return comparable(query, rows);
    },
  };
}
