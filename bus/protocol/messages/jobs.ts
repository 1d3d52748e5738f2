/** Jobs as clients see them, their code, and the events for whoever watches. */
import type { Static } from 'typebox';
import { Type } from '../typebox.js';
import { ask, tell } from '../define.js';
import { AskingOperatorSchema, ComparedStateSchema } from './states.js';
import { OperatorTimeSchema } from '../event-times.js';
import { TaskMetricsSchema } from './tasks.js';
import {
  AttemptIdSchema,
  Bytes,
  CheckpointIdSchema,
  Count,
  EdgeIdSchema,
  ErrorSchema,
  JobCodeSchema,
  JobGraphSchema,
  JobIdSchema,
  JobStatusSchema,
  Milliseconds,
  nullable,
  OperatorIdSchema,
  Sha256,
  TaskManagerIdSchema,
  VertexIdSchema,
} from '../schemas.js';

/** One failure: when, of which task on which TaskManager; null when it was of no task. */
const failureFields = {
  at: Milliseconds,
  /** `name (2/4)`. */
  task: nullable(Type.String()),
  attemptId: nullable(AttemptIdSchema),
  taskManagerId: nullable(TaskManagerIdSchema),
  error: ErrorSchema,
};
const FailureNoteSchema = Type.Object(failureFields);
export type FailureNote = Static<typeof FailureNoteSchema>;

/** A first cause, and the failures that came while it was being dealt with; of many, the first ones. */
const ExceptionEntrySchema = Type.Object({ ...failureFields, concurrent: Type.Array(FailureNoteSchema), concurrentCount: Count });
export type ExceptionEntry = Static<typeof ExceptionEntrySchema>;

/** An attempt that another one replaced. */
const PastAttemptSchema = Type.Object({
  attemptId: AttemptIdSchema,
  task: Type.String(),
  state: Type.String(),
  taskManagerId: nullable(TaskManagerIdSchema),
  endedAt: Milliseconds,
  error: nullable(Type.String()),
});
export type PastAttempt = Static<typeof PastAttemptSchema>;

/** Milliseconds of each second that a task was busy, held back by full outputs, or idle; they add up to 1,000. */
const TaskLoadSchema = Type.Object({ busy: Count, backPressured: Count, idle: Count });

/** One subtask of a vertex: its present attempt. */
const SubtaskSchema = Type.Object({
  subtaskIndex: Count,
  attemptId: AttemptIdSchema,
  state: Type.String(),
  taskManagerId: nullable(TaskManagerIdSchema),
  metrics: TaskMetricsSchema,
  /** Null before it was reported twice, and after the end. */
  load: nullable(TaskLoadSchema),
});

/** How the tasks of one vertex fare; of very wide vertices, the first ones. */
const VertexStatusSchema = Type.Object({
  vertexId: VertexIdSchema,
  name: Type.String(),
  parallelism: Count,
  subtasks: Type.Array(SubtaskSchema),
  /** Edges into it, and the vertices they come from. */
  inputs: Type.Optional(Type.Array(Type.Object({ edgeId: EdgeIdSchema, vertexId: VertexIdSchema }))),
});
export type VertexStatus = Static<typeof VertexStatusSchema>;

/** How long records took from a source to an operator lately, as latency markers tell; in milliseconds. */
const LatencySchema = Type.Object({
  /** Null: all sources together. */
  sourceId: nullable(OperatorIdSchema),
  source: nullable(Type.String()),
  operatorId: OperatorIdSchema,
  operator: Type.String(),
  /** Null: all subtasks together. */
  sourceSubtask: nullable(Count),
  subtask: nullable(Count),
  /** Markers. */
  count: Count,
  p50: Count,
  p90: Count,
  p99: Count,
  max: Count,
});
export type Latency = Static<typeof LatencySchema>;

/** How a job ended, or stands. */
export const JobSummarySchema = Type.Object({
  jobId: JobIdSchema,
  name: Type.String(),
  status: JobStatusSchema,
  submittedAt: Milliseconds,
  /** When each status was last entered; 0: never. */
  timestamps: Type.Record(Type.String(), Milliseconds),
  endedAt: nullable(Milliseconds),
  restarts: Count,
  checkpointsCompleted: Count,
  latestCheckpointId: nullable(CheckpointIdSchema),
  /**
   * Records that entered the job through its sources, and that its sinks took: over all attempts and leaders, those that
   * were read again after a failure counted once. A job started from another job's checkpoint counts its own only.
   */
  recordsIn: Count,
  /** Records that its sinks wrote, by the same attempts. */
  recordsOut: Count,
  tasks: Type.Record(Type.String(), Count),
  /** While the job waits because the cluster has too few slots: how many it requires and may have. */
  shortage: Type.Optional(Type.Object({ required: Count, available: Count, taskManagers: Count })),
  /** Calls of user code that tasks have waited for unusually long, the oldest first; of many, the first ones. */
  unsettled: Type.Optional(
    Type.Array(Type.Object({ task: Type.String(), operator: Type.String(), call: Type.String(), forMs: Milliseconds })),
  ),
  /** What the tasks that finished added to the result of the job, by name; not in lists of jobs. */
  results: Type.Optional(Type.Record(Type.String(), Type.Array(Type.Unknown()))),
  /** What the accumulators of its functions say, by name; live while it runs; not in lists of jobs. */
  accumulators: Type.Optional(Type.Record(Type.String(), Type.Object({ type: Type.String(), value: Type.Unknown() }))),
  /** What went wrong under this leader, the latest first (Flink's exception history); only when it is asked for. */
  exceptions: Type.Optional(Type.Array(ExceptionEntrySchema)),
  /** Attempts that were replaced, the latest first; only when they are asked for. */
  attempts: Type.Optional(Type.Array(PastAttemptSchema)),
  /** In topological order; only when they are asked for. */
  vertices: Type.Optional(Type.Array(VertexStatusSchema)),
  /** Of jobs with latency tracking, in topological order; of very many, the first ones. Only when they are asked for. */
  latencies: Type.Optional(Type.Array(LatencySchema)),
  /** Where event time stands in each operator, and what holds it, in topological order; only when it is asked for. */
  eventTimes: Type.Optional(Type.Array(OperatorTimeSchema)),
  /** First cause of the failure that ended or last restarted the job. */
  error: nullable(ErrorSchema),
});
export type JobSummary = Static<typeof JobSummarySchema>;

