/** A job that starts from the final checkpoint of another, whose tasks had all read everything, with another parallelism. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobDefinition } from '../../dataflow/contracts.js';
import { planJob } from '../../graph/job-plan.js';
import { SimulatedCluster } from '../../testing/simulator/simulated-cluster.js';
import { SimulatedNetwork } from '../../testing/simulator/simulated-network.js';
import { Simulation } from '../../testing/simulator/simulation.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { testSettings } from '../support/job-graphs.js';
import { checkpointed, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const [splits, recordsPerSplit] = [6, 50];
const all = Array.from({ length: splits * recordsPerSplit }, (_, index) => index);
const sorted = (output: CommittedOutput<number>): number[] => output.values().sort((left, right) => left - right);
const changes = [
  [2, 4],
  [4, 2],
  [1, 3],
  [3, 3],
] as const;

interface Sketch {
  readonly output: CommittedOutput<number>;
  readonly parallelism: number;
  /** The sink never says that its commit of everything is done, so that the job does not end. */
  readonly isHanging?: boolean;
}

const graphOf = ({ output, parallelism, isHanging = false }: Sketch) =>
  streamGraph({
    parallelism,
    settings: { ...checkpointed, checkpointing: { ...testSettings.checkpointing, intervalMs: 600_000 } },
    nodes: [
      { name: 'numbers', source: rangeSource({ splits, recordsPerSplit, value: (split, index) => split * recordsPerSplit + index }) },
      {
        name: 'out',
        isSink: true,
        isChained: false,
        create: () => {
          const sink = transactionalCollector(output)();
          if (!isHanging) return sink;
          const commit = sink.checkpointCompleted?.bind(sink);
          return { ...sink, checkpointCompleted: async (id) => (await commit?.(id), new Promise<void>(() => undefined)) };
        },
      },
    ],
    edges: [{ from: 'numbers', to: 'out', partitioner: 'HASH', key: (value) => value as number }],
  });

const test = suite('restoring a final checkpoint');

for (const [before, after] of changes) {
  test(`in a cluster, with parallelism ${after} after ${before}, the job ends at once and its output stands`, async () => {
    const output = new CommittedOutput<number>();
    const definitions: Record<string, JobDefinition> = {
      'test:first': { name: 'test job', build: () => graphOf({ output, parallelism: before, isHanging: true }) },
      'test:second': { name: 'test job', build: () => graphOf({ output, parallelism: after }) },
    };
    const world = new Simulation({ seed: before * 10 + after });
    const cluster = new SimulatedCluster({
      world,
      network: new SimulatedNetwork({ world, random: world.random.fork() }),
      taskManagers: 2,
      slots: 2,
      loadJob: (url) => definitions[url] as JobDefinition,
      storeFaults: { refused: 0, answerLost: 0, isOver: () => true },
      broken: {},
    });
    cluster.startAll();
    const { client } = cluster.client();
    const run = async (url: string, restoreFrom: string | undefined, isDone: (job: JobSummary) => boolean): Promise<JobSummary> => {
      const { jobGraph } = planJob((definitions[url] as JobDefinition).build({}));
      let latest: JobSummary | undefined;
      let failure: unknown;
      client
        .submit({ jobGraph, code: { kind: 'module', url }, ...(restoreFrom === undefined ? {} : { restoreFrom }) })
        .then((id) => client.waitForEnd(id, (summary) => (latest = summary)))
        .then((summary) => (latest = summary))
        .catch((error: unknown) => (failure = error));
      await world.runUntil(() => {
        if (failure !== undefined) throw failure;
        return latest !== undefined && isDone(latest);
      }, world.nowMs + 60_000);
      return latest as unknown as JobSummary;
    };
    const first = await run('test:first', undefined, (job) => job.checkpointsCompleted === 1 && output.values().length === all.length);
    let isCanceled = false;
    void client.cancel(first.jobId).then(() => (isCanceled = true));
    await world.runUntil(() => isCanceled, world.nowMs + 60_000);
    const second = await run('test:second', `${first.jobId}/${first.latestCheckpointId}`, ({ endedAt }) => endedAt !== null);
    assert.is(second.status, 'FINISHED');
    assert.is(second.recordsIn, 0, 'nothing is read again');
    assert.equal(sorted(output), all);
  });

  test(`in the task harness, too: parallelism ${after} after ${before}`, async () => {
    const output = new CommittedOutput<number>();
    const chunks = new Map<string, Uint8Array>();
    const first = new TaskHarness({ graph: graphOf({ output, parallelism: before }), chunks });
    first.deploy();
    await first.runToEnd();
    const final = first.completed.at(-1);
    assert.ok(final?.isFinal);
    const second = new TaskHarness({ graph: graphOf({ output, parallelism: after }), chunks, firstAttempt: 1 });
    second.deploy(final);
    await second.runToEnd(10_000);
    assert.ok(second.isFinished);
    assert.equal(sorted(output), all);
  });
}

test.run();
