/** Runs a job of the API in the task harness: with checkpoints, and killed as often as a test wants. */
import type { KeySelector, OperatorFactory } from '../../dataflow/contracts.js';
import type { StreamGraph } from '../../graph/types.js';
import { defineJob, type JobBuilder, type Sink } from '../../index.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { CommittedOutput, transactionalCollector } from './stream-jobs.js';

export interface RunGraphOptions {
  readonly seed?: number;
  /** At random moments; default none. */
  readonly killsMax?: number;
}

/** A sink, for one place in a job, that tells what was committed. */
export class Committed<T> {
  readonly #output = new CommittedOutput<T>();
  readonly sink: Sink<T> = { name: 'committed', data: null, createWriter: transactionalCollector(this.#output) as Sink<T>['createWriter'] };

  values(): T[] {
    return this.#output.values();
  }

  /** As text, in order: for comparisons as multisets. */
  lines(): readonly string[] {
    return this.values()
      .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
      .sort();
  }
}

/** Runs to the end; resolves to the number of kills. */
export async function runGraph(builder: JobBuilder, { seed = 1, killsMax = 0 }: RunGraphOptions = {}): Promise<number> {
  const graph = defineJob('under test', (env) => {
    env.enableCheckpointing('1 s');
    return builder(env);
  }).build({}) as StreamGraph<OperatorFactory, KeySelector>;
  const harness = new TaskHarness({ graph, seed, checkpointEveryMs: 6, busDelayMs: 5 });
  let kills = 0;
  const plan = (): void => {
    harness.world.schedule(15 + harness.world.random.next() * 30, 'kill', () => {
      if (harness.isFinished || kills >= killsMax) return;
      kills += 1;
      harness.restart();
      plan();
    });
  };
  harness.deploy();
  plan();
  await harness.runToEnd();
  return kills;
}
