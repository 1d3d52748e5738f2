/**
 * One attempt of one subtask in its slot: the task machine decides, the TaskRuntime runs, the scheduler is told.
 *
 * The invariants T1–T6 stand in `state-machines/task`. Here:
 * A1  What comes back from a step that a cancel or failure overtook is dropped; what it had built is closed.
 * A2  Every error that leaves a task names the task, if nothing nearer to the cause is named.
 */
import { toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { AttemptId, CheckpointId, SessionId, TaskManagerId } from '../../core/ids.js';
import type { CorePorts, FileSystem, Logger } from '../../core/ports.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import { noTaskMetrics, type TaskDeploymentDescriptor, type TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { TaskState } from '../../bus/protocol/schemas.js';
import type { AttemptNumber } from '../../core/ids.js';
import type { TaskInfo } from '../../dataflow/contracts.js';
import type {
  TaskAcknowledgement,
  TaskCallbacks,
  TaskDeclineReason,
  TaskRuntime,
  TaskRuntimeOptions,
} from '../../dataflow/task-runtime.js';
import { reportedState, taskMachine, type TaskEffect } from '../../state-machines/task/task-machine.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';
import { askUntilAnswered } from '../runtime/persistent-ask.js';
import { vertexOf } from '../../graph/execution-graph.js';
import type { SlotJobCode } from './job-code.js';
import { SplitRequests } from './split-requests.js';
import { StateReporter } from './state-reporter.js';

/** What all tasks of a slot share. */
export interface TaskEnvironment {
  readonly taskManagerId: TaskManagerId;
  readonly sessionId: SessionId;
  readonly endpoint: Endpoint;
  readonly ports: CorePorts & { readonly files: FileSystem };
  readonly jobCode: SlotJobCode;
  /** Makes the runtime from what the task adds: its descriptor, code, split source and callbacks. */
  readonly createRuntime: (
    options: Pick<TaskRuntimeOptions, 'descriptor' | 'taskInfo' | 'code' | 'ports' | 'splitSource' | 'callbacks'>,
  ) => TaskRuntime;
  readonly onTransition?: (record: TransitionRecord) => void;
}

export interface TaskOptions extends TaskEnvironment {
  readonly descriptor: TaskDeploymentDescriptor;
  /** The task entered a state that is reported or heartbeats tell. */
  readonly onState: (state: TaskState) => void;
  /** Everything the task held is closed; its final report is on its way. */
  readonly onClosed: (state: TaskState) => void;
  /** The task is over and its final state known. */
  readonly onReleased: (state: TaskState) => void;
}

export class Task {
  readonly attemptId: AttemptId;
  /** Name of the chain and number of the subtask, for people: `map (1/2)`. */
  readonly name: string;
  readonly #options: TaskOptions;
  readonly #info: TaskInfo;
  readonly #logger: Logger;
  readonly #reporter: StateReporter;
  readonly #sharedResources: Record<string, string> = {};
  readonly #results: Record<string, readonly unknown[]> = {};
  readonly #host: MachineHost<typeof taskMachine, TaskEffect>;
  #runtime: TaskRuntime | undefined;
  #state: TaskState = 'CREATED';

  constructor(options: TaskOptions) {
    const { descriptor } = options;
    this.#options = options;
    this.attemptId = descriptor.attemptId;
    this.#info = taskInfoOf(options);
    this.name = `${this.#info.taskName} (${descriptor.subtaskIndex + 1}/${this.#info.parallelism})`;
    this.#logger = options.ports.logger.child({ task: this.name, attemptId: this.attemptId });
    this.#reporter = new StateReporter({
      endpoint: options.endpoint,
      clock: options.ports.clock,
      logger: this.#logger,
      descriptor,
      metrics: () => this.metrics(),
      sharedResources: () => this.#sharedResources,
      results: () => this.#results,
      onAnswered: ({ state }) => {
        if (isFinal(state)) this.#host.send({ type: 'FINAL_STATE_REPORTED' });
      },
      onRefused: (error) => this.#host.send({ type: 'REPORT_REFUSED', error: toErrorRecord(error) }),
    });
    this.#host = new MachineHost<typeof taskMachine, TaskEffect>({
      machine: taskMachine,
      input: undefined,
      name: `task ${this.name}`,
      perform: (effect) => this.#perform(effect),
      onTransition: (record) => this.#onTransition(record),
      onEffectFailed: (error) => this.#host.send({ type: 'TASK_FAILED', error: this.#record(error) }),
    });
  }

  /** As Flink names it; after the release the state it was released in. */
  get state(): TaskState {
    return this.#state;
  }

  /** Everything it held is closed, whether or not the scheduler knows yet. */
  get isClosed(): boolean {
    return this.#host.isDone || this.#host.state.endsWith('.reporting');
  }

  /** Events that were late, duplicate or stale, by `STATE EVENT reason`. */
  get ignored(): ReadonlyMap<string, number> {
    return this.#host.ignored;
  }

  start(): void {
    this.#host.send({ type: 'START' });
  }

  cancel(): void {
    this.#host.send({ type: 'CANCEL' });
  }

  fail(error: ErrorRecord): void {
    this.#host.send({ type: 'FAIL_EXTERNALLY', error });
  }

  triggerCheckpoint(trigger: { readonly checkpointId: CheckpointId; readonly triggeredAt: number; readonly isFinal: boolean }): void {
    this.#host.send({ type: 'TRIGGER_CHECKPOINT', ...trigger });
  }

  confirmCheckpoint(checkpointId: CheckpointId): void {
    this.#host.send({ type: 'CONFIRM_CHECKPOINT', checkpointId });
  }

  abortCheckpoint(checkpointId: CheckpointId): void {
    this.#host.send({ type: 'ABORT_CHECKPOINT', checkpointId });
  }

  metrics(): TaskMetrics {
    if (this.#runtime === undefined) return noTaskMetrics;
    const { stateEntries: _, ...metrics } = this.#runtime.metrics();
    return metrics;
  }

  #perform(effect: Exclude<TaskEffect, { readonly type: 'ignored' }>): void {
    switch (effect.type) {
      case 'deploy':
        return this.#deploy();
      case 'restore':
        return this.#restore();
      case 'run':
        return this.#runtime?.start();
      case 'close':
        return this.#close(effect.params.error);
      case 'report':
        return this.#reporter.report(effect.params);
      case 'reportEndOfData':
        return this.#tell('task.end-of-data', {});
      case 'triggerCheckpoint':
        this.#runtime?.triggerCheckpoint({ ...effect.params, checkpointId: effect.params.checkpointId as CheckpointId });
        return undefined;
      case 'declineCheckpoint':
        return this.#decline(effect.params.checkpointId as CheckpointId, effect.params.reason, undefined);
      case 'confirmCheckpoint':
        return this.#runtime?.checkpointCompleted(effect.params.checkpointId as CheckpointId);
      case 'abortCheckpoint':
        return this.#runtime?.checkpointAborted(effect.params.checkpointId as CheckpointId);
      case 'release':
        return this.#options.onReleased(this.#state);
    }
  }

  #deploy(): void {
    const { descriptor, jobCode, endpoint, ports, createRuntime } = this.#options;
    jobCode.codeFor(descriptor).then(
      (code) => {
        if (this.#state !== 'DEPLOYING') return;
        try {
          const splitSource = new SplitRequests({ endpoint, clock: ports.clock, descriptor });
          const taskPorts = { ...ports, logger: this.#logger };
          this.#runtime = createRuntime({
            descriptor,
            taskInfo: this.#info,
            code,
            ports: taskPorts,
            splitSource,
            callbacks: this.#callbacks(),
          });
          this.#host.send({ type: 'DEPLOYED' });
        } catch (error) {
          this.#failed(error);
        }
      },
      (error: unknown) => this.#failed(error),
    );
  }

  #restore(): void {
    this.#runtime?.initialize().then(
      () => this.#host.send({ type: 'RESTORED' }),
      (error: unknown) => this.#failed(error),
    );
  }

  #close(error: ErrorRecord | null): void {
    if (error !== null) this.#logger.log('warn', 'a task failed', { error });
    const closed = (): void => this.#host.send({ type: 'CLOSED' });
    if (this.#runtime === undefined) closed();
    else {
      this.#runtime.cancel().then(closed, (failure: unknown) => {
        this.#logger.log('error', 'a task did not close cleanly', { error: toErrorRecord(failure) });
        closed();
      });
    }
  }

  #callbacks(): TaskCallbacks {
    return {
      onEndOfData: () => this.#host.send({ type: 'END_OF_DATA' }),
      onFinished: () => this.#host.send({ type: 'TASK_FINISHED' }),
      onAcknowledged: (acknowledgement) => this.#acknowledge(acknowledgement),
      onDeclined: (checkpointId, reason, error) => this.#decline(checkpointId, reason, error),
      onFailed: (error) => this.#failed(error),
      onSharedResource: (name, token) => this.#declare(name, token),
      onResult: (name, values) => void (this.#results[name] = values),
    };
  }

  /** Told with the next report; repeated at once when RUNNING was reported already. */
  #declare(name: string, token: string): void {
    this.#sharedResources[name] = token;
    if (this.#state === 'RUNNING') this.#reporter.report({ state: 'RUNNING', error: null });
  }

  #acknowledge({ snapshot, ...statistics }: TaskAcknowledgement): void {
    this.#tell('checkpoint.acknowledged', {
      ...statistics,
      snapshot: { ...snapshot, operators: [...snapshot.operators] },
    });
  }

  #decline(checkpointId: CheckpointId, reason: TaskDeclineReason, error: unknown): void {
    this.#tell('checkpoint.declined', { checkpointId, reason, error: error === undefined ? null : this.#record(error) });
  }

  /** Tells the job something until it is answered. A refusal means the job has moved on; its reports tell the task so. */
  #tell(type: 'task.end-of-data' | 'checkpoint.acknowledged' | 'checkpoint.declined', fields: Readonly<Record<string, unknown>>): void {
    const { endpoint, ports, descriptor } = this.#options;
    const { jobId, attemptId, leaderEpoch } = descriptor;
    askUntilAnswered({ endpoint, clock: ports.clock }, { kind: 'job', jobId }, type, {
      body: { jobId, attemptId, ...fields } as never,
      leaderEpoch,
      attempt: attemptId,
    }).catch((error: unknown) => this.#logger.log('debug', `${type} was not taken`, { error: toErrorRecord(error).message }));
  }

  #failed(error: unknown): void {
    this.#host.send({ type: 'TASK_FAILED', error: this.#record(error) });
  }

  #record(error: unknown): ErrorRecord {
    const record = toErrorRecord(error);
    return record.where === undefined ? { ...record, where: this.name } : record;
  }

  #onTransition(record: TransitionRecord): void {
    const state = reportedState(record.to);
    if (record.to !== 'RELEASED' && state !== this.#state) {
      this.#state = state;
      this.#options.onState(state);
    }
    if (record.to.endsWith('.reporting') && record.to !== record.from) this.#options.onClosed(state);
    this.#options.onTransition?.(record);
  }
}

function isFinal(state: TaskState): boolean {
  return state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED';
}

function taskInfoOf({ descriptor, taskManagerId, sessionId }: TaskOptions): TaskInfo {
  const { jobId, jobGraph, attemptId, attemptNumber, subtaskIndex, vertexId } = descriptor;
  const { name, parallelism, maxParallelism } = vertexOf(jobGraph, vertexId);
  return {
    jobId,
    jobName: jobGraph.name,
    taskName: name,
    subtaskIndex,
    parallelism,
    maxParallelism,
    attemptId,
    attemptNumber: attemptNumber as AttemptNumber,
    taskManagerId,
    sessionId,
  };
}
