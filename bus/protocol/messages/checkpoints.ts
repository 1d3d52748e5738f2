/** Checkpoints: trigger → acknowledge or decline → confirm or abort. */
import { Type } from '../typebox.js';
import { ask } from '../define.js';
import { AttemptIdSchema, CheckpointIdSchema, Count, Empty, ErrorSchema, JobIdSchema, Milliseconds, nullable } from '../schemas.js';
import { TaskSnapshotSchema } from './tasks.js';

const checkpointOfAttempt = { jobId: JobIdSchema, attemptId: AttemptIdSchema, checkpointId: CheckpointIdSchema };

/** Why a task did not take part (Flink's names). */
export const DeclineReasonSchema = Type.Union([
  Type.Literal('CHECKPOINT_DECLINED'),
  Type.Literal('CHECKPOINT_DECLINED_TASK_NOT_READY'),
  Type.Literal('CHECKPOINT_DECLINED_TASK_CLOSING'),
  Type.Literal('CHECKPOINT_DECLINED_SUBSUMED'),
  Type.Literal('CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER'),
  Type.Literal('CHECKPOINT_ASYNC_EXCEPTION'),
]);

export const checkpointMessages = {
  'checkpoint.trigger': ask({
    from: ['checkpoint-coordinator'],
    to: ['task'],
    doc: 'Asks a source task to start a checkpoint: it snapshots and sends the barrier on. Seen before: answered alike.',
    body: Type.Object({
      ...checkpointOfAttempt,
      triggeredAt: Milliseconds,
      /** Every task reached the end of its data: once this one is confirmed, tasks end. */
      isFinal: Type.Boolean(),
    }),
    reply: Type.Object({ known: Type.Boolean() }),
  }),
  'checkpoint.acknowledged': ask({
    from: ['task'],
    to: ['checkpoint-coordinator'],
    doc: 'The attempt has written its state for this checkpoint.',
    body: Type.Object({
      ...checkpointOfAttempt,
      snapshot: TaskSnapshotSchema,
      alignmentMs: Milliseconds,
      syncMs: Milliseconds,
      asyncMs: Milliseconds,
      /** By this attempt, before the barrier. */
      recordsIn: Count,
      recordsWritten: Type.Optional(Count),
    }),
    reply: Empty,
  }),
  'checkpoint.declined': ask({
    from: ['task'],
    to: ['checkpoint-coordinator'],
    doc: 'The attempt cannot take part in this checkpoint.',
    body: Type.Object({ ...checkpointOfAttempt, reason: DeclineReasonSchema, error: nullable(ErrorSchema) }),
    reply: Empty,
  }),
  'checkpoint.confirm': ask({
    from: ['checkpoint-coordinator'],
    to: ['task'],
    doc: 'The checkpoint is complete and its pointer moved: commit what belongs to it and to earlier ones.',
    body: Type.Object(checkpointOfAttempt),
    reply: Type.Object({ known: Type.Boolean() }),
  }),
  'checkpoint.abort': ask({
    from: ['checkpoint-coordinator'],
    to: ['task'],
    doc: 'The checkpoint will not complete: stop aligning for it and drop what was written for it.',
    body: Type.Object(checkpointOfAttempt),
    reply: Type.Object({ known: Type.Boolean() }),
  }),
};
