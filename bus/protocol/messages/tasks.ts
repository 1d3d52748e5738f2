/** Tasks: deployment, cancellation, states; and the splits of sources. */
import type { Static } from 'typebox';
import { Type } from '../typebox.js';
import type { AccumulatorState } from '../../../core/accumulator-state.js';
import type { TaskSnapshot } from '../../../storage/contracts.js';
import { ask } from '../define.js';
import { TaskTimeSchema } from '../event-times.js';
import {
  Milliseconds,
  AllocationIdSchema,
  AttemptIdSchema,
  ChannelIdSchema,
  CheckpointIdSchema,
  Count,
  EdgeIdSchema,
  Empty,
  ErrorSchema,
  JobCodeSchema,
  JobGraphSchema,
  JobIdSchema,
  LeaderEpochSchema,
  nullable,
  OperatorIdSchema,
  PartitionerSchema,
  TaskManagerIdSchema,
  TaskStateSchema,
  VertexIdSchema,
} from '../schemas.js';

/** Where the other end of a channel runs. */
const Location = Type.Object({ taskManagerId: TaskManagerIdSchema, slot: Count });

/** One end of a channel, as the task on that end needs it. `peerSubtask` orders channels within a gate or partition. */
const ChannelEnd = Type.Object({ channelId: ChannelIdSchema, peerSubtask: Count, peer: Location });

/** One edge into the task. */
export const InputGateSchema = Type.Object({
  edgeId: EdgeIdSchema,
  inputIndex: Count,
  partitioner: PartitionerSchema,
  channels: Type.Array(ChannelEnd),
});

/** One edge out of the task. */
export const ResultPartitionSchema = Type.Object({
  edgeId: EdgeIdSchema,
  sourceOperator: OperatorIdSchema,
  sideOutput: nullable(Type.String()),
  partitioner: PartitionerSchema,
  /** Maximum parallelism of the consumer: HASH needs it. */
  consumerMaxParallelism: Count,
  /** Records travel with these fields only; absent: with all. */
  fields: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
  channels: Type.Array(ChannelEnd),
});

const MergeRuleSchema = Type.Union([
  Type.Literal('sum'),
  Type.Literal('min'),
  Type.Literal('max'),
  Type.Literal('concat'),
  Type.Literal('counts'),
]);

/** What an accumulator says, and how it becomes one with others of its name. */
const AccumulatorStateSchema = Type.Unsafe<AccumulatorState>(
  Type.Object({
    name: Type.String({ minLength: 1 }),
    type: Type.String({ minLength: 1 }),
    rules: Type.Union([MergeRuleSchema, Type.Record(Type.String(), MergeRuleSchema)]),
    state: Type.Unknown(),
  }),
);

/** One former subtask's state; checked for its outline, storage checks the bytes. */
export const TaskSnapshotSchema = Type.Unsafe<TaskSnapshot>(
  Type.Object({
    vertexId: VertexIdSchema,
    subtaskIndex: Count,
    operators: Type.Array(
      Type.Object({
        operatorId: OperatorIdSchema,
        keyed: Type.Array(Type.Unknown()),
        operatorState: Type.Unknown(),
        operatorStateChunks: Type.Optional(Type.Array(Type.Unknown())),
        states: Type.Optional(Type.Array(Type.Unknown())),
        descriptors: Type.Optional(Type.Array(Type.Unknown())),
        watermark: Type.Optional(Type.Number()),
      }),
    ),
    isFinished: Type.Boolean(),
    stateBytes: Count,
    records: Type.Optional(Type.Object({ in: Count, written: Count })),
    accumulators: Type.Optional(Type.Array(AccumulatorStateSchema)),
  }),
);

export const TaskDeploymentDescriptorSchema = Type.Object({
  jobId: JobIdSchema,
  /** Epoch of the leader that deploys: everything the task reports carries it. */
  leaderEpoch: LeaderEpochSchema,
  allocationId: AllocationIdSchema,
  attemptId: AttemptIdSchema,
  attemptNumber: Count,
  vertexId: VertexIdSchema,
  subtaskIndex: Count,
  /** The whole plan: the slot rebuilds the job from its code and compares fingerprints. */
  jobGraph: JobGraphSchema,
  code: JobCodeSchema,
  inputs: Type.Array(InputGateSchema),
  outputs: Type.Array(ResultPartitionSchema),
  /**
   * A task that restores the final checkpoint commits and ends at once: it must not wait for another one, because tasks of
   * other regions may have ended with this one.
   */
  restore: nullable(
    Type.Object({
      checkpointId: CheckpointIdSchema,
      isFinal: Type.Boolean(),
      tasks: Type.Array(TaskSnapshotSchema),
      /** What the event time of each operator goes on from; of those that are not named, it begins. */
      watermarks: Type.Optional(Type.Record(Type.String(), Type.Number())),
    }),
  ),
  /** Operators of this task whose splits this very subtask must enumerate. */
  enumerate: Type.Array(OperatorIdSchema),
});
export type TaskDeploymentDescriptor = Static<typeof TaskDeploymentDescriptorSchema>;
export type InputGateDescriptor = Static<typeof InputGateSchema>;
export type ResultPartitionDescriptor = Static<typeof ResultPartitionSchema>;

