/** Slots: requirement → request → offer → accept or reject → active → free. */
import { Type } from '../typebox.js';
import { ask, tell } from '../define.js';
import { AllocationIdSchema, Count, Empty, ErrorSchema, JobIdSchema, nullable, SessionIdSchema, TaskManagerIdSchema } from '../schemas.js';

export const slotMessages = {
  'resource-manager.declare-requirements': ask({
    from: ['scheduler'],
    to: ['resource-manager'],
    doc: 'The job requires this many slots in all, those it has included; a lower version is stale.',
    body: Type.Object({ jobId: JobIdSchema, version: Count, slots: Count }),
    reply: Empty,
  }),
  'resource-manager.resources-short': tell({
    from: ['resource-manager'],
    to: ['scheduler'],
    doc: 'The registered TaskManagers cannot give the job what it requires at the moment.',
    body: Type.Object({ jobId: JobIdSchema, required: Count, available: Count, taskManagers: Count }),
  }),
  'slot.request': ask({
    from: ['resource-manager'],
    to: ['task-manager'],
    doc: 'Allocates a free slot for a job; the TaskManager then offers it to the job.',
    body: Type.Object({ jobId: JobIdSchema, allocationId: AllocationIdSchema, slot: Count, sessionId: SessionIdSchema }),
    reply: Type.Union([
      Type.Object({ kind: Type.Literal('allocated') }),
      Type.Object({
        kind: Type.Literal('refused'),
        reason: Type.Union([Type.Literal('occupied'), Type.Literal('unknown-slot'), Type.Literal('stale-session')]),
        holder: nullable(AllocationIdSchema),
      }),
    ]),
  }),
  'slot.offer': ask({
    from: ['task-manager'],
    to: ['scheduler'],
    doc: 'Offers allocated slots to their job; those not accepted are freed by the TaskManager.',
    body: Type.Object({
      jobId: JobIdSchema,
      taskManagerId: TaskManagerIdSchema,
      sessionId: SessionIdSchema,
      host: Type.String(),
      offerId: Count,
      slots: Type.Array(Type.Object({ slot: Count, allocationId: AllocationIdSchema })),
    }),
    reply: Type.Object({ accepted: Type.Array(AllocationIdSchema) }),
  }),
  'slot.free': ask({
    from: ['scheduler', 'resource-manager'],
    to: ['task-manager'],
    doc: 'Gives a slot back: its tasks are failed, its thread ends.',
    body: Type.Object({ jobId: JobIdSchema, allocationId: AllocationIdSchema, reason: Type.String() }),
    reply: Empty,
  }),
  'slot.available': tell({
    from: ['task-manager'],
    to: ['resource-manager'],
    doc: 'A slot is free again; the heartbeat says so too.',
    body: Type.Object({
      taskManagerId: TaskManagerIdSchema,
      sessionId: SessionIdSchema,
      slot: Count,
      allocationId: AllocationIdSchema,
      /** How often in a row its thread could not be started. */
      startFailures: Type.Optional(Count),
    }),
  }),
  'slot.failed': ask({
    from: ['task-manager'],
    to: ['scheduler'],
    doc: 'A slot of the job is gone with all its tasks: its thread died or did not start.',
    body: Type.Object({
      jobId: JobIdSchema,
      taskManagerId: TaskManagerIdSchema,
      slot: Count,
      allocationId: AllocationIdSchema,
      error: ErrorSchema,
    }),
    reply: Empty,
  }),
};
