/**
 * What an operator, a source and a sink are to the task that runs them.
 *
 * D0  Everything a task calls per record is synchronous and happens on the task's thread, one call at a time.
 * D1  An operator emits by calling the `Emit` it was bound with; it never keeps one for another thread or a later task.
 * D2  `snapshot` is called between records; what it returns holds exactly the effect of the records before the barrier.
 * D3  `checkpointCompleted` comes after the checkpoint's pointer was moved; ids grow, some may be skipped, and after a restart one may come again.
 */
import type { Configuration } from '../core/configuration/configuration.js';
import type { AttemptId, AttemptNumber, CheckpointId, JobId, OperatorId, SessionId } from '../core/ids.js';
import type { Clock, FileSystem, Logger, Random } from '../core/ports.js';
import type { PlanningSettings, StreamGraph } from '../graph/types.js';
import type { Key, KeyedStateBackend, OperatorStateBackend } from '../storage/state/contracts.js';
import type { AccumulatorShortcuts } from './accumulators/accumulator.js';
import type { ErrorPolicySettings } from './error-policy.js';
import type { RecordStage } from './fusion/record-stage.js';
import type { MetricGroup } from './metrics.js';
import type { TimeAssignment } from './time/time-assignment.js';
import type { TimeOrigin } from './time/time-origin.js';
import type { WatermarkOutput } from './time/watermark-generator.js';

/** Stands for "this record has no timestamp". */
export const noTimestamp: number = Number.MIN_SAFE_INTEGER;
/** The watermark at the end of bounded input. */
export const maxWatermark: number = Number.MAX_SAFE_INTEGER;
/** Before anything was said of time. */
export const minWatermark: number = Number.MIN_SAFE_INTEGER;

/**
 * Hands one record on. `timestamp` is event time in ms, or {@link noTimestamp}. `keyHash` (K4) comes with records that were
 * partitioned by key, for the operator that has that key.
 */
export type Emit<T> = (value: T, timestamp: number, keyHash?: number) => void;

/** Makes the key of a record; must be pure. */
export type KeySelector<T = unknown> = (value: T) => Key;

/** Who and where a function runs. */
export interface TaskInfo {
  readonly jobId: JobId;
  readonly jobName: string;
  /** Name of the chain, as in plans. */
  readonly taskName: string;
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly attemptId: AttemptId;
  readonly attemptNumber: AttemptNumber;
  readonly taskManagerId: string;
  /** Session of the TaskManager process. */
  readonly sessionId: SessionId;
}

/** What event time did: undefined where nothing changed. */
export interface TimeChange {
  readonly watermark?: number | undefined;
  readonly isIdle?: boolean | undefined;
}

/** What an operator may use. Valid from `open` until `close`. */
export interface OperatorContext {
  readonly task: TaskInfo;
  readonly operatorId: OperatorId;
  readonly operatorName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly files: FileSystem;
  /** What the functions of this operator count for people to watch. */
  readonly metrics: MetricGroup;
  /** Where they add accumulators. */
  readonly accumulators: AccumulatorShortcuts;
  /** Whether the job takes checkpoints: two-phase-commit sinks commit at the end of input when it does not. */
  readonly isCheckpointed: boolean;
  /** `pipeline.object-reuse`: values may be stored and emitted without a copy. */
  readonly isObjectReuse: boolean;
  /** Keyed state of this operator; undefined when its input is not keyed. */
  readonly keyed: KeyedStateBackend | undefined;
  /** Named states of this operator in this subtask, restored before `bind`; part of every snapshot, after `snapshot` was called. */
  readonly operatorState: OperatorStateBackend;
  /** What this operator's `snapshot` returned in the checkpoint being restored; one entry a former subtask. */
  readonly restored: readonly unknown[] | undefined;
  /** Id of the checkpoint being restored. */
  readonly restoredCheckpointId: CheckpointId | undefined;
  /** Emits to a side output of this operator; a tag nobody listens to is dropped. */
  sideOutput(tag: string): Emit<unknown>;
  /** False while the outputs of the task are full: stop producing, and `park` what is left. */
  isOutputAvailable(): boolean;
  /**
   * Hands unfinished work to the task loop: `resume` is called when output is available again, before any further input
   * of the task, and returns whether it is finished. While anything is parked, no barrier passes this operator.
   * With `until` (a sink waiting for its disk), it is not called before that resolves; a rejection fails the task.
   */
  park(resume: () => boolean, until?: Promise<unknown>): void;
  /**
   * Of an operator with a policy for errors: makes a call whose failure must leave the rest of the work on a record or timer
   * standing (a window fires, and goes on sliding). It is repeated or becomes a dead letter with this time and the current
   * key, as the policy says; only what the policy leaves is thrown.
   */
  attempt?(call: () => void, time: number): void;
  /** Runs `work` between records, when the outputs have room and nothing is parked; what it throws fails the task. */
  post(work: () => void): void;
  currentWatermark(): number;
  /**
   * `clock.now()` as it was when it was last looked at between records, as a rule half a millisecond ago or one record: for what
   * goes by the clock with every record.
   */
  recordTime(): number;
  /** Hands event time on, of an operator that holds it: active is said before a watermark, idle after it. */
  emitTime(change: TimeChange): void;
  /**
   * Declares something that must be one and the same for all subtasks (a target directory): `token` names what this
   * subtask sees. The JobManager fails the job when subtasks see different tokens.
   */
  declareSharedResource(name: string, token: string): void;
  /** Shows a line to the people who run this process. */
  print(line: string): void;
  /**
   * What this subtask adds to the result of the job, under `name`: plain data, handed over when the task finishes. The
   * last report under a name counts. The reports of a task share one message: keep them below `limits.collectedBytesMax`.
   */
  reportResult(name: string, values: readonly unknown[]): void;
  /** Fails the task from outside a callback (an asynchronous write that failed). */
  fail(error: unknown): void;
}

