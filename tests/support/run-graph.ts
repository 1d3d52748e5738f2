/** Runs a job of the API in the task harness: with checkpoints, and killed as often as a test wants. */
import type { KeySelector, OperatorFactory, Source } from '../../dataflow/contracts.js';
import type { StreamGraph } from '../../graph/types.js';
import { defineJob, type JobBuilder, type Sink } from '../../index.js';
import type { HarnessCheckpoint } from '../../testing/harness-checkpoints.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { CommittedOutput, rangeSource, transactionalCollector } from './stream-jobs.js';

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

/** A source that takes its time in the harness: each split is asked for, and holds a few of the records. */
export function slowSource<T>(values: readonly T[], recordsPerSplit = 5): Source<T> {
  const splits = Math.ceil(values.length / recordsPerSplit);
  const last = values.length - (splits - 1) * recordsPerSplit;
  return rangeSource<T>({
    splits,
    recordsPerSplit,
    recordsOf: (split) => (split === splits - 1 ? last : recordsPerSplit),
    value: (split, index) => values[split * recordsPerSplit + index] as T,
  }) as Source<T>;
}

/** Runs to the end; resolves to the number of kills. */
export async function runGraph(builder: JobBuilder, { seed = 1, killsMax = 0 }: RunGraphOptions = {}): Promise<number> {
  const harness = new TaskHarness({ graph: graphFrom(builder), seed, checkpointEveryMs: 6, busDelayMs: 5 });
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

/**
 * Runs until `builders[0]` took a checkpoint with the input not yet at its end, kills it, and goes on from there with the
 * next one, which may have another parallelism; the last one runs to the end.
 */
export async function runInTurn(builders: readonly JobBuilder[], seed = 1): Promise<void> {
  const chunks = new Map<string, Uint8Array>();
  let checkpoint: HarnessCheckpoint | undefined;
  for (const [index, builder] of builders.entries()) {
    const options = { seed: seed + index, chunks, firstAttempt: index, checkpointEveryMs: 6, busDelayMs: 5 };
    const harness = new TaskHarness({ graph: graphFrom(builder), ...options });
    harness.deploy(checkpoint);
    if (index === builders.length - 1) await harness.runToEnd();
    else await harness.runUntil(() => harness.completed.length > 0 || harness.failures.length > 0);
    checkpoint = harness.completed.at(-1);
    const isAtEnd = checkpoint !== undefined && [...checkpoint.tasks.values()].every(({ isFinished }) => isFinished);
    if (isAtEnd && index < builders.length - 1) throw new Error('The job was at its end before it was to go on at another parallelism.');
    harness.kill();
  }
}

function graphFrom(builder: JobBuilder): StreamGraph<OperatorFactory, KeySelector> {
  return defineJob('under test', (env) => {
    env.enableCheckpointing('1 s');
    return builder(env);
  }).build({}) as StreamGraph<OperatorFactory, KeySelector>;
}
