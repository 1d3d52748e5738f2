/** One attempt of one subtask on the JobManager: its machine, its slot, and what its task reported. */
import type { AccumulatorState } from '../../core/accumulator-state.js';
import type { ErrorRecord } from '../../core/errors.js';
import { formatAttemptId, type AttemptId, type AttemptNumber, type LeaderEpoch, type VertexId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { PastAttempt } from '../../bus/protocol/messages/jobs.js';
import { noTaskMetrics, type TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { executionName, executionVertexId, type ExecutionVertexId } from '../../graph/execution-graph.js';
import type { JobVertex } from '../../graph/types.js';
import {
  executionMachine,
  terminalExecutionStates,
  type ExecutionEffect,
  type ExecutionEvent,
  type ExecutionState,
} from '../../state-machines/execution/execution-machine.js';
import type { CompletedCheckpoint, RecordCounts } from '../../storage/contracts.js';
import { accumulatorsBefore, noRecords, recordsBefore } from './record-counts.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';
import type { ExecutionView } from './checkpointing.js';
import type { PooledSlot } from './slot-pool.js';
import { loadBetween, type TaskLoad } from './task-load.js';

export interface ExecutionOptions {
  readonly vertex: JobVertex;
  readonly subtaskIndex: number;
  readonly leaderEpoch: LeaderEpoch;
  readonly attemptNumber: AttemptNumber;
  readonly isSource: boolean;
  readonly createdAt: number;
  readonly perform: (execution: Execution, effect: Exclude<ExecutionEffect, { readonly type: 'ignored' }>) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown) => void;
}

export class Execution {
  readonly attemptId: AttemptId;
  readonly attemptNumber: AttemptNumber;
  readonly subtask: ExecutionVertexId;
  readonly vertex: JobVertex;
  readonly vertexId: VertexId;
  readonly subtaskIndex: number;
  /** `name (2/4)`. */
  readonly name: string;
  readonly taskName: string;
  /** Where it is deployed; set right before. */
  slot: PooledSlot | undefined;
  /** Number of the beat before which the TaskManager had accepted it; undefined while it has not. */
  acceptedAtBeat: number | undefined;
  #metrics: TaskMetrics = noTaskMetrics;
  #load: TaskLoad | undefined;
  /** What the attempts before it had processed for the checkpoint it starts from: its own metrics begin there. */
  recordsBefore: RecordCounts = noRecords;
  /** What they had accumulated for it. */
  accumulatorsBefore: readonly AccumulatorState[] = [];
  /** What it added to the job's result when it finished, by name. */
  results: Readonly<Record<string, readonly unknown[]>> = {};
  readonly #host: MachineHost<typeof executionMachine, ExecutionEffect>;
  readonly #isSource: boolean;

  constructor(options: ExecutionOptions) {
    const { vertex, subtaskIndex, leaderEpoch, attemptNumber } = options;
    this.attemptId = formatAttemptId({ vertexId: vertex.id, subtaskIndex, leaderEpoch, attemptNumber });
    this.attemptNumber = attemptNumber;
    this.vertex = vertex;
    this.vertexId = vertex.id;
    this.subtaskIndex = subtaskIndex;
    this.subtask = executionVertexId(vertex.id, subtaskIndex);
    this.name = executionName(vertex, subtaskIndex);
    this.taskName = vertex.name;
    this.#isSource = options.isSource;
    this.#host = new MachineHost<typeof executionMachine, ExecutionEffect>({
      machine: executionMachine,
      input: { at: options.createdAt },
      name: this.attemptId,
      perform: (effect) => options.perform(this, effect),
      ...(options.onTransition === undefined ? {} : { onTransition: options.onTransition }),
      onEffectFailed: options.onEffectFailed,
    });
  }

  get metrics(): TaskMetrics {
    return this.#metrics;
  }

  /** How its latest second went; undefined when that is not known, or over. */
  get load(): TaskLoad | undefined {
    return this.isTerminal ? undefined : this.#load;
  }

  /** What its task reported. Nothing changes any more once it has ended. */
  report(metrics: TaskMetrics): void {
    if (this.isTerminal) return;
    this.#load = loadBetween(this.#metrics, metrics) ?? this.#load;
    this.#metrics = metrics;
  }

  /** What it counts on from, when it starts from a checkpoint of this job. */
  countOn(checkpoint: CompletedCheckpoint | undefined): void {
    this.recordsBefore = recordsBefore(checkpoint, this.vertex, this.subtaskIndex);
    this.accumulatorsBefore = accumulatorsBefore(checkpoint, this.vertex, this.subtaskIndex);
  }

  /** After all transitions so far, also those that are still being told of. */
  get state(): ExecutionState {
    return this.#host.context.state;
  }

  get error(): ErrorRecord | null {
    return this.#host.context.error;
  }

  get isTerminal(): boolean {
    return terminalExecutionStates.includes(this.state);
  }

  /** Late, duplicate and moot events, by `STATE EVENT reason`. */
  get ignored(): ReadonlyMap<string, number> {
    return this.#host.ignored;
  }

  /** How it went, once it ended. */
  past(): PastAttempt {
    const { state, error } = this;
    return {
      attemptId: this.attemptId,
      task: this.name,
      state,
      taskManagerId: this.slot?.taskManagerId ?? null,
      endedAt: this.#host.context.timestamps[state] ?? 0,
      error: error === null ? null : `${error.message.slice(0, limits.exceptionTextMax)} [${error.code}]`,
    };
  }

  send(event: ExecutionEvent): void {
    this.#host.send(event);
  }

  view(): ExecutionView {
    return {
      attemptId: this.attemptId,
      vertexId: this.vertexId,
      subtaskIndex: this.subtaskIndex,
      taskName: this.taskName,
      state: this.state,
      isSource: this.#isSource,
      recordsBefore: this.recordsBefore,
      accumulatorsBefore: this.accumulatorsBefore,
      location: this.slot === undefined ? undefined : { taskManagerId: this.slot.taskManagerId, slot: this.slot.slot },
    };
  }
}
