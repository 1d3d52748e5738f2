/**
 * One operator, reader or writer without a task around it: its context, and what it did to it.
 *
 * What is parked is resumed by `settle`, as a task would before the next record.
 */
import { attemptNumber, formatAttemptId, type CheckpointId, jobId, leaderEpoch, operatorId, sessionId, vertexId } from '../core/ids.js';
import type { Clock, FileSystem, Logger } from '../core/ports.js';
import type { OperatorContext, TaskInfo, TimeChange } from '../dataflow/contracts.js';
import { TaskAccumulators } from '../dataflow/accumulators/task-accumulators.js';
import { FunctionMetrics } from '../dataflow/task/function-metrics.js';
import type { OperatorDescriptor } from '../graph/types.js';
import { HeapOperatorState } from '../storage/state/operator/heap-operator-state.js';
import { ManualClock } from './manual-clock.js';
import { SeededRandom } from './simulator/seeded-random.js';

export interface OperatorBenchOptions {
  readonly files: FileSystem;
  readonly clock?: Clock;
  readonly seed?: number;
  readonly job?: string;
  readonly subtaskIndex?: number;
  readonly parallelism?: number;
  readonly attempt?: number;
  readonly isCheckpointed?: boolean;
  readonly restored?: readonly unknown[];
  readonly restoredCheckpointId?: CheckpointId;
}

/** Made-up ids that look like real ones. */
const operator = operatorId('0123456789abcdef0123456789abcdef');
const vertex = vertexId('0123456789abcdef0123456789abcdef');

export class OperatorBench {
  readonly context: OperatorContext;
  /** Side output tag → what came. */
  readonly sideOutputs = new Map<string, unknown[]>();
  /** What `fail` was called with. */
  readonly failures: unknown[] = [];
  readonly printed: string[] = [];
  /** Name → what was reported last. */
  readonly results = new Map<string, readonly unknown[]>();
  readonly accumulators = new TaskAccumulators();
  /** Declared resource → token. */
  readonly sharedResources = new Map<string, string>();
  /** What `emitTime` was called with. */
  readonly timeChanges: TimeChange[] = [];
  readonly #posted: (() => void)[] = [];
  #parked: { readonly resume: () => boolean; readonly until: Promise<unknown> | undefined }[] = [];

  constructor(options: OperatorBenchOptions) {
    this.context = this.#makeContext(options);
  }

  get isParked(): boolean {
    return this.#parked.length > 0;
  }

  /** Runs what was posted so far; whether there was anything. */
  runPosted(): boolean {
    const posted = this.#posted.splice(0);
    for (const work of posted) work();
    return posted.length > 0;
  }

  /** Resumes what was parked until nothing is. */
  async settle(): Promise<void> {
    for (let next = this.#parked[0]; next !== undefined; next = this.#parked[0]) {
      await next.until;
      if (next.resume()) this.#parked.shift();
      await Promise.resolve();
    }
  }

  #makeContext(options: OperatorBenchOptions): OperatorContext {
    const { restored, restoredCheckpointId, clock = new ManualClock() } = options;
    return {
      task: taskInfo(options),
      operatorId: operator,
      operatorName: 'operator under test',
      clock,
      random: new SeededRandom(options.seed ?? 1),
      logger: silent,
      files: options.files,
      metrics: new FunctionMetrics(clock).groupOf({ id: operator, name: 'operator under test' } as OperatorDescriptor, silent),
      accumulators: this.accumulators.of('operator under test'),
      isCheckpointed: options.isCheckpointed ?? true,
      isObjectReuse: false,
      keyed: undefined,
      operatorState: new HeapOperatorState({ operatorName: 'operator under test', isObjectReuse: false }),
      restored,
      restoredCheckpointId,
      sideOutput: (tag) => (value) => {
        const values = this.sideOutputs.get(tag) ?? [];
        this.sideOutputs.set(tag, values);
        values.push(value);
      },
      isOutputAvailable: () => true,
      park: (resume, until) => void this.#parked.push({ resume, until }),
      post: (work) => void this.#posted.push(work),
      currentWatermark: () => 0,
      recordTime: () => clock.now(),
      emitTime: (change) => void this.timeChanges.push(change),
      declareSharedResource: (name, token) => void this.sharedResources.set(name, token),
      print: (line) => void this.printed.push(line),
      reportResult: (name, values) => void this.results.set(name, values),
      fail: (error) => void this.failures.push(error),
    };
  }
}

function taskInfo(options: OperatorBenchOptions): TaskInfo {
  const { parallelism = 1, subtaskIndex = 0, attempt = 0 } = options;
  return {
    jobId: jobId(options.job ?? 'abcdefabcdefabcdefabcdefabcdefab'),
    jobName: 'job under test',
    taskName: 'task under test',
    subtaskIndex,
    parallelism,
    maxParallelism: 128,
    attemptId: formatAttemptId({ vertexId: vertex, subtaskIndex, leaderEpoch: leaderEpoch(1), attemptNumber: attemptNumber(attempt) }),
    attemptNumber: attemptNumber(attempt),
    taskManagerId: 'tm-under-test',
    sessionId: sessionId('session-under-test'),
  };
}

const silent: Logger = { log: () => undefined, child: () => silent };
