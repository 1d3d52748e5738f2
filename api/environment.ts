/**
 * The environment a builder gets: where streams begin, and what the job decides for itself.
 *
 * What is set here wins over configuration, and applies to the whole job wherever it is called.
 */
import { collectionSource, type CollectionOptions } from '../connectors/collection-source.js';
import { sequenceSource, type SequenceOptions } from '../connectors/sequence-source.js';
import { Configuration } from '../core/configuration/configuration.js';
import type { BuildDefaults, KeySelector, OperatorFactory, Source } from '../dataflow/contracts.js';
import type { TimeAssignment } from '../dataflow/time/time-assignment.js';
import { jobSettings, planningSettings, type JobSettingOverrides } from '../graph/job-settings.js';
import { checkMaxParallelism } from '../graph/key-groups.js';
import type { CheckpointSettings, PlanningSettings, StreamGraph } from '../graph/types.js';
import { apiError } from './api-error.js';
import { milliseconds, type Duration } from './duration.js';
import { GraphBuilder } from './graph-builder.js';
import { Parameters } from './parameters.js';
import { resolvedRestartStrategy, type RestartStrategy } from './restart-strategy.js';
import { SingleOutputStream } from './streams.js';
import { assignmentOf, type WatermarkStrategy } from './watermark-strategy.js';

/** What else may be said about checkpoints; the rest comes from configuration. */
export interface CheckpointingOptions {
  /** A checkpoint that is not complete by then is aborted. */
  readonly timeout?: Duration;
  /** Least time between the end of a checkpoint and the start of the next. */
  readonly minPause?: Duration;
  readonly maxConcurrent?: number;
  /** Failed checkpoints in a row that the job puts up with. */
  readonly tolerableFailures?: number;
  /** Completed checkpoints that are kept. */
  readonly retained?: number;
  readonly retention?: CheckpointSettings['retention'];
}

const checkpointIntervalMsMin = 10;

/** One per build of a job. */
export class StreamExecutionEnvironment {
  /** What the job was given: `millrace run job.ts --input flights.json`. */
  readonly parameters: Parameters;
  readonly #builder = new GraphBuilder();
  readonly #jobName: string;
  readonly #configuration: Configuration;
  readonly #planning: PlanningSettings;
  #parallelism: number;
  #maxParallelism: number | undefined;
  #isChainingEnabled: boolean;
  #overrides: JobSettingOverrides = {};

  constructor(jobName: string, parameters: Readonly<Record<string, string>>, defaults: BuildDefaults) {
    this.#jobName = jobName;
    this.parameters = new Parameters(parameters);
    this.#configuration = defaults.configuration ?? Configuration.defaults;
    this.#planning = defaults.planning ?? planningSettings(this.#configuration);
    this.#parallelism = this.#planning.parallelism;
    this.#maxParallelism = this.#planning.maxParallelism ?? undefined;
    this.#isChainingEnabled = this.#planning.isChainingEnabled;
  }

  /** Of operators that set none. */
  setParallelism(parallelism: number): this {
    if (!Number.isSafeInteger(parallelism) || parallelism < 1) {
      throw apiError('PARALLELISM_INVALID', `${parallelism} is not a parallelism.`, {
        where: this.#jobName,
        hint: 'Use a whole number from 1.',
      });
    }
    this.#parallelism = parallelism;
    return this;
  }

  /** Subtasks of operators that were given no parallelism of their own. */
  getParallelism(): number {
    return this.#parallelism;
  }

