/**
 * One attempt of one subtask: reads, processes, snapshots, ends. Everything happens in slices between which nothing is
 * half done.
 *
 * ST1  Between two slices every record taken from a channel has its whole effect in state, in the outputs, or parked.
 * ST2  While work is parked or an output is full, no record, watermark or timer is processed; a checkpoint of a source
 *      may begin while an output is full, never while work is parked.
 * ST3  A barrier leaves after everything the records before it produced, and before anything the records after it produce.
 * ST4  End: MAX watermark → endInput and finish, first to last → END_OF_DATA → [final checkpoint confirmed and
 *      committed] → END_OF_PARTITION → consumers have everything → close → finished.
 * ST5  A failure stops the task at the end of the call that failed; nothing of the task runs afterwards but `close`.
 */
import { assert, MillraceError, toErrorRecord } from '../../core/errors.js';
import type { CheckpointId } from '../../core/ids.js';
import type { SlotTask } from '../slot-loop.js';
import type { CheckpointTrigger, TaskDeclineReason, TaskRuntime, TaskRuntimeMetrics, TaskRuntimeOptions } from '../task-runtime.js';
import { noStrategy } from '../time/time-origin.js';
import { enumerateSplits } from './split-enumeration.js';
import { accumulatorsOf, metricsOf } from './task-metrics.js';
import { TaskParts } from './task-parts.js';