/** What `snapshot` hands over. `state` must be encodable as CBOR; undefined: nothing to keep. */
export interface OperatorSnapshotContext {
  readonly checkpointId: CheckpointId;
}

/**
 * An operator with one input, or two (then it is always the head of its chain). Life cycle (Flink's): `open` (last of the chain
 * first) → records, watermarks, timers, snapshots → `endInput` → `finish` (first to last) → [final checkpoint] → `close`. On
 * failure or cancel only `close` runs.
 */
export interface Operator<In = unknown, Out = unknown> {
  /**
   * The operator hands event time on itself (`emitTime`), when what came before it has left. It is the only operator of its
   * task.
   */
  readonly holdsTime?: boolean;
  /**
   * The input became idle, or active again; said before it is handed on, which waits for what is parked. From idle on, time goes
   * on behind the operator without it: what it still has to say must be said now.
   */
  onIdle?(isIdle: boolean): void;
  /** Of an operator that makes the time of itself and those behind it: watermarks that come in end there, but for the last. */
  readonly time?: TimeOrigin;
  /** The operator looks after failures of its function itself, as the policy says. Called before `bind`. */
  takePolicy?(policy: ErrorPolicySettings): void;
  /**
   * Of a sink with a policy for errors: `counted` goes around what takes one record, so that only what was taken counts as
   * written. Called before `bind`.
   */
  takeCount?(counted: (take: Emit<unknown>) => Emit<unknown>): void;
  open?(context: OperatorContext): void | Promise<void>;
  /** Returns the function called for each record, specialised for `out`. Called once, before `open`. */
  bind(out: Emit<Out>, context: OperatorContext): Emit<In>;
  /**
   * Returns the function called for each record of the second input. Called once, after `bind`, with the same output: an
   * operator that has it is called for one record at a time, whichever input it comes from, and never while work is parked.
   * Its watermark is the lower one of both inputs; `endInput` comes when both have ended.
   */
  bindSecond?(out: Emit<Out>, context: OperatorContext): Emit<never>;
  /** The same as `bind`, when that is all there is to a record: neighbours are then compiled into one function. */
  stage?(context: OperatorContext): RecordStage;
  /** The event time of the operator moved; timers due were fired before the watermark is handed on. */
  onWatermark?(watermark: number): void;
  /** A timer of this operator fired; the current key and namespace (0 when the timer has none) are set. */
  onTimer?(time: number, domain: 'event' | 'processing', namespace: number): void;
  /**
   * Of an operator with two inputs: no record of this one will come any more. Called once for each in every attempt, after the
   * last record of the input and what its end does to time; for the last one after the last watermark, before `endInput`. May
   * park.
   */
  endInputOf?(input: 1 | 2): void;
  /** No record will come any more. May park. */
  endInput?(): void;
  /** Emit what is left. May park; the end of data is passed on once nothing is parked any more. */
  finish?(): void;
  /** Flush before the barrier is passed on; then everything written counts as before the barrier. */
  prepareSnapshot?(checkpointId: CheckpointId): void | Promise<void>;
  /** What to keep beside keyed state. A promise is awaited before the acknowledgement, not before the next record. */
  snapshot?(context: OperatorSnapshotContext): unknown;
  checkpointCompleted?(checkpointId: CheckpointId): void | Promise<void>;
  checkpointAborted?(checkpointId: CheckpointId): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** Makes one operator per subtask. */
export type OperatorFactory =
  | { readonly kind: 'operator'; create(): Operator }
  | { readonly kind: 'source'; readonly source: Source<unknown>; readonly time?: TimeAssignment | undefined };

/** A piece of a source that one reader reads: plain data, with an id unique in its source. */
export interface Split {
  readonly id: string;
  /** Plain data for the reader, CBOR-able. */
  readonly data: unknown;
  /**
   * Names an ordered whole (a file) of which this is a part: splits of one whole stand in its order in the list, and the
   * times in one are not before those in the one before it. When all splits are of one whole, those that nobody reads yet
   * hold no event time back.
   */
  readonly orderedIn?: string;
}

/** What a source sees while it says which splits there are, once a job. */
export interface EnumeratorContext {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly parallelism: number;
  readonly logger: Logger;
}

/**
 * A source. `enumerate` runs once in the life of a job, in one subtask; the JobManager hands the splits out to readers that
 * ask, and remembers them in checkpoints. A discovering source enumerates again and again.
 */
export interface Source<T> {
  readonly name: string;
  readonly boundedness: 'bounded' | 'unbounded';
  /**
   * Of an unbounded source that gets splits while the job runs: `enumerate` is called again so long after it answered, and
   * with every restart; ids it named before are passed over. Its readers never come to an end.
   */
  readonly discoveryIntervalMs?: number;
  /**
   * How a subtask reads its splits. Side by side, the default of an unbounded source, because its splits may never end: they
   * are dealt out evenly, and each gets a reader of its own. One after another, the default of a bounded source, whoever is
   * free taking the next: the splits have to end, and one reader reads them all.
   */
  readonly splitReading?: 'side-by-side' | 'one-by-one';
  /** Its reader says how far event time has come (`SourceOutput.time`), where the job has no watermark strategy for it. */
  readonly makesTime?: boolean;
  /** Plain data that is part of the job's fingerprint (a collection's elements, a path). */
  readonly data?: unknown;
  /** Errors here (a missing file) fail the job and name the path. */
  enumerate(context: EnumeratorContext): Promise<readonly Split[]>;
  /** Called once in a subtask, or for every split that it reads beside others, with the same context. */
  createReader(context: OperatorContext): SourceReader<T>;
}

/** Whether a subtask reads its splits of this source side by side. */
export const readsSideBySide = ({ splitReading, boundedness }: Pick<Source<unknown>, 'splitReading' | 'boundedness'>): boolean =>
  splitReading === undefined ? boundedness === 'unbounded' : splitReading === 'side-by-side';

/** Where a reader puts what it reads, in `poll` only. */
export interface SourceOutput<T> {
  emit: Emit<T>;
  /** Check before each record. */
  isAvailable(): boolean;
  /** Of a source that makes time: takes what is to be said of the split that is read. Check `isAvailable` after each call. */
  readonly time?: WatermarkOutput | undefined;
}

/** `more`: call again; `pending`: wait for `whenAvailable`; `split-finished`: done with the split it was given. */
export type PollStatus = 'more' | 'pending' | 'split-finished';

/** Reads one split at a time. */
export interface SourceReader<T> {
  /** Starts a split at `position` (what `position()` returned when it was snapshotted), or at its beginning. */
  start(split: Split, position: unknown): void | Promise<void>;
  /** Emits at most `recordsMax` records and no more than output is available for; synchronous, from what is buffered. */
  poll(output: SourceOutput<T>, recordsMax: number): PollStatus;
  /** Resolves when `poll` can make progress after it said `pending`; rejects with a read error. */
  whenAvailable(): Promise<void>;
  /** Where the current split stands, after the records emitted so far; CBOR-able. */
  position(): unknown;
  close(): void | Promise<void>;
}

/**
 * A sink is an operator without output. When the call that takes a record throws, nothing of the record may have been taken:
 * with a policy for errors it is called again, or the record goes to the dead letters.
 */
export interface Sink<T> {
  readonly name: string;
  /** Plain data that is part of the job's fingerprint (a target path). */
  readonly data: unknown;
  createWriter(): Operator<T, never>;
}

/** What a builder starts from. A client gives its configuration; a slot gives `planning` of the job graph it got. */
export interface BuildDefaults {
  readonly configuration?: Configuration;
  /** Wins over the configuration's. */
  readonly planning?: PlanningSettings;
}

/** What a job module exports: `defineJob` makes it. */
export interface JobDefinition {
  readonly name: string;
  /** Builds the stream graph for these parameters and defaults: a pure function of them. */
  build(parameters: Readonly<Record<string, string>>, defaults?: BuildDefaults): StreamGraph<OperatorFactory, KeySelector>;
}