  /** Key groups of operators that set none; fixed once there is state. */
  setMaxParallelism(maxParallelism: number): this {
    checkMaxParallelism(maxParallelism, this.#jobName);
    this.#maxParallelism = maxParallelism;
    return this;
  }

  /** Every operator runs in a task of its own. */
  disableOperatorChaining(): this {
    this.#isChainingEnabled = false;
    return this;
  }

  /** Takes a checkpoint every `interval`; from 10 ms. */
  enableCheckpointing(interval: Duration, options: CheckpointingOptions = {}): this {
    const where = 'enableCheckpointing';
    const intervalMs = milliseconds(interval, where);
    if (intervalMs < checkpointIntervalMsMin) {
      throw apiError('CHECKPOINT_INTERVAL_INVALID', `A checkpoint every ${intervalMs} ms is too often.`, {
        where,
        hint: `Use ${checkpointIntervalMsMin} ms or more.`,
      });
    }
    const checkpointing: Partial<CheckpointSettings> = {
      intervalMs,
      ...(options.timeout === undefined ? {} : { timeoutMs: milliseconds(options.timeout, where) }),
      ...(options.minPause === undefined ? {} : { minPauseMs: milliseconds(options.minPause, where) }),
      ...(options.maxConcurrent === undefined ? {} : { maxConcurrent: count(options.maxConcurrent, 1, 'maxConcurrent') }),
      ...(options.tolerableFailures === undefined ? {} : { tolerableFailures: count(options.tolerableFailures, 0, 'tolerableFailures') }),
      ...(options.retained === undefined ? {} : { retained: count(options.retained, 1, 'retained') }),
      ...(options.retention === undefined ? {} : { retention: options.retention }),
    };
    return this.#override({ checkpointing });
  }

  /** What happens after a failure; each field within the bounds of its configuration key. */
  setRestartStrategy(strategy: RestartStrategy): this {
    return this.#override({ restartStrategy: resolvedRestartStrategy(strategy, this.#configuration) });
  }

  /** Records wait at most this long for others to share a frame; 0 sends each at once. */
  setBufferTimeout(timeout: Duration): this {
    return this.#override({ bufferTimeoutMs: milliseconds(timeout, 'setBufferTimeout') });
  }

  /** How often watermarks are emitted, beside those that a generator emits for single records; 0: only those. Default 200 ms. */
  setAutoWatermarkInterval(interval: Duration): this {
    return this.#override({ autoWatermarkIntervalMs: milliseconds(interval, 'setAutoWatermarkInterval') });
  }

  /** Do not copy values that are put into state; see `pipeline.object-reuse`. */
  enableObjectReuse(): this {
    return this.#override({ objectReuse: true });
  }

  /** The elements, in order. They must be plain data: they count in the job's fingerprint. */
  fromData<T>(...elements: readonly T[]): SingleOutputStream<T> {
    return this.fromCollection(elements);
  }

  /** The elements of a collection, in order. They must be plain data: they count in the job's fingerprint. */
  fromCollection<T>(elements: Iterable<T>, options?: CollectionOptions): SingleOutputStream<T> {
    return this.fromSource(collectionSource([...elements], options), options?.name);
  }

  /** `from`, `from + 1`, …, `to`; parallel readers share the range. */
  fromSequence(from: number, to: number, options?: SequenceOptions): SingleOutputStream<number> {
    return this.fromSource(sequenceSource(from, to, options), options?.name);
  }

  /**
   * The records of a source, with timestamps and watermarks by `strategy` if there is one: each split has its own watermark,
   * and the lowest counts. The name is shown as `Source: <name>`, and is unique in the job when given.
   */
  fromSource<T>(source: Source<T>, name?: string): SingleOutputStream<T>;
  fromSource<T>(source: Source<T>, strategy: WatermarkStrategy<NoInfer<T>>, name?: string): SingleOutputStream<T>;
  fromSource<T>(source: Source<T>, second?: WatermarkStrategy<T> | string, third?: string): SingleOutputStream<T> {
    const strategy = typeof second === 'string' ? undefined : second;
    const name = typeof second === 'string' ? second : third;
    const node = this.#builder.add({
      kind: 'source',
      type: 'source',
      name: `Source: ${name ?? source.name}`,
      isNamed: name !== undefined,
      data: source.data,
      inputs: [],
      factory: { kind: 'source', source, time: strategy && (assignmentOf(strategy, 'fromSource') as TimeAssignment) },
    });
    return new SingleOutputStream<T>(this.#builder, node);
  }

  /** Called by `defineJob` when the builder is done. */
  toStreamGraph(): StreamGraph<OperatorFactory, KeySelector> {
    this.parameters.assertAllAsked();
    return {
      jobName: this.#jobName,
      ...this.#builder.build({ parallelism: this.#parallelism, maxParallelism: this.#maxParallelism }),
      settings: jobSettings(this.#configuration, this.#overrides),
      parameters: this.parameters.values,
      planning: this.#planning,
      isChainingEnabled: this.#isChainingEnabled,
    };
  }

  #override(overrides: JobSettingOverrides): this {
    this.#builder.assertOpen();
    this.#overrides = { ...this.#overrides, ...overrides };
    return this;
  }
}

function count(value: number, min: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw apiError('CHECKPOINT_OPTION_INVALID', `${what} cannot be ${value}.`, {
    where: 'enableCheckpointing',
    hint: `Use a whole number from ${min}.`,
  });
}