/** The data plane of one task; see the head of this file. */
export class StreamTask implements TaskRuntime, SlotTask {
  readonly name: string;
  readonly #options: TaskRuntimeOptions;
  readonly #parts: TaskParts;
  #status: 'created' | 'initializing' | 'ready' | 'running' | 'ended' = 'created';
  #failure: { readonly error: unknown } | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TaskRuntimeOptions) {
    this.#options = options;
    const { taskInfo } = options;
    this.name = `${taskInfo.taskName} (${taskInfo.subtaskIndex + 1}/${taskInfo.parallelism})`;
    this.#parts = new TaskParts(options, {
      name: this.name,
      wake: this.#wake,
      fail: this.#fail,
      isEnded: () => this.#status === 'ended',
      isOver: () => this.#failure !== undefined || this.#status !== 'running',
      onDone: () => this.#end(),
    });
  }

  async initialize(): Promise<void> {
    assert(this.#status === 'created' || this.#status === 'ended', 'A task is initialized once.');
    this.#checkNotEnded();
    this.#status = 'initializing';
    const chain = this.#parts.createChain();
    await chain.prepare();
    this.#checkNotEnded();
    await chain.open();
    this.#checkNotEnded();
    this.#parts.readInto(chain);
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#status = 'ready';
  }

  start(): void {
    if (this.#status === 'ended') return;
    assert(this.#status === 'ready', 'A task starts once it is initialized.');
    this.#status = 'running';
    const { vertex, reader, steps, calls, procedure, ending, clocks, isRestoredFinished } = this.#parts;
    this.#options.loop.add(this);
    reader.open();
    enumerateSplits({ ...this.#options, vertex, calls, isEnded: () => this.#status === 'ended', fail: this.#fail });
    if (steps.source !== undefined && isRestoredFinished) procedure.begin(ending.endInput());
    else clocks.start(steps.source?.start());
  }

  triggerCheckpoint(trigger: CheckpointTrigger): 'accepted' | 'seen' | 'declined' {
    const answer = this.#parts.checkpoints.trigger(trigger, this.#whyNotTriggered());
    if (answer === 'accepted') this.#wake();
    return answer;
  }

  checkpointCompleted(id: CheckpointId): void {
    const isEnd = this.#parts.checkpoints.completed(id);
    if (this.#parts.commits.request(id) || isEnd) this.#wake();
  }

  checkpointAborted(id: CheckpointId): void {
    if (this.#status === 'ended') return;
    this.#parts.checkpoints.abort(id, this.#parts.reader.abort(id));
    this.#parts.commits.aborted(id);
    this.#wake();
  }

  cancel(): Promise<void> {
    this.#status = 'ended';
    this.#closing ??= this.#close();
    return this.#closing;
  }

  metrics(): TaskRuntimeMetrics {
    const { chain, outputs, reader, times, clocks, steps, calls } = this.#parts;
    const isRunning = this.#status === 'running';
    if (isRunning) times.settle(this.#options.ports.clock.monotonic());
    return metricsOf({
      recordsIn: this.#parts.recordsIn(),
      chain,
      outputs,
      reader,
      times,
      latency: clocks.latency,
      network: this.#options.network,
      calls,
      accumulators: accumulatorsOf(chain, this.#fail),
      eventTimes: isRunning ? clocks.time.report(() => (steps.source ? noStrategy : reader.timeHolders())) : [],
    });
  }

  /** One turn of the slot loop. Never throws. */
  runSlice(): 'more' | 'idle' {
    if (this.#status !== 'running') return 'idle';
    const { clock } = this.#options.ports;
    const { times, steps, checkpoints, outputs, ending, clocks, chain } = this.#parts;
    const startedAt = clock.monotonic();
    times.begin(startedAt);
    let isMore = false;
    try {
      isMore = steps.run(startedAt) === 'progress';
      isMore = checkpoints.advance() || isMore;
      if (this.#status === 'running') outputs.onSliceEnd();
      if (this.#status === 'running' && ending.phase === 'reading') clocks.arm();
      chain?.leaveKeys();
    } catch (error) {
      this.#fail(error);
    }
    times.end(clock.monotonic(), isMore ? 'ready' : this.#waitsFor());
    if (this.#failure !== undefined) {
      this.#reportFailure(this.#failure.error);
      return 'idle';
    }
    return isMore ? 'more' : 'idle';
  }

  /** An operator that waits for its disk is at work: the task it holds up shows as back-pressured, this one must show why. */
  #waitsFor(): 'ready' | 'held-back' | 'idle' {
    const { parking, procedure, outputs } = this.#parts;
    if (parking.isWaiting || procedure.isWaiting) return 'ready';
    return outputs.pressure.fullChannels > 0 ? 'held-back' : 'idle';
  }

  readonly #wake = (): void => this.#options.loop.wake(this);

  #checkNotEnded(): void {
    if (this.#status === 'ended') throw new MillraceError('TASK_CANCELLED', 'The task was cancelled before it was initialized.');
  }

  readonly #fail = (error: unknown): void => {
    if (this.#status === 'ended' || this.#failure !== undefined) return;
    this.#failure = { error };
    this.#wake();
  };

  #reportFailure(error: unknown): void {
    if (this.#status !== 'running') return;
    this.#status = 'ended';
    this.#options.loop.remove(this);
    this.#parts.checkpoints.discardAll();
    this.#options.callbacks.onFailed(error);
  }

  #whyNotTriggered(): TaskDeclineReason | undefined {
    if (this.#status === 'ended' || this.#parts.ending.phase === 'closing' || this.#failure !== undefined)
      return 'CHECKPOINT_DECLINED_TASK_CLOSING';
    if (this.#status !== 'running') return 'CHECKPOINT_DECLINED_TASK_NOT_READY';
    // Only sources are triggered; the others follow barriers.
    return this.#parts.steps.source === undefined ? 'CHECKPOINT_DECLINED' : undefined;
  }

  #end(): void {
    const { callbacks } = this.#options;
    this.#closing = this.#close();
    void this.#closing.then(() => {
      if (this.#status !== 'running') return;
      // What is wrong with them since the last report must fail the task now: nobody looks at them later.
      accumulatorsOf(this.#parts.chain, this.#fail);
      this.#status = 'ended';
      if (this.#failure === undefined) callbacks.onFinished();
      else callbacks.onFailed(this.#failure.error);
    });
  }

  /** Frees everything. Failures of operators are logged, and fail a task that was ending well. Never rejects. */
  async #close(): Promise<void> {
    this.#options.loop.remove(this);
    const failures = await this.#parts.close();
    for (const failure of failures) {
      this.#options.ports.logger.log('warn', 'An operator failed to close', { task: this.name, error: toErrorRecord(failure).message });
      if (this.#status === 'running') this.#failure ??= { error: failure };
    }
  }
}
