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
import { vertexOf } from '../../graph/execution-graph.js';
import type { JobVertex } from '../../graph/types.js';
import { createRecordCount } from '../fusion/record-count.js';
import { createHeadLoop } from '../fusion/head-loop.js';
import type { SlotTask } from '../slot-loop.js';
import { noStrategy } from '../time/time-origin.js';
import type { CheckpointTrigger, TaskDeclineReason, TaskRuntime, TaskRuntimeMetrics, TaskRuntimeOptions } from '../task-runtime.js';
import type { ChainedOperator } from './chained-operator.js';
import type { ChainScope } from './event-time.js';
import { Mailbox } from './mailbox.js';
import { OperatorChain } from './operator-chain.js';
import { Parking } from './parking.js';
import { ProcedureRunner } from './procedure-runner.js';
import { RecordReader } from './record-reader.js';
import { SliceBudget } from './slice-budget.js';
import { driveSource } from './source-driver.js';
import { wasAtEnd } from './source-state.js';
import { enumerateSplits } from './split-enumeration.js';
import { TaskCheckpoints } from './task-checkpoints.js';
import { TaskClocks } from './task-clocks.js';
import { TaskCommits } from './task-commits.js';
import { TaskEnding } from './task-ending.js';
import { accumulatorsOf, metricsOf } from './task-metrics.js';
import { TaskOutputs } from './task-outputs.js';
import { TaskSteps } from './task-steps.js';
import { TaskTimes } from './task-times.js';

/** The data plane of one task; see the head of this file. */
export class StreamTask implements TaskRuntime, SlotTask, ChainScope {
  readonly name: string;
  readonly #options: TaskRuntimeOptions;
  readonly #vertex: JobVertex;
  /** The checkpoint being restored was taken after `finish`: it is not called again. */
  readonly #isRestoredFinished: boolean;
  readonly #parking = new Parking();
  readonly #quota = { left: 0 };
  readonly #mailbox = new Mailbox(() => this.#wake());
  readonly #outputs: TaskOutputs;
  readonly #reader: RecordReader;
  readonly #checkpoints: TaskCheckpoints;
  readonly #commits: TaskCommits;
  readonly #clocks: TaskClocks;
  readonly #ending: TaskEnding;
  #chain: OperatorChain | undefined;
  #status: 'created' | 'initializing' | 'ready' | 'running' | 'ended' = 'created';
  #failure: { readonly error: unknown } | undefined;
  #closing: Promise<void> | undefined;

  /** Who is woken, and told of failures, by what the task waits for. */
  readonly #owner = { wake: (): void => this.#wake(), fail: (error: unknown): void => this.#fail(error) };
  readonly #procedure = new ProcedureRunner(this.#owner);

  /** Records the source emitted: one number that compiled code can count in. */
  readonly #sourceRecords = createRecordCount();
  readonly #times = new TaskTimes();
  readonly #steps: TaskSteps;

  constructor(options: TaskRuntimeOptions) {
    this.#options = options;
    const { descriptor, taskInfo } = options;
    this.#vertex = vertexOf(descriptor.jobGraph, descriptor.vertexId);
    this.name = `${taskInfo.taskName} (${taskInfo.subtaskIndex + 1}/${taskInfo.parallelism})`;
    this.#isRestoredFinished = wasAtEnd(descriptor.restore?.tasks ?? []);
    this.#outputs = this.#createOutputs();
    this.#reader = this.#createReader();
    this.#clocks = this.#createClocks();
    this.#checkpoints = this.#createCheckpoints();
    this.#commits = new TaskCommits({ operators: () => this.operators(), isEnded: () => this.#status === 'ended', fail: this.#owner.fail });
    this.#ending = this.#createEnding();
    this.#steps = this.#createSteps();
  }

