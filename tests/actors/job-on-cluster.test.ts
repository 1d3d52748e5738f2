/** Real actors, tasks and channels in a simulated cluster: jobs whose TaskManagers and JobManagers die. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobDefinition, Source } from '../../dataflow/contracts.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { planJob } from '../../graph/job-plan.js';
import type { JobSettings, PartitionerKind } from '../../graph/types.js';
import { SimulatedCluster } from '../../testing/simulator/simulated-cluster.js';
import { SimulatedNetwork } from '../../testing/simulator/simulated-network.js';
import { Simulation } from '../../testing/simulator/simulation.js';
import { testSettings } from '../support/job-graphs.js';
import { CommittedOutput, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const test = suite('job on a cluster');

/** Emits ten numbers of a split, then waits a while: a job lasts long enough for something to happen. */
function slowNumbers(splits: number, recordsPerSplit: number): Source<unknown> {
  return {
    name: 'numbers',
    boundedness: 'bounded',
    enumerate: async () => Array.from({ length: splits }, (_, index) => ({ id: `split-${index}`, data: index })),
    createReader: ({ clock }) => {
      let split = 0;
      let next = 0;
      let isPaused = false;
      return {
        start: ({ data }, position) => {
          split = data as number;
          next = (position as number | undefined) ?? 0;
        },
        poll: (output) => {
          if (next >= recordsPerSplit) return 'split-finished';
          if (!isPaused && next % 10 === 0) {
            isPaused = true;
            return 'pending';
          }
          isPaused = false;
          if (!output.isAvailable()) return 'more';
          output.emit(split * recordsPerSplit + next++, noTimestamp);
          return 'more';
        },
        whenAvailable: () => new Promise<void>((resolve) => void clock.setTimer(5, resolve)),
        position: () => next,
        close: () => undefined,
      };
    },
  };
}

interface Run {
  readonly world: Simulation;
  readonly cluster: SimulatedCluster;
  readonly summary: () => JobSummary | undefined;
  readonly output: CommittedOutput<number>;
  until(isDone: () => boolean): Promise<void>;
}

interface RunOptions {
  readonly seed: number;
  readonly partitioner?: PartitionerKind;
  readonly taskManagers?: number;
  readonly slots?: number;
  readonly settings?: Partial<JobSettings>;
  readonly isVerbose?: boolean;
}

const splits = 6;
const recordsPerSplit = 400;

function run(options: RunOptions): Run {
  const output = new CommittedOutput<number>();
  const definition: JobDefinition = {
    name: 'test job',
    build: () =>
      streamGraph({
        parallelism: 2,
        settings: { restartStrategy: { kind: 'fixed-delay', attempts: 50, delayMs: 100 }, ...options.settings },
        nodes: [
          { name: 'numbers', source: slowNumbers(splits, recordsPerSplit) },
          { name: 'out', isSink: true, isChained: false, create: transactionalCollector(output) },
        ],
        edges: [{ from: 'numbers', to: 'out', partitioner: options.partitioner ?? 'HASH', key: (value) => value as number }],
      }),
  };
  const world = new Simulation({
    seed: options.seed,
    ...(options.isVerbose === true ? { onTrace: (line: string) => console.log(line) } : {}),
  });
  const network = new SimulatedNetwork({ world, random: world.random.fork() });
  const cluster = new SimulatedCluster({
    world,
    network,
    taskManagers: options.taskManagers ?? 2,
    slots: options.slots ?? 2,
    loadJob: () => definition,
    storeFaults: { refused: 0, answerLost: 0, isOver: () => true },
    broken: {},
  });
  cluster.startAll();
  const { client } = cluster.client();
  const { jobGraph } = planJob(definition.build({}));
  let latest: JobSummary | undefined;
  let failure: unknown;
  void client
    .submit({ jobGraph, code: { kind: 'module', url: 'test:' } })
    .then((id) => client.waitForEnd(id, (summary) => (latest = summary)))
    .then((summary) => (latest = summary))
    .catch((error: unknown) => (failure = error));
  return {
    world,
    cluster,
    output,
    summary: () => latest,
    until: (isDone) =>
      world.runUntil(() => {
        if (failure !== undefined) throw failure;
        return isDone();
      }, world.nowMs + 120_000),
  };
}

const hasEnded =
  ({ summary }: Run) =>
  (): boolean =>
    summary()?.endedAt !== null && summary() !== undefined;

function assertExactlyOnce({ output }: Run): void {
  const values = output.values().sort((a, b) => a - b);
  assert.equal(
    values,
    Array.from({ length: splits * recordsPerSplit }, (_, index) => index),
  );
}

const checkpointed: Partial<JobSettings> = { checkpointing: { ...testSettings.checkpointing, intervalMs: 60 } };

test('a job without checkpoints runs to its end', async () => {
  const job = run({ seed: 1 });
  await job.until(hasEnded(job));
  assert.is(job.summary()?.status, 'FINISHED');
  assertExactlyOnce(job);
  assert.is(job.summary()?.recordsIn, splits * recordsPerSplit);
});

test('a job with checkpoints ends with a final one, in one region and in several', async () => {
  for (const partitioner of ['HASH', 'FORWARD'] as const) {
    const job = run({ seed: 2, settings: checkpointed, partitioner });
    await job.until(hasEnded(job));
    assert.is(job.summary()?.status, 'FINISHED');
    assert.ok((job.summary()?.checkpointsCompleted ?? 0) > 2);
    assertExactlyOnce(job);
  }
});

for (const partitioner of ['HASH', 'FORWARD'] as const) {
  test(`TaskManagers that die now and then change nothing of the output (${partitioner})`, async () => {
    for (let seed = 10; seed < 14; seed++) {
      const job = run({ seed, settings: checkpointed, partitioner });
      const random = job.world.random.fork();
      let kills = 0;
      const plan = (): void => {
        job.world.schedule(200 + random.next() * 2_500, 'kill', () => {
          if (hasEnded(job)() || kills === 3) return;
          const victims = job.cluster.taskManagers;
          const victim = victims[Math.floor(random.next() * victims.length)];
          const name = victim?.name.replace(/-\d+$/, '') ?? '';
          kills += 1;
          victim?.kill();
          job.world.schedule(400, 'start', () => void job.cluster.startTaskManager(name));
          plan();
        });
      };
      plan();
      await job.until(hasEnded(job));
      assert.is(job.summary()?.status, 'FINISHED', `seed ${seed}`);
      assertExactlyOnce(job);
    }
  });
}

test.run();
