/**
 * What the Scheduler and the CheckpointCoordinator of a job are to each other. Both live on one thread, in one process,
 * with one epoch; they call each other directly and never wait inside a call.
 *
 * CH1  The Scheduler tells of every state an execution enters, before anything that follows from it is done.
 * CH2  `abortPending` is called before any task of a failover is cancelled; after it no checkpoint that was pending
 *      completes, unless its pointer was already being moved.
 * CH3  `restorePoint` resolves only when no pointer move is under way, so that what is restored is what a JobManager
 *      started right now would restore too. (Restoring an older checkpoint while a newer pointer commits would abort
 *      transactions that the newer checkpoint owns.)
 * CH4  The coordinator reads `sourceSnapshots` and `sharedResources` when every task has acknowledged, not when it
 *      triggers: the list of splits is immutable once it is complete, and no reader holds a split before that.
 */
import type { AccumulatorState } from '../../core/accumulator-state.js';
import type { AttemptId, CheckpointId, JobId, LeaderEpoch, TaskManagerId, VertexId } from '../../core/ids.js';
import type { MillraceError } from '../../core/errors.js';
import type { Handlers } from '../../bus/endpoint-contract.js';
import type { JobStatus } from '../../bus/protocol/schemas.js';
import type { JobGraph } from '../../graph/types.js';
import type { CompletedCheckpoint, RecordCounts, SourceCoordinatorSnapshot } from '../../storage/contracts.js';

/** JobManager-side execution states, as in Flink. */
export type ExecutionStateName =
  'CREATED' | 'SCHEDULED' | 'DEPLOYING' | 'INITIALIZING' | 'RUNNING' | 'FINISHED' | 'CANCELING' | 'CANCELED' | 'FAILED' | 'RECONCILING';

/** The current attempt of one subtask. A snapshot: later changes do not show in it. */
export interface ExecutionView {
  readonly attemptId: AttemptId;
  readonly vertexId: VertexId;
  readonly subtaskIndex: number;
  /** Name of the chain, for people. */
  readonly taskName: string;
  readonly state: ExecutionStateName;
  /** The chain starts with a source: `checkpoint.trigger` goes to it. */
  readonly isSource: boolean;
  /** What the attempts before it had processed for the checkpoint it started from. */
  readonly recordsBefore: RecordCounts;
  /** What they had accumulated for it. */
  readonly accumulatorsBefore: readonly AccumulatorState[];
  /** Address of its slot; undefined before it is deployed. */
  readonly location: { readonly taskManagerId: TaskManagerId; readonly slot: number } | undefined;
}

/** What the coordinator may ask of the Scheduler. */
export interface CheckpointHost {
  readonly jobId: JobId;
  readonly leaderEpoch: LeaderEpoch;
  readonly jobGraph: JobGraph;
  /** Current attempt of every subtask, vertices in the order of the job graph, subtasks in order. */
  executions(): readonly ExecutionView[];
  jobStatus(): JobStatus;
  /** The source's splits as far as a checkpoint keeps them; see CH4. */
  sourceSnapshots(): readonly SourceCoordinatorSnapshot[];
  /** Tokens of shared resources seen so far, `operator name/resource → token`. */
  sharedResources(): Readonly<Record<string, string>>;
  /** Restarts all tasks if the restart strategy and the error's recovery allow it, else fails the job. */
  failJob(error: MillraceError): void;
  /** Fails one attempt, as if its task had; an attempt that is not current is ignored. */
  failExecution(attemptId: AttemptId, error: MillraceError): void;
  /** A checkpoint completed: exponential back-off counts it. */
  checkpointCompleted(checkpointId: CheckpointId): void;
}

/** What the Scheduler tells and asks the coordinator. */
export interface CheckpointHooks {
  /** What the coordinator answers at the job's address: `checkpoint.acknowledged`, `checkpoint.declined`, `task.end-of-data`. */
  handlers(): Handlers;
  /** An execution entered a state (CH1). */
  executionChanged(execution: ExecutionView): void;
  /** The job entered a status; RUNNING from CREATED or RESTARTING comes right before its tasks are deployed. */
  jobStatusChanged(status: JobStatus): void;
  /** A failover begins (CH2). */
  abortPending(reason: string): void;
  /** The latest completed checkpoint, or what the job was started from; undefined: start from the beginning (CH3). */
  restorePoint(): Promise<CompletedCheckpoint | undefined>;
  /** Id of the latest checkpoint this leader knows to be complete; heartbeats carry it to heal lost confirmations. */
  latestCheckpointId(): CheckpointId | undefined;
  completedCount(): number;
}

/** Makes the coordinator of a job; the host may be used only after the Scheduler was constructed. */
export type CheckpointHooksFactory = (host: CheckpointHost) => CheckpointHooks;

/** A job without checkpoints: it restores what it was started from, if anything, at every restart. */
export function withoutCheckpoints(restore: CompletedCheckpoint | undefined): CheckpointHooksFactory {
  return () => ({
    handlers: () => ({}),
    executionChanged: () => undefined,
    jobStatusChanged: () => undefined,
    abortPending: () => undefined,
    restorePoint: () => Promise.resolve(restore),
    latestCheckpointId: () => undefined,
    completedCount: () => 0,
  });
}