const SplitId = Type.String({ minLength: 1, maxLength: 4_096 });
export const SplitSchema = Type.Object({ id: SplitId, data: Type.Unknown(), orderedIn: Type.Optional(SplitId) });

/** How old the latency markers were that came to an operator lately, in milliseconds. */
export const TaskLatencySchema = Type.Object({
  /** Null: of all sources, or of all their subtasks, together. */
  source: nullable(OperatorIdSchema),
  sourceSubtask: nullable(Count),
  operator: OperatorIdSchema,
  max: Count,
  /** `bucket, count, …` of a log-linear histogram: core/log-linear-histogram.ts. */
  buckets: Type.Array(Count),
});
export type TaskLatency = Static<typeof TaskLatencySchema>;

/** From 0 to 1. */
const Share = Type.Number({ minimum: 0, maximum: 1 });

/** How full the channels of a task are. */
export const ChannelUseSchema = Type.Object({
  /** Of the frames that its input channels may hold, those that they hold (Flink's inPoolUsage). */
  inputUse: Share,
  /** Of its output channels, those in which a frame waits for credit. */
  outputUse: Share,
  /** The fullest ones that hold something: frames held, of so many that were granted. */
  inputs: Type.Array(Type.Object({ edgeId: EdgeIdSchema, peerSubtask: Count, held: Count, granted: Count })),
  /** The fullest ones in which frames wait. */
  outputs: Type.Array(Type.Object({ edgeId: EdgeIdSchema, peerSubtask: Count, waiting: Count })),
});
export type ChannelUse = Static<typeof ChannelUseSchema>;

/** What a function counts for people to watch. */
const FunctionMetricSchema = Type.Object({
  operator: OperatorIdSchema,
  name: Type.String(),
  kind: Type.Union([Type.Literal('counter'), Type.Literal('gauge'), Type.Literal('histogram'), Type.Literal('meter')]),
  /** What it says, by name: `count`, `value`, `perSecond`, `p50` … */
  values: Type.Record(Type.String(), Type.Number()),
});
export type FunctionMetric = Static<typeof FunctionMetricSchema>;

/** What a slot dropped, and how often its connection held it back: see docs/channels.md. */
const SlotCountersSchema = Type.Object({ unknownFrames: Count, malformedFrames: Count, sendFailures: Count, congestions: Count });

/** Counters a task reports with its states and heartbeats. */
export const TaskMetricsSchema = Type.Object({
  recordsIn: Count,
  recordsOut: Count,
  recordsWritten: Count,
  bytesIn: Count,
  bytesOut: Count,
  /** The three add up to the time since the first slice of the attempt. */
  busyMs: Milliseconds,
  backPressuredMs: Milliseconds,
  idleMs: Milliseconds,
  /** Frames that wait to be read, of all inputs. */
  queuedFrames: Count,
  /** Frames that wait for credit, of all outputs. */
  waitingFrames: Count,
  /** Frames that came twice and were dropped. */
  duplicateFrames: Type.Optional(Count),
  channels: Type.Optional(ChannelUseSchema),
  /** Where event time stands in the task, once it runs. */
  eventTimes: Type.Optional(Type.Array(TaskTimeSchema)),
  /** Of its functions, merged by name; since the attempt began. */
  accumulators: Type.Optional(Type.Array(AccumulatorStateSchema)),
  /** Of functions that keep metrics. */
  functions: Type.Optional(Type.Array(FunctionMetricSchema)),
  /** Only of jobs with latency tracking, and once a marker came. */
  latencies: Type.Optional(Type.Array(TaskLatencySchema)),
  /** The call of user code that the task has waited for unusually long. */
  unsettled: Type.Optional(Type.Object({ operator: Type.String(), call: Type.String(), forMs: Milliseconds })),
  /** The most data frames that a channel of the task ever sent or got beyond what was granted: 0, else credit is broken. */
  overGrantFrames: Count,
  /** Bytes of frames that the slot of the task has granted over the bus: the most at any moment, what it may, and what single buffers of inputs came to beyond that. */
  grantedBytesPeak: Count,
  grantBytesMax: Count,
  grantBytesForced: Count,
  /** Segments of the slot of the task with frames that leave over NATS: now, the most at any moment, and what it may. */
  segmentsInUse: Count,
  segmentsPeak: Count,
  segmentsMax: Count,
  /** Of the slot of the task, since it began: all its tasks tell the same, so they are not to be added up. */
  slot: Type.Optional(SlotCountersSchema),
});
export type TaskMetrics = Static<typeof TaskMetricsSchema>;

