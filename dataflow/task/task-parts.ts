/**
 * What a task is made of, put together: parts know each other by what is handed to them here, and their task by
 * {@link TaskOwner}. The life of the task is in `stream-task.ts`.
 */
import { vertexOf } from '../../graph/execution-graph.js';
import type { JobVertex } from '../../graph/types.js';
import { createHeadLoop } from '../fusion/head-loop.js';
import { createRecordCount } from '../fusion/record-count.js';
import type { TaskRuntimeOptions } from '../task-runtime.js';
import type { ChainedOperator } from './chained-operator.js';
import type { ChainScope } from './event-time.js';
import { Mailbox } from './mailbox.js';
import { OperatorChain } from './operator-chain.js';
import { Parking } from './parking.js';
import { ProcedureRunner } from './procedure-runner.js';
import { RecordClock } from './record-clock.js';
import { RecordReader } from './record-reader.js';
import { SliceBudget } from './slice-budget.js';
import { driveSource } from './source-driver.js';
import { wasAtEnd } from './source-state.js';
import { TaskCheckpoints } from './task-checkpoints.js';
import { TaskClocks } from './task-clocks.js';
import { TaskCommits } from './task-commits.js';
import { TaskEnding } from './task-ending.js';
import { TaskOutputs } from './task-outputs.js';
import { TaskSteps } from './task-steps.js';
import { TaskTimes } from './task-times.js';
import { UserCalls } from './user-calls.js';

/** The life of the task, as its parts see it. */
export interface TaskOwner {
  /** For messages: `name (1/2)`. */
  readonly name: string;
  /** There is something to do. */
  readonly wake: () => void;
  /** The task fails at the end of the call under way. */
  readonly fail: (error: unknown) => void;
  readonly isEnded: () => boolean;
  /** Nothing may be done any more: the task failed, or does not run. */
  readonly isOver: () => boolean;
  /** Everything was read, processed, committed and taken. */
  readonly onDone: () => void;
}

/** See the head of this file. */
export class TaskParts implements ChainScope {
  readonly vertex: JobVertex;
  /** The checkpoint being restored was taken after `finish`: it is not called again. */
  readonly isRestoredFinished: boolean;
  readonly parking = new Parking();
  readonly quota = { left: 0 };
  readonly recordClock: RecordClock;
  readonly mailbox: Mailbox;
  readonly procedure: ProcedureRunner;
  readonly times = new TaskTimes();
  readonly calls: UserCalls;
  readonly outputs: TaskOutputs;
  readonly reader: RecordReader;
  readonly clocks: TaskClocks;
  readonly checkpoints: TaskCheckpoints;
  readonly commits: TaskCommits;
  readonly ending: TaskEnding;
  readonly steps: TaskSteps;
  chain: OperatorChain | undefined;
  readonly #options: TaskRuntimeOptions;
  readonly #task: TaskOwner;
  /** Records the source emitted: one number that compiled code can count in. */
  readonly #sourceRecords = createRecordCount();

  constructor(options: TaskRuntimeOptions, task: TaskOwner) {
    this.#options = options;
    this.#task = task;
    const { descriptor } = options;
    this.vertex = vertexOf(descriptor.jobGraph, descriptor.vertexId);
    this.isRestoredFinished = wasAtEnd(descriptor.restore?.tasks ?? []);
    this.mailbox = new Mailbox(task.wake);
    this.procedure = new ProcedureRunner(task);
    this.recordClock = new RecordClock(options.ports.clock);
    this.calls = new UserCalls({ ...options.ports, task: task.name, timeoutMs: descriptor.jobGraph.settings.openTimeoutMs ?? 0 });
    this.outputs = this.#createOutputs();
    this.reader = this.#createReader();
    this.clocks = this.#createClocks();
    this.checkpoints = this.#createCheckpoints();
    this.commits = new TaskCommits({ operators: () => this.operators(), isEnded: task.isEnded, calls: this.calls, fail: task.fail });
    this.ending = this.#createEnding();
    this.steps = this.#createSteps();
  }

  /** Opens the outputs and makes the operators between them and what the task reads; prepare and open them. */
  createChain(): OperatorChain {
    const { callbacks } = this.#options;
    const chain = new OperatorChain({
      ...this.#options,
      vertex: this.vertex,
      edges: this.outputs.open(),
      calls: this.calls,
      pressure: this.outputs.pressure,
      parking: this.parking,
      quota: this.quota,
      recordClock: this.recordClock,
      sourceRecords: this.#sourceRecords,
      mailbox: this.mailbox,
      placeInTime: this.clocks.time.place,
      emitTime: (change) => this.clocks.time.emit(change),
      fail: this.#task.fail,
      wake: this.#task.wake,
      onSharedResource: (name, token) => callbacks.onSharedResource(name, token),
      onResult: (name, values) => callbacks.onResult?.(name, values),
    });
    this.chain = chain;
    return chain;
  }

