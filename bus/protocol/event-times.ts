/** Where the event time of tasks and operators stands, and what holds it. */
import type { Static } from 'typebox';
import { Type } from './typebox.js';
import { CheckpointIdSchema, Count, EdgeIdSchema, Milliseconds, nullable, OperatorIdSchema } from './schemas.js';

/** What holds the time of a task back. */
export const TimeHolderSchema = Type.Union([
  /** The task at the other end of a channel has not come further. */
  Type.Object({ kind: Type.Literal('channel'), edgeId: EdgeIdSchema, peerSubtask: Count }),
  /** A split that is read here, or waits for its turn. */
  Type.Object({ kind: Type.Literal('split'), splitId: Type.String() }),
  /** Splits of the source that nobody reads yet, or that are on their way to this reader. */
  Type.Object({ kind: Type.Literal('unread-splits') }),
  /** Its own records: none had a later timestamp. */
  Type.Object({ kind: Type.Literal('records') }),
  /** Nothing makes time here: the source has no watermark strategy. */
  Type.Object({ kind: Type.Literal('no-strategy') }),
]);
export type TimeHolder = Static<typeof TimeHolderSchema>;

const standing = {
  /** Event time in milliseconds; null: nothing is known yet. */
  watermark: nullable(Type.Number()),
  /** When the watermark came to where it is, or the attempt began. */
  since: Milliseconds,
  isIdle: Type.Boolean(),
  /** The checkpoint that said so: time has not moved since it was restored. Absent: it has. */
  restoredFrom: Type.Optional(CheckpointIdSchema),
};

/** The time of some operators of a task: those from one that makes time, or from the head, on. */
export const TaskTimeSchema = Type.Object({
  /** The first of them. */
  operatorId: OperatorIdSchema,
  ...standing,
  /** Null: nothing does, because all inputs are idle or at their end. */
  heldBy: nullable(TimeHolderSchema),
  /** Channels or splits that hold nothing: idle, or at their end. */
  idle: Count,
  finished: Count,
  /** The next event-time timer of each operator that has one. */
  nextTimers: Type.Array(Type.Object({ operatorId: OperatorIdSchema, at: Type.Number() })),
});
export type TaskTimeReport = Static<typeof TaskTimeSchema>;

/** Where an operator stands: that of its subtasks that is furthest behind. */
export const OperatorTimeSchema = Type.Object({
  operatorId: OperatorIdSchema,
  operator: Type.String(),
  /** `name (2/4)`. */
  task: Type.String(),
  ...standing,
  /** What its task waits for, and what that waits for, up to where time begins; empty when nothing holds it. */
  heldBy: Type.Array(Type.String()),
  idle: Count,
  finished: Count,
  /** The next event-time timer of all its subtasks; null when it has none. */
  nextTimer: nullable(Type.Number()),
});
export type OperatorTime = Static<typeof OperatorTimeSchema>;