  async initialize(): Promise<void> {
    assert(this.#status === 'created' || this.#status === 'ended', 'A task is initialized once.');
    this.#checkNotEnded();
    this.#status = 'initializing';
    const { callbacks } = this.#options;
    const room = { pressure: this.#outputs.pressure, parking: this.#parking };
    const chain = new OperatorChain({
      ...this.#options,
      vertex: this.#vertex,
      edges: this.#outputs.open(),
      ...room,
      quota: this.#quota,
      sourceRecords: this.#sourceRecords,
      mailbox: this.#mailbox,
      placeInTime: this.#clocks.time.place,
      emitTime: (change) => this.#clocks.time.emit(change),
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
    if (chain.source !== undefined) {
      const { splitSource, ports } = this.#options;
      const source = driveSource({ ...chain.source, head: chain.head, splitSource, clock: ports.clock, ...this.#owner });
      this.#steps.readFrom({ source, loops: [] });
    } else this.#steps.readFrom({ source: undefined, loops: chain.inputs.map((head) => createHeadLoop({ head, ...room })) });
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#status = 'ready';
  }

  start(): void {
    if (this.#status === 'ended') return;
    assert(this.#status === 'ready', 'A task starts once it is initialized.');
    this.#status = 'running';
    this.#options.loop.add(this);
    this.#reader.open();
    enumerateSplits({ ...this.#options, vertex: this.#vertex, isEnded: () => this.#status === 'ended', fail: (e) => this.#fail(e) });
    if (this.#steps.source !== undefined && this.#isRestoredFinished) {
      this.#procedure.begin(this.#ending.endInput());
      return;
    }
    this.#clocks.start(this.#steps.source?.start());
  }

  triggerCheckpoint(trigger: CheckpointTrigger): 'accepted' | 'seen' | 'declined' {
    const answer = this.#checkpoints.trigger(trigger, this.#whyNotTriggered());
    if (answer === 'accepted') this.#wake();
    return answer;
  }

  checkpointCompleted(id: CheckpointId): void {
    const isEnd = this.#checkpoints.completed(id);
    if (this.#commits.request(id) || isEnd) this.#wake();
  }

  checkpointAborted(id: CheckpointId): void {
    if (this.#status === 'ended') return;
    this.#checkpoints.abort(id, this.#reader.abort(id));
    this.#commits.aborted(id);
    this.#wake();
  }

  cancel(): Promise<void> {
    this.#status = 'ended';
    this.#closing ??= this.#close();
    return this.#closing;
  }

  metrics(): TaskRuntimeMetrics {
    if (this.#status === 'running') this.#times.settle(this.#options.ports.clock.monotonic());
    return metricsOf({
      recordsIn: this.#recordsIn(),
      chain: this.#chain,
      outputs: this.#outputs,
      reader: this.#reader,
      times: this.#times,
      latency: this.#clocks.latency,
      network: this.#options.network,
      accumulators: accumulatorsOf(this.#chain, (error) => this.#fail(error)),
      eventTimes:
        this.#status === 'running' ? this.#clocks.time.report(() => (this.#steps.source ? noStrategy : this.#reader.timeHolders())) : [],
    });
  }

  operators(): readonly ChainedOperator[] {
    return this.#chain?.operators ?? [];
  }

  isParked(): boolean {
    return !this.#parking.isEmpty;
  }

  isHeldBack(): boolean {
    return this.#outputs.pressure.fullChannels > 0 || !this.#parking.isEmpty;
  }

  /** One turn of the slot loop. Never throws. */
  runSlice(): 'more' | 'idle' {
    if (this.#status !== 'running') return 'idle';
    const { clock } = this.#options.ports;
    const startedAt = clock.monotonic();
    this.#times.begin(startedAt);
    let isMore = false;
    try {
      isMore = this.#steps.run(startedAt) === 'progress';
      isMore = this.#checkpoints.advance() || isMore;
      if (this.#status === 'running') this.#outputs.onSliceEnd();
      if (this.#status === 'running' && this.#ending.phase === 'reading') this.#clocks.arm();
      this.#chain?.leaveKeys();
    } catch (error) {
      this.#fail(error);
    }
    this.#times.end(clock.monotonic(), isMore ? 'ready' : this.#waitsFor());
    if (this.#failure !== undefined) {
      this.#reportFailure(this.#failure.error);
      return 'idle';
    }
    return isMore ? 'more' : 'idle';
  }

  /** An operator that waits for its disk is at work: the task it holds up shows as back-pressured, this one must show why. */
  #waitsFor(): 'ready' | 'held-back' | 'idle' {
    if (this.#parking.isWaiting || this.#procedure.isWaiting) return 'ready';
    return this.#outputs.pressure.fullChannels > 0 ? 'held-back' : 'idle';
  }

  readonly #wake = (): void => this.#options.loop.wake(this);

  #createOutputs(): TaskOutputs {
    const { descriptor, network, ports, code } = this.#options;
    const { settings } = descriptor.jobGraph;
    return new TaskOutputs({
      partitions: descriptor.outputs,
      code,
      network,
      owner: this.#owner,
      ports,
      isObjectReuse: settings.objectReuse,
      bufferTimeoutMs: settings.bufferTimeoutMs,
      operatorName: (id) => this.#vertex.operators.find((operator) => operator.id === id)?.name ?? id,
    });
  }

  #createReader(): RecordReader {
    const { descriptor, network, ports, testSwitches } = this.#options;
    return new RecordReader({
      gates: descriptor.inputs,
      network,
      clock: ports.clock,
      isAlignmentOff: testSwitches?.isAlignmentOff === true,
      ...this.#owner,
      onAligned: (barrier, alignmentMs) => this.#checkpoints.onAligned(barrier, alignmentMs),
      onAbandoned: (id, reason) => this.#checkpoints.onAbandoned(id, reason),
      onTime: (change) => void this.#procedure.begin(this.#clocks.time.move(change)),
      onInputEnded: (input, change) => void this.#procedure.begin(this.#clocks.time.endInput(input, change)),
      onEndOfData: (input) => void this.#procedure.begin(this.#ending.endInput(input)),
      onLatencyMarker: (marker) => this.#clocks.latency.take(marker),
    });
  }

  #createClocks(): TaskClocks {
    return new TaskClocks({
      descriptor: this.#options.descriptor,
      vertex: this.#vertex,
      clock: this.#options.ports.clock,
      scope: this,
      outputs: this.#outputs,
      times: this.#times,
      procedure: this.#procedure,
      isRestoredFinished: this.#isRestoredFinished,
      wake: this.#wake,
    });
  }

  #createCheckpoints(): TaskCheckpoints {
    const { descriptor, chunks, ports, callbacks } = this.#options;
    return new TaskCheckpoints({
      descriptor,
      chunks,
      clock: ports.clock,
      callbacks,
      wake: this.#wake,
      scope: this,
      broadcast: (event) => this.#outputs.broadcast(event),
      source: () => this.#steps.source,
      recordsIn: () => this.#recordsIn(),
      recordsWritten: () => this.#chain?.recordsWritten ?? 0,
      accumulators: () => this.#chain?.accumulators() ?? [],
      endPhase: () => this.#ending.phase,
    });
  }

  #createEnding(): TaskEnding {
    const { descriptor, callbacks } = this.#options;
    return new TaskEnding({
      time: this.#clocks.time,
      commits: this.#commits,
      isFinalCheckpointDue: descriptor.jobGraph.settings.checkpointing.intervalMs !== undefined && descriptor.restore?.isFinal !== true,
      broadcast: (event) => this.#outputs.broadcast(event),
      onFinished: () => this.#clocks.stop(),
      onEndOfData: () => callbacks.onEndOfData(),
    });
  }

  #createSteps(): TaskSteps {
    const { ports, loop } = this.#options;
    return new TaskSteps({
      budget: new SliceBudget({ clock: ports.clock, recordsPerSlice: loop.recordsPerSlice }),
      quota: this.#quota,
      parking: this.#parking,
      mailbox: this.#mailbox,
      procedure: this.#procedure,
      outputs: this.#outputs,
      reader: this.#reader,
      clocks: this.#clocks,
      checkpoints: this.#checkpoints,
      commits: this.#commits,
      ending: this.#ending,
      recordsIn: () => this.#recordsIn(),
      isOver: () => this.#failure !== undefined || this.#status !== 'running',
      onDone: () => this.#end(),
    });
  }

  #recordsIn(): number {
    return (this.#sourceRecords[0] as number) + this.#reader.recordsIn;
  }

  #checkNotEnded(): void {
    if (this.#status === 'ended') throw new MillraceError('TASK_CANCELLED', 'The task was cancelled before it was initialized.');
  }

  #fail(error: unknown): void {
    if (this.#status === 'ended' || this.#failure !== undefined) return;
    this.#failure = { error };
    this.#wake();
  }

  #reportFailure(error: unknown): void {
    if (this.#status !== 'running') return;
    this.#status = 'ended';
    this.#options.loop.remove(this);
    this.#checkpoints.discardAll();
    this.#options.callbacks.onFailed(error);
  }

  #whyNotTriggered(): TaskDeclineReason | undefined {
    if (this.#status === 'ended' || this.#ending.phase === 'closing' || this.#failure !== undefined)
      return 'CHECKPOINT_DECLINED_TASK_CLOSING';
    if (this.#status !== 'running') return 'CHECKPOINT_DECLINED_TASK_NOT_READY';
    // Only sources are triggered; the others follow barriers.
    return this.#steps.source === undefined ? 'CHECKPOINT_DECLINED' : undefined;
  }

  #end(): void {
    const { callbacks } = this.#options;
    this.#closing = this.#close();
    void this.#closing.then(() => {
      if (this.#status !== 'running') return;
      // What is wrong with them since the last report must fail the task now: nobody looks at them later.
      accumulatorsOf(this.#chain, (error) => this.#fail(error));
      this.#status = 'ended';
      if (this.#failure === undefined) callbacks.onFinished();
      else callbacks.onFailed(this.#failure.error);
    });
  }

  /** Frees everything. Failures of operators are logged, and fail a task that was ending well. Never rejects. */
  async #close(): Promise<void> {
    this.#options.loop.remove(this);
    this.#clocks.stop();
    this.#checkpoints.discardAll();
    this.#parking.clear();
    this.#mailbox.clear();
    this.#reader.close();
    this.#outputs.close();
    const failures: unknown[] = [];
    await this.#steps.source?.close().catch((error: unknown) => failures.push(error));
    failures.push(...((await this.#chain?.close()) ?? []));
    for (const failure of failures) {
      this.#options.ports.logger.log('warn', 'An operator failed to close', { task: this.name, error: toErrorRecord(failure).message });
      if (this.#status === 'running') this.#failure ??= { error: failure };
    }
  }
}
