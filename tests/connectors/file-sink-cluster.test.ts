/** The file sink in a whole cluster, simulated: partitions and files over several checkpoints, with tasks that fail and processes that die. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fileSink, sequenceSource, throttled, type FileSinkOptions } from '../../index.js';
import { boundTests } from '../support/bounds.js';
import { directory, filesBelow, visible, type Numbered } from '../support/killed-files.js';
import { runLosingTaskManagers } from '../support/lost-task-managers.js';

boundTests({ testMs: 60_000, fileMs: 118_000 });
const test = suite('file sink in a cluster');
const records = 400;
const half = ({ number }: Numbered): string => `half=${number % 2}/tens=${Math.floor(number / 100)}`;

const manners: Readonly<Record<string, FileSinkOptions<Numbered>>> = {
  partitions: { partitionBy: half },
  'files over several checkpoints': { rolling: { onCheckpoint: false, sizeBytes: 500, age: '2 s', inactivity: '1 s' } },
  'files over several checkpoints, in partitions, with few of them open': {
    partitionBy: half,
    rolling: { onCheckpoint: false, age: '2 s' },
    openFilesMax: 2,
  },
};

for (const [name, options] of Object.entries(manners)) {
  test(`${name}: after FINISHED every record is in committed files once, and nothing else is left`, async () => {
    for (const seed of [1, 2, 3]) {
      const { summary, disk } = await runLosingTaskManagers(
        (env) => {
          env.setParallelism(2).enableCheckpointing(300);
          env
            .fromSource(throttled(sequenceSource(0, records - 1), { recordsPerSecond: 100 }))
            .rebalance()
            .process<Numbered>((runtime) => ({
              processElement(number, _context, out) {
                if (number === 150 && runtime.task.attemptNumber === 0) throw new Error('a bad day');
                out.collect({ number });
              },
            }))
            .sinkTo(fileSink<Numbered>(directory, options));
        },
        { seed, lostAt: [125, 250] },
      );
      assert.is(summary.status, 'FINISHED', `seed ${seed}`);
      assert.ok(summary.restarts >= 2, `seed ${seed}: ${summary.restarts} restarts`);
      const output = (await visible(disk)).sort((a, b) => a - b);
      assert.equal(
        output,
        Array.from({ length: records }, (_, number) => number),
        `seed ${seed}`,
      );
      assert.equal(
        (await filesBelow(disk)).filter((path) => path.endsWith('.tmp')),
        [],
        `seed ${seed}`,
      );
    }
  });
}
test.run();
