/**
 * The face of the data plane: what an actor needs to run one attempt of one subtask, and what it hears back.
 *
 * T1  Callbacks are called on the slot's thread, never inside a call into the runtime that could see half a change; after
 *     `onFailed`, `onFinished` or `cancel` no further callback comes.
 * T2  `onEndOfData` comes at most once, and only when the job takes checkpoints; `onFinished` at most once.
 * T3  Every checkpoint the task takes part in ends in exactly one of: acknowledged, declined, aborted by the JobManager, task ended.
 * T4  Nothing here speaks the control protocol; the actor translates.
 */
import type { AccumulatorState } from '../core/accumulator-state.js';
import type { CheckpointId, EdgeId, OperatorId } from '../core/ids.js';
import type { Clock, CorePorts, FileSystem } from '../core/ports.js';
import type { ChannelUse, FunctionMetric, TaskDeploymentDescriptor, TaskLatency } from '../bus/protocol/messages/tasks.js';
import type { TaskTimeReport } from '../bus/protocol/event-times.js';
import type { ChunkHandle, TaskSnapshot } from '../storage/contracts.js';
import type { KeyedStateBackend } from '../storage/state/contracts.js';
import type { KeyGroupRange } from '../core/ids.js';
import type { ChannelNetwork } from './channels/channel-network.js';
import type { CreditReading, NetworkCounters } from './channels/network-contracts.js';
import type { KeySelector, OperatorFactory, Split, TaskInfo } from './contracts.js';
import type { CustomPartition } from '../graph/types.js';
import type { SlotLoop } from './slot-loop.js';

/** What rebuilding the job in the slot yields for one vertex. */
export interface TaskCode {
  /** Of every operator of the vertex. */
  readonly operators: ReadonlyMap<OperatorId, OperatorFactory>;
  /** Of every HASH edge into or out of the vertex. */
  readonly keySelectors: ReadonlyMap<EdgeId, KeySelector>;
  readonly customPartitions?: ReadonlyMap<EdgeId, CustomPartition>;
}

/** Why a task declines (the reasons of the protocol it can have itself). */
export type TaskDeclineReason =
  | 'CHECKPOINT_DECLINED'
  | 'CHECKPOINT_DECLINED_TASK_NOT_READY'
  | 'CHECKPOINT_DECLINED_TASK_CLOSING'
  | 'CHECKPOINT_DECLINED_SUBSUMED'
  | 'CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER'
  | 'CHECKPOINT_ASYNC_EXCEPTION';

/** A checkpoint the task has written. */
export interface TaskAcknowledgement {
  readonly checkpointId: CheckpointId;
  readonly snapshot: TaskSnapshot;
  /** First barrier to last. */
  readonly alignmentMs: number;
  /** Time no record was processed for the snapshot. */
  readonly syncMs: number;
  /** From there until the last chunk was written. */
  readonly asyncMs: number;
  /** Records processed by this attempt before the barrier. */
  readonly recordsIn: number;
  /** Records the sinks of this attempt took before the barrier. */
  readonly recordsWritten: number;
}

/** What the runtime tells its actor. */
export interface TaskCallbacks {
  /** All input is processed and flushed; the task waits for the final checkpoint. */
  onEndOfData(): void;
  /** Everything is committed, received by the consumers and closed. */
  onFinished(): void;
  onAcknowledged(acknowledgement: TaskAcknowledgement): void;
  onDeclined(checkpointId: CheckpointId, reason: TaskDeclineReason, error: unknown): void;
  /** The task cannot go on; it has stopped processing. The actor calls `cancel` to free it. */
  onFailed(error: unknown): void;
  /** An operator declared something all subtasks must share: `operator name/resource` → token. */
  onSharedResource(name: string, token: string): void;
  /** What the task adds to the job's result under `name`, to be told when it finished; the last call under a name counts. */
  onResult?(name: string, values: readonly unknown[]): void;
}

/** What the JobManager knows of the splits of a source, for the time of one of its readers. */
export interface SplitTimeReply {
  /** Splits without a reader that hold time back. */
  readonly holding: number;
  /** Splits that were given to this reader, in all. */
  readonly owned: number;
  /** Event time beyond which the reader must not read; undefined: it may read on. */
  readonly readUpTo?: number;
}

/** What a reader says that waits for others. */
export interface SplitTimeReport {
  readonly group: string;
  readonly maxDriftMs: number;
  /** What it has come to; null: it holds nobody. */
  readonly watermark: number | null;
}

/** How a reader takes its splits. */
export interface SplitRequest {
  /** Its even share, however late it asks; else the next one of all. */
  readonly isShare: boolean;
  /** There may always be more: they are asked for that often. */
  readonly askAgainMs?: number | undefined;
}

/** How a source task reaches the JobManager. Promises may stay unsettled while the JobManager is away; rejecting fails the task. */
export interface SplitSource {
  /**
   * Everything the enumerator found, in order; called once an attempt, and only for operators in `descriptor.enumerate`.
   * `isOpen`: of a discovering source, which may call it again with what is new; what is known is passed over.
   */
  enumerated(operator: OperatorId, splits: readonly Split[], isOpen?: boolean): Promise<void>;
  /**
   * The next split for a reader, waiting until there is one; undefined: no more, ever. At most one at a time per operator.
   */
  requestSplit(operator: OperatorId, request: SplitRequest): Promise<Split | undefined>;
  /**
   * What holds the time of a reader back, besides its own splits; and how far it may read, when it says how far it has come.
   * At most one at a time per operator.
   */
  exchangeTime(operator: OperatorId, alignment?: SplitTimeReport): Promise<SplitTimeReply>;
}