  /** Once the operators are open: what is read goes to the first of them. */
  readInto(chain: OperatorChain): void {
    const { splitSource, ports } = this.#options;
    const { wake, fail } = this.#task;
    const { pressure } = this.outputs;
    if (chain.source !== undefined) {
      const waits = { clock: ports.clock, calls: this.calls, wake, fail };
      const source = driveSource({ ...chain.source, head: chain.head, splitSource, ...waits });
      this.steps.readFrom({ source, loops: [] });
    } else {
      const loops = chain.inputs.map((head) => createHeadLoop({ head, pressure, parking: this.parking }));
      this.steps.readFrom({ source: undefined, loops });
    }
  }

  /** Frees everything, channels first; resolves with what operators could not close for. Never rejects. */
  async close(): Promise<readonly unknown[]> {
    this.clocks.stop();
    this.calls.forgetAll();
    this.checkpoints.discardAll();
    this.parking.clear();
    this.mailbox.clear();
    this.reader.close();
    this.outputs.close();
    const failures: unknown[] = [];
    await this.steps.source?.close().catch((error: unknown) => failures.push(error));
    failures.push(...((await this.chain?.close()) ?? []));
    return failures;
  }

  /** Records read so far, from a source or from channels. */
  recordsIn(): number {
    return (this.#sourceRecords[0] as number) + this.reader.recordsIn;
  }

  operators(): readonly ChainedOperator[] {
    return this.chain?.operators ?? [];
  }

  isParked(): boolean {
    return !this.parking.isEmpty;
  }

  isHeldBack(): boolean {
    return this.outputs.pressure.fullChannels > 0 || !this.parking.isEmpty;
  }

  #createOutputs(): TaskOutputs {
    const { descriptor, network, ports, code } = this.#options;
    const { settings } = descriptor.jobGraph;
    return new TaskOutputs({
      partitions: descriptor.outputs,
      code,
      network,
      owner: this.#task,
      ports,
      isObjectReuse: settings.objectReuse,
      bufferTimeoutMs: settings.bufferTimeoutMs,
      operatorName: (id) => this.vertex.operators.find((operator) => operator.id === id)?.name ?? id,
    });
  }

  #createReader(): RecordReader {
    const { descriptor, network, ports, testSwitches } = this.#options;
    return new RecordReader({
      gates: descriptor.inputs,
      network,
      clock: ports.clock,
      recordClock: this.recordClock,
      isAlignmentOff: testSwitches?.isAlignmentOff === true,
      wake: this.#task.wake,
      fail: this.#task.fail,
      onAligned: (barrier, alignmentMs) => this.checkpoints.onAligned(barrier, alignmentMs),
      onAbandoned: (id, reason) => this.checkpoints.onAbandoned(id, reason),
      onTime: (change) => void this.procedure.begin(this.clocks.time.move(change)),
      onInputEnded: (input, change) => void this.procedure.begin(this.clocks.time.endInput(input, change)),
      onEndOfData: (input) => void this.procedure.begin(this.ending.endInput(input)),
      onLatencyMarker: (marker) => this.clocks.latency.take(marker),
    });
  }

  #createClocks(): TaskClocks {
    return new TaskClocks({
      descriptor: this.#options.descriptor,
      vertex: this.vertex,
      clock: this.#options.ports.clock,
      scope: this,
      outputs: this.outputs,
      times: this.times,
      procedure: this.procedure,
      isRestoredFinished: this.isRestoredFinished,
      wake: this.#task.wake,
    });
  }

  #createCheckpoints(): TaskCheckpoints {
    const { descriptor, chunks, ports, callbacks } = this.#options;
    return new TaskCheckpoints({
      descriptor,
      chunks,
      clock: ports.clock,
      callbacks,
      calls: this.calls,
      wake: this.#task.wake,
      scope: this,
      broadcast: (event) => this.outputs.broadcast(event),
      source: () => this.steps.source,
      recordsIn: () => this.recordsIn(),
      recordsWritten: () => this.chain?.recordsWritten ?? 0,
      accumulators: () => this.chain?.accumulators() ?? [],
      endPhase: () => this.ending.phase,
    });
  }

  #createEnding(): TaskEnding {
    const { descriptor, callbacks } = this.#options;
    return new TaskEnding({
      time: this.clocks.time,
      commits: this.commits,
      isFinalCheckpointDue: descriptor.jobGraph.settings.checkpointing.intervalMs !== undefined && descriptor.restore?.isFinal !== true,
      broadcast: (event) => this.outputs.broadcast(event),
      onFinished: () => this.clocks.stop(),
      onEndOfData: () => callbacks.onEndOfData(),
    });
  }

  #createSteps(): TaskSteps {
    const { ports, loop } = this.#options;
    return new TaskSteps({
      budget: new SliceBudget({ clock: ports.clock, recordsPerSlice: loop.recordsPerSlice }),
      quota: this.quota,
      recordClock: this.recordClock,
      parking: this.parking,
      mailbox: this.mailbox,
      procedure: this.procedure,
      outputs: this.outputs,
      reader: this.reader,
      clocks: this.clocks,
      checkpoints: this.checkpoints,
      commits: this.commits,
      ending: this.ending,
      recordsIn: () => this.recordsIn(),
      isOver: this.#task.isOver,
      onDone: this.#task.onDone,
    });
  }
}