/** The last job of a page of the list. */
export const JobListCursorSchema = Type.Object({ submittedAt: Milliseconds, jobId: JobIdSchema });

export const jobMessages = {
  'blob.upload-chunk': ask({
    from: ['client'],
    to: ['job-manager'],
    doc: 'One chunk of job code; the last one makes the JobManager check the hash of the whole.',
    body: Type.Object({ sha256: Sha256, index: Count, count: Count, bytes: Bytes }),
    reply: Type.Object({ isComplete: Type.Boolean() }),
  }),
  'blob.fetch-chunk': ask({
    from: ['task-manager'],
    to: ['job-manager'],
    doc: 'Reads one chunk of job code.',
    body: Type.Object({ sha256: Sha256, index: Count }),
    reply: Type.Union([
      Type.Object({ kind: Type.Literal('chunk'), bytes: Bytes, count: Count }),
      Type.Object({ kind: Type.Literal('unknown') }),
    ]),
  }),
  'job.submit': ask({
    from: ['client'],
    to: ['job-manager'],
    doc: 'Submits a job; answered once its record is durable. The same job id again is answered alike while it is known.',
    body: Type.Object({
      jobId: JobIdSchema,
      jobGraph: JobGraphSchema,
      code: JobCodeSchema,
      /** Path of a retained checkpoint to start from, or `<job id>/<checkpoint id>`. */
      restoreFrom: nullable(Type.String({ minLength: 1, maxLength: 1_024 })),
      /** The states its operators ask for, to be compared with those of the checkpoint; absent: that is left to the tasks. */
      states: Type.Optional(Type.Array(AskingOperatorSchema)),
    }),
    reply: Type.Union([
      Type.Object({
        kind: Type.Literal('accepted'),
        /** What becomes of each state of the checkpoint, and of each that was asked for. */
        states: Type.Optional(Type.Array(ComparedStateSchema)),
      }),
      Type.Object({ kind: Type.Literal('rejected'), error: ErrorSchema }),
    ]),
  }),
  'job.cancel': ask({
    from: ['client'],
    to: ['job-manager'],
    doc: 'Cancels a job; answered once cancelling began.',
    body: Type.Object({ jobId: JobIdSchema }),
    reply: Type.Union([
      Type.Object({ kind: Type.Literal('cancelling') }),
      Type.Object({ kind: Type.Literal('ended'), status: JobStatusSchema }),
      Type.Object({ kind: Type.Literal('unknown') }),
    ]),
  }),
  'job.describe': ask({
    from: ['client'],
    to: ['job-manager'],
    doc: 'Asks how a job stands or ended; with its tasks and its history of failures and attempts when that is wanted.',
    body: Type.Object({ jobId: JobIdSchema, withHistory: Type.Optional(Type.Boolean()) }),
    reply: Type.Union([
      Type.Object({ kind: Type.Literal('found'), job: JobSummarySchema }),
      Type.Object({ kind: Type.Literal('unknown') }),
    ]),
  }),
  'job.list': ask({
    from: ['client'],
    to: ['job-manager'],
    doc: 'Lists running and ended jobs, oldest first, a page at a time: `next` is there when more follow; ask again with it as `after`.',
    body: Type.Object({ after: Type.Optional(JobListCursorSchema) }),
    reply: Type.Object({ jobs: Type.Array(JobSummarySchema), next: Type.Optional(JobListCursorSchema) }),
  }),
  'job.status-changed': tell({
    from: ['scheduler'],
    to: ['observer'],
    doc: 'A job changed its status. For observers: may be lost.',
    body: Type.Object({ jobId: JobIdSchema, from: JobStatusSchema, to: JobStatusSchema, at: Milliseconds, error: nullable(ErrorSchema) }),
  }),
  'execution.state-changed': tell({
    from: ['scheduler'],
    to: ['observer'],
    doc: 'An execution changed its state. For observers: may be lost.',
    body: Type.Object({
      jobId: JobIdSchema,
      attemptId: AttemptIdSchema,
      vertexId: VertexIdSchema,
      taskName: Type.String(),
      subtaskIndex: Count,
      from: Type.String(),
      to: Type.String(),
      at: Milliseconds,
      error: nullable(ErrorSchema),
    }),
  }),
  'checkpoint.completed': tell({
    from: ['checkpoint-coordinator'],
    to: ['observer'],
    doc: 'A checkpoint completed. For observers: may be lost.',
    body: Type.Object({ jobId: JobIdSchema, checkpointId: CheckpointIdSchema, durationMs: Milliseconds, stateBytes: Count }),
  }),
  'checkpoint.failed': tell({
    from: ['checkpoint-coordinator'],
    to: ['observer'],
    doc: 'A checkpoint was aborted, with the reason in the words of Flink. For observers: may be lost.',
    body: Type.Object({ jobId: JobIdSchema, checkpointId: CheckpointIdSchema, reason: Type.String() }),
  }),
};
