/**
 * Runs a job under a clock that the test moves: its real tasks, channels and state, in one thread.
 *
 * JT1  Every call returns when the job did all it can do at this time: nothing depends on how fast a machine is.
 * JT2  Processing time moves in `advanceTime` only; timers fire in order on the way.
 * JT3  A failure of the job is thrown by the call that made it happen, once.
 */
import type { StreamExecutionEnvironment } from '../../api/environment.js';
import { milliseconds, type Duration } from '../../api/duration.js';
import { defineJob } from '../../api/job.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { MillraceError } from '../../core/errors.js';
import type { KeySelector, OperatorFactory } from '../../dataflow/contracts.js';
import type { StreamGraph } from '../../graph/types.js';
import type { HarnessCheckpoint } from '../harness-checkpoints.js';
import { ManualClock } from '../manual-clock.js';
import { TaskHarness } from '../task-harness.js';
import { TestInput } from './test-input.js';

export interface JobTestOptions {
  /** Of operators that set none. Default 1. */
  readonly parallelism?: number;
  /** Job parameters, as `millrace run` would give them. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Of randomness in the job and in the order of control messages. Default 1. */
  readonly seed?: number;
  /** Processing time at the start, ms since 1970. Default 1,700,000,000,000. */
  readonly startAt?: number;
}

declare const checkpointBrand: unique symbol;

/** The state of a whole job, to restore it from. */
export interface TestCheckpoint {
  readonly [checkpointBrand]: true;
}

/** More than any test of a job needs: a run that takes more turns in circles. */
const eventsMax = 20_000_000;

/** A job under test; see the head of this file. */
export class JobTest {
  readonly #build: (env: StreamExecutionEnvironment) => void;
  readonly #options: JobTestOptions;
  readonly #clock: ManualClock;
  readonly #chunks = new Map<string, Uint8Array>();
  #parallelism: number;
  #harness: TaskHarness;
  #attempts = 0;
  #failuresThrown = 0;

  private constructor(build: (env: StreamExecutionEnvironment) => void, options: JobTestOptions) {
    this.#build = build;
    this.#options = options;
    this.#parallelism = options.parallelism ?? 1;
    this.#clock = new ManualClock(options.startAt);
    this.#harness = this.#makeHarness();
  }

  /** Builds the job and starts it; resolves once all of its tasks run. */
  static async start(build: (env: StreamExecutionEnvironment) => void, options: JobTestOptions = {}): Promise<JobTest> {
    const test = new JobTest(build, options);
    test.#harness.deploy();
    await test.settle();
    return test;
  }

  /** Processing time, ms since 1970. */
  now(): number {
    return this.#clock.now();
  }

  /** Every task of the job has finished. */
  get isFinished(): boolean {
    return this.#harness.isFinished;
  }

  /** Moves processing time on. */
  async advanceTime(duration: Duration): Promise<void> {
    const end = this.#clock.monotonic() + milliseconds(duration, 'advanceTime');
    for (let next = this.#clock.nextTimerAt(); next !== undefined && next <= end; next = this.#clock.nextTimerAt()) {
      this.#clock.advance(next - this.#clock.monotonic());
      await this.settle();
    }
    this.#clock.advance(end - this.#clock.monotonic());
    await this.settle();
  }

  /** Sends a barrier through the job and keeps the state of all operators as it passes them. */
  async checkpoint(): Promise<TestCheckpoint> {
    const id = this.#harness.triggerCheckpoint();
    await this.settle();
    const completed = this.#harness.completed.find((checkpoint) => checkpoint.id === id);
    if (completed === undefined) {
      throw new MillraceError('TEST_CHECKPOINT_FAILED', 'The checkpoint did not complete.', {
        hint: 'A job can be checkpointed while all of its tasks run; those of a job that has finished do not.',
      });
    }
    return completed as unknown as TestCheckpoint;
  }

  /**
   * Kills all tasks at once, and starts the job again from a checkpoint (or from nothing). Inputs give again what came
   * after it. `parallelism`: of the restored job, for operators that set none.
   */
  async restore(checkpoint?: TestCheckpoint, options: { readonly parallelism?: number } = {}): Promise<void> {
    this.#harness.kill();
    this.#parallelism = options.parallelism ?? this.#parallelism;
    this.#attempts += 1;
    this.#failuresThrown = 0;
    this.#harness = this.#makeHarness();
    this.#harness.deploy(checkpoint as HarnessCheckpoint | undefined);
    await this.settle();
  }

  /** Ends all inputs, and waits until the job has finished. */
  async finish(): Promise<void> {
    for (const input of this.#inputs()) if (!input.hasEnded) await input.end();
    await this.settle();
    if (this.isFinished) return;
    throw new MillraceError('TEST_NOT_FINISHED', 'The job did not finish though all of its test inputs ended.', {
      hint: 'Another source of the job goes on, or an operator waits for something outside: see settle().',
    });
  }

  /** Ends the test wherever it is. */
  async close(): Promise<void> {
    await this.#harness.cancel();
    this.#harness.kill();
  }

  /** Lets the job do all it can do now. Needed by hand only when something outside the job changed (a promise resolved). */
  async settle(): Promise<void> {
    const { world } = this.#harness;
    await world.runUntil(() => world.isQuiet, Number.POSITIVE_INFINITY);
    const failure = this.#harness.failures[this.#failuresThrown];
    if (failure === undefined) return;
    this.#failuresThrown = this.#harness.failures.length;
    throw failure.error;
  }

  #makeHarness(): TaskHarness {
    const { seed = 1 } = this.#options;
    const graph = this.#graph();
    const harness = new TaskHarness({
      graph,
      seed: seed + this.#attempts,
      clock: this.#clock,
      firstAttempt: this.#attempts,
      eventsMax,
      chunks: this.#chunks,
      placement: () => ({ taskManagerId: 'test', slot: 0 }),
    });
    for (const input of inputsOf(graph)) input.attach(this);
    return harness;
  }

  #graph(): StreamGraph<OperatorFactory, KeySelector> {
    const { parameters = {} } = this.#options;
    // Results come out at once, and the tasks wait for a last checkpoint as they do in a job that takes them.
    const build = (env: StreamExecutionEnvironment): void => {
      env.setParallelism(this.#parallelism).setBufferTimeout(0).enableCheckpointing('1 s');
      this.#build(env);
    };
    return defineJob('job under test', build).build(parameters, { configuration: Configuration.defaults });
  }

  #inputs(): readonly TestInput<unknown>[] {
    return inputsOf(this.#harness.graph);
  }
}

function inputsOf(graph: StreamGraph<OperatorFactory, KeySelector>): readonly TestInput<unknown>[] {
  return graph.nodes.flatMap(({ factory }) => (factory.kind === 'source' && factory.source instanceof TestInput ? [factory.source] : []));
}
