import { fileURLToPath } from 'node:url';
import { rowOf, type Benchmark } from '../harness/benchmark.js';
import { runForm, type FormRun } from '../harness/forms.js';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

export const startUp: Benchmark = {
  name: 'start-up',
  measures:
    'milliseconds of wall time from `npm run` of the flagship (the code of `npm start`, with a source that tells its first record) to the first record, and from the command of example 01 (20,000 flights) to its exit, with npm and without. Each starts a cluster of its own: JobManager, two TaskManagers, slots as threads.',
  doesNotMeasure: 'cold disks, the build, TypeScript modules (they are bundled first).',
  async run({ rounds, say }) {
    const flagship: number[] = [];
    const hello: number[] = [];
    const helloWithNpm: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds(5); round += 1) {
      const run = await runForm({ command: 'npm', args: ['run', '--silent', 'bench:start'], cwd: checkout });
      const first = Math.min(...run.marks.filter(({ mark }) => mark === 'first record').map(({ at }) => at));
      flagship.push(first - run.startedAt);
      helloWithNpm.push(wallMs(await runForm({ command: 'npm', args: ['run', '--silent', 'example', '01'], cwd: checkout })));
      hello.push(wallMs(await runForm({ script: 'scripts/example.js', args: ['01'], nodeFlags: ['--enable-source-maps'], cwd: checkout })));
      bare.push(wallMs(await runForm({ args: ['-e', '0'] })));
      say(
        `round ${round + 1}: flagship ${flagship.at(-1)?.toFixed()}, hello ${hello.at(-1)?.toFixed()}, node alone ${bare.at(-1)?.toFixed()} ms`,
      );
    }
    const unit = 'ms';
    return [
      rowOf({ name: 'start-up: npm to the first record of the flagship', unit, samples: flagship }),
      rowOf({ name: 'start-up: npm to the exit of hello', unit, samples: helloWithNpm }),
      rowOf({ name: 'start-up: node to the exit of hello', unit, samples: hello }),
      rowOf({ name: 'start-up: node that does nothing', unit, samples: bare }),
    ];
  },
};

const wallMs = ({ startedAt, endedAt }: FormRun): number => endedAt - startedAt;
