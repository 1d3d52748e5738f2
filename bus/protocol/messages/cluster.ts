/** Who is there: leadership, registration, heartbeats. */
import type { Static } from 'typebox';
import { Type } from '../typebox.js';
import { ask, tell } from '../define.js';
import {
  AllocationIdSchema,
  AttemptIdSchema,
  CheckpointIdSchema,
  Count,
  Empty,
  JobIdSchema,
  Milliseconds,
  nullable,
  SessionIdSchema,
  TaskManagerIdSchema,
  TaskStateSchema,
} from '../schemas.js';

/** A slot as its TaskManager sees it. */
export const SlotStatusSchema = Type.Object({
  slot: Count,
  state: Type.Union([Type.Literal('FREE'), Type.Literal('ALLOCATED'), Type.Literal('ACTIVE'), Type.Literal('RELEASING')]),
  allocationId: nullable(AllocationIdSchema),
  jobId: nullable(JobIdSchema),
});
export type SlotStatus = Static<typeof SlotStatusSchema>;

export const clusterMessages = {
  'leader.announced': tell({
    from: ['job-manager'],
    to: ['task-manager', 'client'],
    doc: 'A JobManager became leader with the epoch of this envelope: register again with it.',
    body: Type.Object({ holder: Type.String() }),
  }),
  'task-manager.register': ask({
    from: ['task-manager'],
    to: ['resource-manager'],
    doc: 'Registers a TaskManager with the slots it has; the same session again is answered alike, a new session replaces the old one.',
    body: Type.Object({
      taskManagerId: TaskManagerIdSchema,
      sessionId: SessionIdSchema,
      host: Type.String(),
      pid: Count,
      startedAt: Milliseconds,
      slots: Type.Array(SlotStatusSchema),
    }),
    reply: Type.Union([
      Type.Object({ kind: Type.Literal('registered'), heartbeatIntervalMs: Milliseconds, heartbeatTimeoutMs: Milliseconds }),
      Type.Object({ kind: Type.Literal('rejected'), reason: Type.String() }),
    ]),
  }),
  'task-manager.disconnected': tell({
    from: ['task-manager', 'resource-manager'],
    to: ['resource-manager', 'scheduler'],
    doc: 'A TaskManager has gone: it shut down, or was found dead.',
    body: Type.Object({ taskManagerId: TaskManagerIdSchema, sessionId: SessionIdSchema, reason: Type.String() }),
  }),
  'resource-manager.heartbeat': ask({
    from: ['resource-manager'],
    to: ['task-manager'],
    doc: 'The ResourceManager is alive and takes the TaskManager to be in this session; answered with all its slots.',
    body: Type.Object({ sessionId: SessionIdSchema }),
    reply: Type.Object({ sessionId: SessionIdSchema, slots: Type.Array(SlotStatusSchema) }),
  }),
  'scheduler.heartbeat': ask({
    from: ['scheduler'],
    to: ['task-manager'],
    doc: 'The job is alive and takes these allocations to be its own; answered with the allocations and attempts that are there.',
    body: Type.Object({
      jobId: JobIdSchema,
      sessionId: SessionIdSchema,
      allocations: Type.Array(AllocationIdSchema),
      latestCheckpointId: nullable(CheckpointIdSchema),
    }),
    reply: Type.Object({
      sessionId: SessionIdSchema,
      allocations: Type.Array(AllocationIdSchema),
      attempts: Type.Array(Type.Object({ attemptId: AttemptIdSchema, state: TaskStateSchema })),
    }),
  }),
  'resource-manager.job-heartbeat': ask({
    from: ['resource-manager'],
    to: ['scheduler'],
    doc: 'The ResourceManager is alive; answered with the slots the job requires.',
    body: Type.Object({ jobId: JobIdSchema }),
    reply: Type.Object({ jobId: JobIdSchema, slots: Count, version: Count }),
  }),
  'cluster.overview': ask({
    from: ['client'],
    to: ['job-manager'],
    doc: 'Asks who leads, which TaskManagers are registered and how many slots are free.',
    body: Empty,
    reply: Type.Object({
      holder: Type.String(),
      /** Of the leader's process. */
      host: Type.String(),
      pid: Count,
      taskManagers: Type.Array(
        Type.Object({
          taskManagerId: TaskManagerIdSchema,
          sessionId: SessionIdSchema,
          host: Type.String(),
          pid: Count,
          slots: Type.Array(SlotStatusSchema),
        }),
      ),
    }),
  }),
};