/** Where checkpoint bytes go: CheckpointStorage without what a task may not do. */
export interface ChunkStore {
  write(name: string, bytes: Uint8Array): Promise<ChunkHandle>;
  read(handle: ChunkHandle): Promise<Uint8Array>;
}

export interface KeyedStateOptions {
  /** For messages. */
  readonly operatorName: string;
  readonly keyGroups: KeyGroupRange;
  /** The number of all key groups. */
  readonly maxParallelism: number;
  readonly isObjectReuse: boolean;
  /** Fail when an entry changed without a put. */
  readonly isStrict: boolean;
  /** For state with a time to live. */
  readonly clock: Pick<Clock, 'now'>;
}

/** Guards that a test may break on purpose, to see that the checkers notice. */
export interface TestSwitches {
  readonly isSequenceCheckOff?: boolean;
  readonly isAlignmentOff?: boolean;
  /** Senders send without credit, and receivers take it. */
  readonly isCreditIgnored?: boolean;
}

export interface TaskRuntimeOptions {
  readonly descriptor: TaskDeploymentDescriptor;
  readonly taskInfo: TaskInfo;
  readonly code: TaskCode;
  readonly ports: CorePorts & { readonly files: FileSystem };
  /** The slot's network; one for all tasks of the slot. */
  readonly network: ChannelNetwork;
  /** The slot's loop; one for all tasks of the slot. */
  readonly loop: SlotLoop;
  readonly chunks: ChunkStore;
  readonly splitSource: SplitSource;
  readonly createKeyedState: (options: KeyedStateOptions) => KeyedStateBackend;
  readonly callbacks: TaskCallbacks;
  readonly isStrictState: boolean;
  readonly testSwitches?: TestSwitches;
}

/** What the JobManager asks of source tasks, and what their barriers carry on. */
export interface CheckpointTrigger {
  readonly checkpointId: CheckpointId;
  readonly triggeredAt: number;
  /** Every task of the job reached the end of its data: once this checkpoint is confirmed, tasks end. */
  readonly isFinal: boolean;
}

/** Counters of one attempt, from its start. */
export interface TaskRuntimeMetrics extends CreditReading {
  /** Records taken from channels, or emitted by the source reader. */
  readonly recordsIn: number;
  /** Records put into channels. */
  readonly recordsOut: number;
  /** Records that the sinks of the task took without an error. */
  readonly recordsWritten: number;
  /** Bytes of frames from and to other slots; same-slot channels hand over references. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Frames that came twice and were dropped. */
  readonly duplicateFrames: number;
  /** Milliseconds in which the task could not go on because its outputs were full. */
  readonly backPressuredMs: number;
  /** Milliseconds in slices of this task, or waiting for its turn on the thread. */
  readonly busyMs: number;
  /** Milliseconds with nothing to do. The three add up to the time since its first slice. */
  readonly idleMs: number;
  /** Frames that wait to be read, of all inputs. */
  readonly queuedFrames: number;
  /** Frames that wait for credit, of all outputs. */
  readonly waitingFrames: number;
  /** Of the slot of the task, since it began. */
  readonly slot: NetworkCounters;
  readonly stateEntries: number;
  readonly channels: ChannelUse;
  /** One a name; absent: none. */
  readonly accumulators?: AccumulatorState[];
  /** What its functions count; absent: nothing. */
  readonly functions?: FunctionMetric[];
  /** Only with latency tracking, and once a marker came. */
  readonly latencies?: TaskLatency[];
  /** Where event time stands, while the task runs. */
  readonly eventTimes?: TaskTimeReport[];
  /** The call of user code that the task has waited for unusually long. */
  readonly unsettled?: { readonly operator: string; readonly call: string; readonly forMs: number };
}

/** One attempt of one subtask. Life: `initialize` → `start` → (`onFinished` | `onFailed` | `cancel`). */
export interface TaskRuntime {
  /** Restores state, opens channels and operators (last of the chain first). Rejects when the task cannot run; then call `cancel`. */
  initialize(): Promise<void>;
  /** Begins to process. Call once `initialize` resolved. */
  start(): void;
  /**
   * Source tasks: take this checkpoint as soon as possible. Answers how it was understood: `seen` when this id or a
   * later one was triggered before, `declined` (with a call of `onDeclined`) when the task is not running.
   */
  triggerCheckpoint(trigger: CheckpointTrigger): 'accepted' | 'seen' | 'declined';
  /** This checkpoint and all before it are complete: commit. Idempotent. */
  checkpointCompleted(id: CheckpointId): void;
  /** This checkpoint will never complete. Idempotent. */
  checkpointAborted(id: CheckpointId): void;
  /**
   * Stops and frees everything: channels first, then operators (`close` only). Resolves when the operators are closed.
   * Never rejects: failures of `close` are logged. Idempotent; also right after failure.
   */
  cancel(): Promise<void>;
  metrics(): TaskRuntimeMetrics;
}
