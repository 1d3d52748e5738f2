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
import type { CheckpointId } from '../../core/ids.js';
import { assert, MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { TimerHandle } from '../../core/ports.js';
import type { JobVertex, OperatorDescriptor } from '../../graph/types.js';
import { rowCodec } from '../channels/row-codec.js';
import type { EncodedBatch, RecordBatch, StreamEvent } from '../channels/elements.js';
import { maxWatermark, minWatermark, noTimestamp, type Emit } from '../contracts.js';
import { functionError } from '../operators/user-error.js';
import type { SlotTask } from '../slot-loop.js';
import type { CheckpointTrigger, TaskRuntime, TaskRuntimeMetrics, TaskRuntimeOptions } from '../task-runtime.js';
import { BarrierAligner } from './barrier-aligner.js';
import { InputWatermark } from './input-watermark.js';
import { OperatorChain, type ChainedOperator } from './operator-chain.js';
import { Parking } from './parking.js';
import { SnapshotRun } from './snapshot-run.js';
import { SourceDriver } from './source-driver.js';
import { TaskInput } from './task-input.js';
import { TaskOutputs } from './task-outputs.js';

type Status = 'created' | 'initializing' | 'ready' | 'running' | 'ended';

/** How far the end of input has come (ST4). */
type EndPhase = 'reading' | 'finished' | 'closing';

/** What a step of work that spans slices waits for: room (nothing parked, outputs available), or a promise. */
type Pause = 'room' | Promise<unknown>;
type Procedure = Generator<Pause, void, void>;

/** `progress`: something was done, go on. `waiting`: `wake` will be called. */
type Step = 'progress' | 'waiting';

/** A checkpoint to be taken before the next record. */
interface Trigger extends CheckpointTrigger {
  readonly alignmentMs: number;
}

/** Records between two looks at the clock. */
const recordsPerClockCheck = 32;
const timersPerStep = 64;
/** Results an operator pulls from an iterable before the loop has another look around. */
const resultsPerStep = 256;
const stepsPerSlice = 256;

/** The data plane of one task; see the head of this file. */
export class StreamTask implements TaskRuntime, SlotTask {
  readonly name: string;
  readonly #options: TaskRuntimeOptions;
  readonly #vertex: JobVertex;
  readonly #parking = new Parking();
  readonly #quota = { left: 0 };
  readonly #outputs: TaskOutputs;
  readonly #input: TaskInput;
  readonly #aligner: BarrierAligner;
  readonly #watermarks: InputWatermark;
  readonly #isCheckpointed: boolean;
  readonly #isRestoredFinished: boolean;
  #chain: OperatorChain | undefined;
  #head: Emit<unknown> | undefined;
  #source: SourceDriver | undefined;
  #status: Status = 'created';
  #phase: EndPhase = 'reading';
  #failure: { readonly error: unknown } | undefined;
  #closing: Promise<void> | undefined;

  #batch: RecordBatch | undefined;
  #batchIndex = 0;
  #watermark: number = minWatermark;
  #channelsWithData: number;
  readonly #dataEnded: boolean[];

  #procedure: Procedure | undefined;
  #isAwaiting = false;
  #trigger: Trigger | undefined;
  #lastTriggered = 0;
  #lastCheckpoint = 0;
  readonly #aborted = new Set<CheckpointId>();
  #snapshot: { readonly run: SnapshotRun; readonly alignmentMs: number; readonly syncMs: number; readonly cutAt: number; readonly recordsIn: number } | undefined;
  readonly #writing = new Map<CheckpointId, SnapshotRun>();
  #confirmed = 0;
  #confirmRequested = 0;
  #commits: Promise<void> = Promise.resolve();
  /** The first final checkpoint this task took part in after `finish`; should it fail, only final ones follow. */
  #finalCheckpoint: CheckpointId | undefined;

  #processingTimer: { readonly at: number; readonly handle: TimerHandle } | undefined;
  #recordsIn = 0;
  #busyMs = 0;
  #backPressuredMs = 0;
  #pressedSince: number | undefined;

  constructor(options: TaskRuntimeOptions) {
    this.#options = options;
    const { descriptor, network, taskInfo, ports, code, testSwitches } = options;
    this.name = `${taskInfo.taskName} (${taskInfo.subtaskIndex + 1}/${taskInfo.parallelism})`;
    const vertex = descriptor.jobGraph.vertices.find(({ id }) => id === descriptor.vertexId);
    assert(vertex !== undefined, `The job graph has no vertex ${descriptor.vertexId}.`);
    this.#vertex = vertex;
    const { settings } = descriptor.jobGraph;
    this.#isCheckpointed = settings.checkpointing.intervalMs !== undefined;
    const restored = descriptor.restore?.tasks ?? [];
    this.#isRestoredFinished = restored.length > 0 && restored.every((snapshot) => snapshot.isFinished);
    const owner = { wake: this.#wake, fail: (error: unknown) => this.#fail(error) };
    this.#outputs = new TaskOutputs({
      partitions: descriptor.outputs,
      keySelectors: code.keySelectors,
      network,
      owner,
      ports,
      isObjectReuse: settings.objectReuse,
      bufferTimeoutMs: settings.bufferTimeoutMs,
      operatorName: (id) => vertex.operators.find((operator) => operator.id === id)?.name ?? id,
    });
    this.#input = new TaskInput({ gates: descriptor.inputs, network, ...owner, isBlocked: (channel) => this.#aligner.isBlocked(channel) });
    const channels = this.#input.channelCount;
    this.#aligner = new BarrierAligner({
      channels,
      now: () => ports.clock.monotonic(),
      isAlignmentOff: testSwitches?.isAlignmentOff === true,
      listener: {
        onAligned: (barrier, alignmentMs) => {
          this.#trigger = { ...barrier, alignmentMs };
        },
        onAbandoned: (id, reason) => this.#abandon(id, reason),
        onUnblocked: (unblocked) => this.#input.unblock(unblocked),
      },
    });
    this.#watermarks = new InputWatermark(channels);
    this.#channelsWithData = channels;
    this.#dataEnded = new Array<boolean>(channels).fill(false);
  }

  async initialize(): Promise<void> {
    assert(this.#status === 'created', 'A task is initialized once.');
    this.#status = 'initializing';
    const { descriptor, taskInfo, code, ports, chunks, createKeyedState, isStrictState, callbacks } = this.#options;
    const chain = new OperatorChain({
      vertex: this.#vertex,
      descriptor,
      taskInfo,
      code,
      ports,
      chunks,
      createKeyedState,
      isStrictState,
      edges: this.#outputs.open(),
      pressure: this.#outputs.pressure,
      parking: this.#parking,
      quota: this.#quota,
      currentWatermark: () => this.#watermark,
      fail: (error) => this.#fail(error),
      wake: this.#wake,
      onSharedResource: (name, token) => callbacks.onSharedResource(name, token),
      onResult: (name, values) => callbacks.onResult?.(name, values),
    });
    this.#chain = chain;
    await chain.prepare();
    this.#checkNotEnded();
    await chain.open();
    this.#checkNotEnded();
    if (chain.source === undefined) this.#head = chain.input;
    else this.#source = this.#createSource(chain.source, chain.head);
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#status = 'ready';
  }

  start(): void {
    if (this.#status === 'ended') return;
    assert(this.#status === 'ready', 'A task starts once it is initialized.');
    this.#status = 'running';
    this.#options.loop.add(this);
    this.#input.open();
    this.#enumerate();
    if (this.#source !== undefined && this.#isRestoredFinished) this.#procedure = this.#finish();
  }

  triggerCheckpoint(trigger: CheckpointTrigger): 'accepted' | 'seen' | 'declined' {
    const id = trigger.checkpointId;
    if (id <= this.#lastTriggered) return 'seen';
    const { callbacks } = this.#options;
    if (this.#source === undefined && this.#status === 'running') {
      callbacks.onDeclined(id, 'CHECKPOINT_DECLINED', new MillraceError('NOT_A_SOURCE', 'Only source tasks are triggered; the others follow barriers.'));
      return 'declined';
    }
    if (this.#status !== 'running' || this.#phase === 'closing' || this.#failure !== undefined) {
      const isClosing = this.#status === 'running' || this.#status === 'ended';
      callbacks.onDeclined(id, isClosing ? 'CHECKPOINT_DECLINED_TASK_CLOSING' : 'CHECKPOINT_DECLINED_TASK_NOT_READY', undefined);
      return 'declined';
    }
    this.#lastTriggered = id;
    if (this.#trigger !== undefined) callbacks.onDeclined(this.#trigger.checkpointId, 'CHECKPOINT_DECLINED_SUBSUMED', undefined);
    this.#trigger = { ...trigger, alignmentMs: 0 };
    this.#wake();
    return 'accepted';
  }

  checkpointCompleted(id: CheckpointId): void {
    if (id <= this.#confirmRequested) return;
    this.#confirmRequested = id;
    this.#wake();
  }

  checkpointAborted(id: CheckpointId): void {
    if (this.#status === 'ended') return;
    if (this.#trigger?.checkpointId === id) this.#trigger = undefined;
    if (this.#aligner.abort(id)) this.#outputs.broadcast({ kind: 'cancel-barrier', checkpointId: id });
    else if (id > this.#lastCheckpoint) this.#rememberAborted(id);
    if (this.#snapshot?.run.checkpointId === id) {
      this.#snapshot.run.discard();
      this.#snapshot = undefined;
    }
    this.#writing.get(id)?.discard();
    this.#writing.delete(id);
    for (const { operator, descriptor } of this.#chain?.operators ?? []) {
      this.#notify(descriptor, () => operator?.checkpointAborted?.(id));
    }
    this.#wake();
  }

  #rememberAborted(id: CheckpointId): void {
    this.#aborted.add(id);
    for (const oldest of this.#aborted) {
      if (this.#aborted.size <= limits.abortedCheckpointsRemembered) return;
      this.#aborted.delete(oldest);
    }
  }

  cancel(): Promise<void> {
    this.#status = 'ended';
    this.#closing ??= this.#close();
    return this.#closing;
  }

  metrics(): TaskRuntimeMetrics {
    return {
      recordsIn: this.#recordsIn,
      recordsOut: this.#outputs.recordsOut,
      bytesIn: this.#input.bytesIn,
      bytesOut: this.#outputs.bytesOut,
      duplicateFrames: this.#input.duplicates,
      backPressuredMs: this.#backPressuredMs,
      busyMs: this.#busyMs,
      stateEntries: (this.#chain?.operators ?? []).reduce((sum, { keyed }) => sum + (keyed?.size() ?? 0), 0),
    };
  }

  /** One turn of the slot loop. Never throws. */
  runSlice(): 'more' | 'idle' {
    if (this.#status !== 'running') return 'idle';
    const { clock } = this.#options.ports;
    const startedAt = clock.monotonic();
    this.#endBackPressure(startedAt);
    let isMore = false;
    try {
      isMore = this.#work(startedAt) === 'progress';
      isMore = this.#advanceSnapshot() || isMore;
      this.#outputs.onSliceEnd();
      this.#armProcessingTimer();
    } catch (error) {
      this.#fail(error);
    }
    const endedAt = clock.monotonic();
    this.#busyMs += endedAt - startedAt;
    if (this.#outputs.pressure.fullChannels > 0) this.#pressedSince = endedAt;
    if (this.#failure !== undefined) {
      this.#reportFailure(this.#failure.error);
      return 'idle';
    }
    return isMore ? 'more' : 'idle';
  }

  readonly #wake = (): void => this.#options.loop.wake(this);

  #checkNotEnded(): void {
    if (this.#status === 'ended') throw new MillraceError('TASK_CANCELLED', 'The task was cancelled while it was initialized.');
  }

  #fail(error: unknown): void {
    if (this.#status === 'ended' || this.#failure !== undefined) return;
    this.#failure = { error };
    this.#wake();
  }

  #reportFailure(error: unknown): void {
    this.#status = 'ended';
    this.#options.loop.remove(this);
    this.#options.callbacks.onFailed(error);
  }

  #createSource(source: NonNullable<OperatorChain['source']>, head: ChainedOperator): SourceDriver {
    const { splitSource } = this.#options;
    const { emit } = source;
    const { pressure } = this.#outputs;
    return new SourceDriver({
      source: source.source,
      context: head.context,
      output: {
        emit: (value, timestamp) => {
          this.#recordsIn += 1;
          emit(value, timestamp);
        },
        isAvailable: () => pressure.fullChannels === 0 && this.#parking.lowestIndex < 0,
      },
      requestSplit: () => splitSource.requestSplit(head.descriptor.id),
      wake: this.#wake,
      fail: (error) => this.#fail(error),
    });
  }

  /** Finds the splits of the sources this subtask enumerates; the task reads meanwhile. */
  #enumerate(): void {
    const { descriptor, code, ports, splitSource } = this.#options;
    for (const id of descriptor.enumerate) {
      const factory = code.operators.get(id);
      const operator = this.#vertex.operators.find((one) => one.id === id);
      if (factory?.kind !== 'source' || operator === undefined) continue;
      const context = { files: ports.files, parallelism: this.#vertex.parallelism, logger: ports.logger };
      Promise.resolve()
        .then(() => factory.source.enumerate(context))
        .then((splits) => splitSource.enumerated(id, splits))
        .catch((error: unknown) => this.#fail(functionError(operator.name, error)));
    }
  }

  #work(startedAt: number): Step {
    const { clock } = this.#options.ports;
    const recordsAtStart = this.#recordsIn;
    for (let steps = 0; ; steps += 1) {
      if (this.#failure !== undefined || this.#status !== 'running') return 'waiting';
      if (this.#step(startedAt) === 'waiting') return 'waiting';
      // Steps are counted too: under a simulated clock no time passes, and parked work moves no record counter.
      if (steps === stepsPerSlice || this.#recordsIn - recordsAtStart >= limits.recordsPerSlice) return 'progress';
      if (clock.monotonic() - startedAt >= limits.sliceMs) return 'progress';
    }
  }

  /** One piece of work, the most urgent first. */
  #step(startedAt: number): Step {
    this.#confirm();
    this.#quota.left = resultsPerStep;
    if (this.#isAwaiting) return 'waiting';
    const isFull = this.#outputs.pressure.fullChannels > 0;
    if (!this.#parking.isEmpty) {
      if (isFull || this.#parking.isWaiting) return 'waiting';
      this.#parking.resumeOne();
      return 'progress';
    }
    if (this.#procedure !== undefined) return this.#advanceProcedure(this.#procedure);
    const trigger = this.#trigger;
    if (trigger !== undefined) {
      this.#trigger = undefined;
      this.#procedure = this.#checkpoint(trigger);
      return 'progress';
    }
    if (this.#isFinalCheckpointConfirmed()) {
      this.#procedure = this.#beginClosing();
      return 'progress';
    }
    if (this.#phase === 'closing' && this.#outputs.isAcknowledged() && this.#input.hasEnded) {
      this.#end();
      return 'waiting';
    }
    if (isFull) return 'waiting';
    if (this.#phase === 'reading' && this.#fireProcessingTimers()) return 'progress';
    if (this.#batch !== undefined) return this.#processBatch(this.#batch, startedAt);
    return this.#source === undefined ? this.#readInput() : this.#readSource(this.#source);
  }

  #advanceProcedure(procedure: Procedure): Step {
    const result = procedure.next();
    if (result.done === true) {
      this.#procedure = undefined;
      return 'progress';
    }
    if (result.value === 'room') return this.#outputs.pressure.fullChannels > 0 && this.#parking.isEmpty ? 'waiting' : 'progress';
    this.#isAwaiting = true;
    result.value.then(
      () => {
        this.#isAwaiting = false;
        this.#wake();
      },
      (error: unknown) => this.#fail(error),
    );
    return 'waiting';
  }

  #readSource(source: SourceDriver): Step {
    if (this.#phase !== 'reading') return 'waiting';
    const step = source.step(recordsPerClockCheck * 4);
    if (step === 'end') {
      this.#procedure = this.#endOfInput();
      return 'progress';
    }
    return step;
  }

  #readInput(): Step {
    const step = this.#input.next(decodeBatch);
    if (step.kind === 'none') return 'waiting';
    if (step.kind === 'event') {
      this.#onEvent(step.channel, step.event);
      return 'progress';
    }
    assert(this.#phase === 'reading', 'A record came after the end of data.');
    this.#batch = step.batch;
    this.#batchIndex = 0;
    return 'progress';
  }

  /** Records in a row, until something holds the task back (ST2), or the slice is over. */
  #processBatch(batch: RecordBatch, startedAt: number): Step {
    const { clock } = this.#options.ports;
    const { values, timestamps } = batch;
    const head = this.#head as Emit<unknown>;
    const { pressure } = this.#outputs;
    const parking = this.#parking;
    const first = this.#batchIndex;
    let index = first;
    let nextClockCheck = first + recordsPerClockCheck;
    try {
      while (index < values.length && pressure.fullChannels === 0 && parking.lowestIndex < 0) {
        const at = index;
        index += 1;
        head(values[at], timestamps === undefined ? noTimestamp : (timestamps[at] as number));
        if (index === nextClockCheck) {
          nextClockCheck += recordsPerClockCheck;
          if (clock.monotonic() - startedAt >= limits.sliceMs || this.#failure !== undefined) break;
        }
      }
    } finally {
      this.#batchIndex = index;
      this.#recordsIn += index - first;
    }
    if (index === values.length) {
      this.#batch = undefined;
      this.#input.finishBatch();
    }
    return 'progress';
  }

  #onEvent(channel: number, event: StreamEvent): void {
    switch (event.kind) {
      case 'watermark':
        this.#onWatermark(this.#watermarks.advance(channel, event.time));
        return;
      case 'barrier':
        this.#aligner.onBarrier(channel, event);
        return;
      case 'cancel-barrier':
        this.#aligner.onCancelBarrier(event.checkpointId);
        return;
      case 'end-of-data':
        this.#onEndOfData(channel);
        return;
      case 'end-of-partition':
        this.#onEndOfData(channel);
        this.#aligner.onEndOfPartition(channel);
        return;
    }
  }

  #onWatermark(watermark: number | undefined): void {
    if (watermark !== undefined) this.#procedure = this.#advanceWatermark(watermark);
  }

  #onEndOfData(channel: number): void {
    if (this.#dataEnded[channel] === true) return;
    this.#dataEnded[channel] = true;
    this.#channelsWithData -= 1;
    const watermark = this.#watermarks.end(channel);
    if (this.#channelsWithData === 0) this.#procedure = this.#endOfInput();
    else this.#onWatermark(watermark);
  }

  *#endOfInput(): Procedure {
    if (this.#watermark < maxWatermark) yield* this.#advanceWatermark(maxWatermark);
    yield* this.#finish();
  }

  /** Timers due first, operator by operator, then the watermark itself goes on. */
  *#advanceWatermark(watermark: number): Procedure {
    this.#watermark = watermark;
    if (!this.#isRestoredFinished) {
      for (const chained of this.#operators()) {
        yield* this.#fireEventTimers(chained, watermark);
        this.#call(chained.descriptor, () => chained.operator?.onWatermark?.(watermark));
        if (!this.#parking.isEmpty) yield 'room';
      }
    }
    this.#outputs.broadcast({ kind: 'watermark', time: watermark });
  }

  *#fireEventTimers({ keyed, operator, descriptor }: ChainedOperator, watermark: number): Procedure {
    if (keyed === undefined) return;
    let fired = 0;
    for (;;) {
      if (this.#isHeldBack() || fired === timersPerStep) {
        fired = 0;
        yield 'room';
      }
      const timer = keyed.pollTimer('event', watermark);
      if (timer === undefined) return;
      fired += 1;
      this.#call(descriptor, () => operator?.onTimer?.(timer.time, 'event'));
    }
  }

  /** Fires some processing timers that are due; whether there were any. */
  #fireProcessingTimers(): boolean {
    const now = this.#options.ports.clock.now();
    let fired = 0;
    for (const { keyed, operator, descriptor } of this.#operators()) {
      while (keyed !== undefined && fired < timersPerStep && !this.#isHeldBack()) {
        const timer = keyed.pollTimer('processing', now);
        if (timer === undefined) break;
        fired += 1;
        this.#call(descriptor, () => operator?.onTimer?.(timer.time, 'processing'));
      }
    }
    return fired > 0;
  }

  #armProcessingTimer(): void {
    const next = this.#phase === 'reading' && this.#status === 'running' ? this.#nextProcessingTimer() : undefined;
    if (this.#processingTimer?.at === next) return;
    this.#processingTimer?.handle.cancel();
    this.#processingTimer = undefined;
    if (next === undefined) return;
    const { clock } = this.#options.ports;
    const handle = clock.setTimer(Math.max(0, next - clock.now()), () => {
      this.#processingTimer = undefined;
      this.#wake();
    });
    this.#processingTimer = { at: next, handle };
  }

  #nextProcessingTimer(): number | undefined {
    let earliest: number | undefined;
    for (const { keyed } of this.#operators()) {
      const next = keyed?.nextTimer('processing');
      if (next !== undefined && (earliest === undefined || next < earliest)) earliest = next;
    }
    return earliest;
  }

  *#checkpoint(trigger: Trigger): Procedure {
    const { checkpointId: id, triggeredAt, isFinal } = trigger;
    const { clock } = this.#options.ports;
    if (id <= this.#lastCheckpoint) return;
    this.#lastCheckpoint = id;
    for (const old of [...this.#aborted]) if (old < id) this.#aborted.delete(old);
    if (this.#aborted.delete(id)) {
      this.#outputs.broadcast({ kind: 'cancel-barrier', checkpointId: id });
      return;
    }
    if (this.#phase === 'closing') {
      this.#abandonHere(id, 'CHECKPOINT_DECLINED_TASK_CLOSING');
      return;
    }
    const startedAt = clock.monotonic();
    for (const { operator, descriptor } of this.#operators()) {
      const prepared = this.#call(descriptor, () => operator?.prepareSnapshot?.(id));
      if (prepared !== undefined) yield this.#named(descriptor, prepared);
      if (!this.#parking.isEmpty) yield 'room';
    }
    this.#outputs.broadcast({ kind: 'barrier', checkpointId: id, triggeredAt, isFinal });
    this.#cut(trigger, startedAt);
  }

  #cut({ checkpointId, alignmentMs, isFinal }: Trigger, startedAt: number): void {
    const { descriptor, chunks, ports } = this.#options;
    this.#completeSnapshot();
    const isFinished = this.#phase !== 'reading';
    const run = new SnapshotRun({ checkpointId, descriptor, operators: this.#operators(), source: this.#source, chunks, isFinished });
    if (isFinished && isFinal) this.#finalCheckpoint ??= checkpointId;
    const cutAt = ports.clock.monotonic();
    this.#snapshot = { run, alignmentMs, syncMs: cutAt - startedAt, cutAt, recordsIn: this.#recordsIn };
  }

  /** Only one snapshot of a keyed state can be under way: an older one serialises the rest at once. */
  #completeSnapshot(): void {
    while (this.#snapshot !== undefined) this.#advanceSnapshot();
  }

  /** Some more of the snapshot under way; whether there is more to do. */
  #advanceSnapshot(): boolean {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return false;
    const { run } = snapshot;
    const { callbacks, ports } = this.#options;
    const id = run.checkpointId;
    try {
      if (run.advance(limits.snapshotEntriesPerSlice)) return true;
    } catch (error) {
      this.#snapshot = undefined;
      run.discard();
      callbacks.onDeclined(id, 'CHECKPOINT_ASYNC_EXCEPTION', error);
      return false;
    }
    this.#snapshot = undefined;
    this.#writing.set(id, run);
    run.finish().then(
      (taskSnapshot) => {
        if (!this.#writing.delete(id) || this.#status !== 'running') return;
        const { alignmentMs, syncMs, cutAt, recordsIn } = snapshot;
        callbacks.onAcknowledged({ checkpointId: id, snapshot: taskSnapshot, alignmentMs, syncMs, asyncMs: ports.clock.monotonic() - cutAt, recordsIn });
      },
      (error: unknown) => {
        if (!this.#writing.delete(id) || this.#status !== 'running') return;
        run.discard();
        callbacks.onDeclined(id, 'CHECKPOINT_ASYNC_EXCEPTION', error);
      },
    );
    return false;
  }

  #abandon(id: CheckpointId, reason: 'subsumed' | 'cancel-marker'): void {
    const why = reason === 'subsumed' ? 'CHECKPOINT_DECLINED_SUBSUMED' : 'CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER';
    this.#lastCheckpoint = Math.max(this.#lastCheckpoint, id);
    this.#aborted.delete(id);
    this.#abandonHere(id, why);
  }

  /** Consumers must not wait for a barrier that will not come. */
  #abandonHere(id: CheckpointId, why: Parameters<TaskRuntimeOptions['callbacks']['onDeclined']>[1]): void {
    this.#outputs.broadcast({ kind: 'cancel-barrier', checkpointId: id });
    this.#options.callbacks.onDeclined(id, why, undefined);
  }

  /** Follows confirmations, in order, each once; commits may take their time, in order too. */
  #confirm(): void {
    const id = this.#confirmRequested as CheckpointId;
    if (id <= this.#confirmed) return;
    this.#confirmed = id;
    for (const { operator, descriptor } of this.#operators()) {
      this.#notify(descriptor, () => operator?.checkpointCompleted?.(id));
    }
  }

  #isFinalCheckpointConfirmed(): boolean {
    return this.#phase === 'finished' && this.#finalCheckpoint !== undefined && this.#confirmed >= this.#finalCheckpoint;
  }

  /** Calls an operator in order with all such calls; what it rejects with fails the task. */
  #notify(descriptor: OperatorDescriptor, call: () => void | Promise<void> | undefined): void {
    this.#commits = this.#commits.then(async () => {
      if (this.#status === 'ended') return;
      try {
        await call();
      } catch (error) {
        this.#fail(functionError(descriptor.name, error));
      }
    });
  }

  *#finish(): Procedure {
    if (!this.#isRestoredFinished) {
      for (const { operator, descriptor } of this.#operators()) {
        this.#call(descriptor, () => operator?.endInput?.());
        if (!this.#parking.isEmpty) yield 'room';
        this.#call(descriptor, () => operator?.finish?.());
        if (!this.#parking.isEmpty) yield 'room';
      }
    } else if (this.#watermark < maxWatermark) {
      yield* this.#advanceWatermark(maxWatermark);
    }
    this.#outputs.broadcast({ kind: 'end-of-data' });
    this.#phase = 'finished';
    // What a task did before a final checkpoint is covered by it: it was committed on restore, and others may have ended.
    const isCovered = this.#options.descriptor.restore?.isFinal === true;
    if (this.#isCheckpointed && !isCovered) this.#options.callbacks.onEndOfData();
    else yield* this.#beginClosing();
  }

  /** After the commits: nothing follows on any output. The task stays until its consumers have everything. */
  *#beginClosing(): Procedure {
    this.#phase = 'closing';
    yield this.#commits;
    this.#outputs.broadcast({ kind: 'end-of-partition' });
  }

  #end(): void {
    const { callbacks } = this.#options;
    this.#closing = this.#close();
    this.#closing.then(() => {
      if (this.#status !== 'running') return;
      this.#status = 'ended';
      if (this.#failure === undefined) callbacks.onFinished();
      else callbacks.onFailed(this.#failure.error);
    }, () => {});
  }

  /** Frees everything. Failures of operators are logged, and fail a task that was ending well. Never rejects. */
  async #close(): Promise<void> {
    this.#options.loop.remove(this);
    this.#processingTimer?.handle.cancel();
    this.#processingTimer = undefined;
    this.#snapshot?.run.discard();
    this.#snapshot = undefined;
    for (const run of this.#writing.values()) run.discard();
    this.#writing.clear();
    this.#parking.clear();
    this.#batch = undefined;
    this.#input.close();
    this.#outputs.close();
    const failures: unknown[] = [];
    await this.#source?.close().catch((error: unknown) => failures.push(error));
    failures.push(...((await this.#chain?.close()) ?? []));
    for (const failure of failures) {
      this.#options.ports.logger.log('warn', 'An operator failed to close', { task: this.name, error: toErrorRecord(failure).message });
      if (this.#status === 'running') this.#failure ??= { error: failure };
    }
  }

  #operators(): readonly ChainedOperator[] {
    return this.#chain?.operators ?? [];
  }

  #isHeldBack(): boolean {
    return this.#outputs.pressure.fullChannels > 0 || !this.#parking.isEmpty;
  }

  #call<T>(descriptor: OperatorDescriptor, call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw functionError(descriptor.name, error);
    }
  }

  #named(descriptor: OperatorDescriptor, promise: Promise<void>): Promise<void> {
    return promise.catch((error: unknown) => {
      throw functionError(descriptor.name, error);
    });
  }

  #endBackPressure(now: number): void {
    if (this.#pressedSince === undefined) return;
    this.#backPressuredMs += now - this.#pressedSince;
    this.#pressedSince = undefined;
  }
}

const decodeBatch = (encoded: EncodedBatch): RecordBatch => rowCodec.decodeBatch(encoded.payload, encoded.bodyOffset);