/** Of an attempt that has not begun. */
export const noTaskMetrics: TaskMetrics = {
  recordsIn: 0,
  recordsOut: 0,
  recordsWritten: 0,
  bytesIn: 0,
  bytesOut: 0,
  busyMs: 0,
  backPressuredMs: 0,
  idleMs: 0,
  queuedFrames: 0,
  waitingFrames: 0,
  overGrantFrames: 0,
  grantedBytesPeak: 0,
  grantBytesMax: 0,
  grantBytesForced: 0,
  segmentsInUse: 0,
  segmentsPeak: 0,
  segmentsMax: 0,
};

export const taskMessages = {
  'task.deploy': ask({
    from: ['scheduler'],
    to: ['task-manager'],
    doc: 'Starts one attempt of one subtask in an active slot of the job. The same attempt again is answered alike.',
    body: TaskDeploymentDescriptorSchema,
    reply: Type.Union([
      Type.Object({ kind: Type.Literal('accepted') }),
      Type.Object({ kind: Type.Literal('refused'), error: ErrorSchema }),
    ]),
  }),
  'task.cancel': ask({
    from: ['scheduler'],
    to: ['task-manager'],
    doc: 'Cancels an attempt; the terminal state is reported by task.state-changed. Unknown attempts are answered `known: false`.',
    body: Type.Object({ jobId: JobIdSchema, attemptId: AttemptIdSchema }),
    reply: Type.Object({ known: Type.Boolean() }),
  }),
  'task.state-changed': ask({
    from: ['task', 'task-manager'],
    to: ['scheduler'],
    doc: 'An attempt reached INITIALIZING, RUNNING or a terminal state. `known: false` tells the task to fail itself.',
    body: Type.Object({
      jobId: JobIdSchema,
      attemptId: AttemptIdSchema,
      state: TaskStateSchema,
      error: nullable(ErrorSchema),
      metrics: TaskMetricsSchema,
      /** What the operators declared, operator name and resource joined by `/` → token. */
      sharedResources: Type.Record(Type.String(), Type.String()),
      /** FINISHED only: what the task adds to the job's result, by name. */
      results: Type.Optional(Type.Record(Type.String(), Type.Array(Type.Unknown()))),
    }),
    reply: Type.Object({ known: Type.Boolean() }),
  }),
  'task.progressed': ask({
    from: ['task-manager'],
    to: ['scheduler'],
    doc: 'Counters of running attempts, once a second, for people to watch.',
    body: Type.Object({
      jobId: JobIdSchema,
      tasks: Type.Array(Type.Object({ attemptId: AttemptIdSchema, metrics: TaskMetricsSchema })),
    }),
    reply: Empty,
  }),
  'task.end-of-data': ask({
    from: ['task'],
    to: ['checkpoint-coordinator'],
    doc: 'The attempt has processed all its input and waits for the final checkpoint.',
    body: Type.Object({ jobId: JobIdSchema, attemptId: AttemptIdSchema }),
    reply: Empty,
  }),
  'source.enumerated': ask({
    from: ['task'],
    to: ['scheduler'],
    doc: 'Part of the splits of a source, in order; `isLast` closes the list, to which only a source that `isOpen` adds later. A part that was seen is answered alike.',
    body: Type.Object({
      jobId: JobIdSchema,
      attemptId: AttemptIdSchema,
      operatorId: OperatorIdSchema,
      part: Count,
      isLast: Type.Boolean(),
      isOpen: Type.Boolean(),
      splits: Type.Array(SplitSchema),
    }),
    reply: Empty,
  }),
  'source.request-split': ask({
    from: ['task'],
    to: ['scheduler'],
    doc: 'Asks for the next split, or for the next one of an even share. The same request number again gets the same answer; `wait` means the enumeration still runs.',
    body: Type.Object({
      jobId: JobIdSchema,
      attemptId: AttemptIdSchema,
      operatorId: OperatorIdSchema,
      requestNumber: Count,
      isShare: Type.Boolean(),
      /** Also after `no-more`: splits may be found later. */
      asksAgain: Type.Boolean(),
    }),
    reply: Type.Union([
      Type.Object({ kind: Type.Literal('split'), split: SplitSchema }),
      Type.Object({ kind: Type.Literal('wait') }),
      Type.Object({ kind: Type.Literal('no-more') }),
    ]),
  }),
  'source.exchange-time': ask({
    from: ['task'],
    to: ['scheduler'],
    doc: 'Asks what holds back the event time of a source reader, besides its own splits; and how far it may read, where readers wait for each other.',
    body: Type.Object({
      jobId: JobIdSchema,
      attemptId: AttemptIdSchema,
      operatorId: OperatorIdSchema,
      /** `watermark`: what the reader has come to; null: it holds nobody. */
      alignment: Type.Optional(
        Type.Object({ group: Type.String({ minLength: 1 }), maxDriftMs: Milliseconds, watermark: nullable(Type.Number()) }),
      ),
    }),
    /**
     * `holding`: splits that nobody reads and that hold time back; `owned`: splits given to this reader, in all; `readUpTo`:
     * the event time beyond which it must not read, absent: it may read on.
     */
    reply: Type.Object({ holding: Count, owned: Count, readUpTo: Type.Optional(Type.Number()) }),
  }),
};
