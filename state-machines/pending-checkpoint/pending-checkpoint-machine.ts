/**
 * One checkpoint from its trigger to its completion or abort.
 *
 * PC1  It completes only after every attempt it awaits has acknowledged, and only once the store has moved the pointer.
 * PC2  From the moment finalizing began, nothing but the store's answer ends it: a pointer cannot be moved back.
 * PC3  An acknowledgement counts once, and only of an attempt that this checkpoint awaits; anybody else's is discarded.
 * PC4  It ends exactly once; after that its state is never confirmed, and never discarded when it completed.
 */
import { assign, setup } from 'xstate';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';

/** Why a checkpoint was aborted: Flink's CheckpointFailureReason. */
export type CheckpointFailureReason =
  | 'CHECKPOINT_EXPIRED'
  | 'CHECKPOINT_SUBSUMED'
  | 'CHECKPOINT_DECLINED'
  | 'CHECKPOINT_DECLINED_TASK_NOT_READY'
  | 'CHECKPOINT_DECLINED_TASK_CLOSING'
  | 'CHECKPOINT_DECLINED_SUBSUMED'
  | 'CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER'
  | 'CHECKPOINT_ASYNC_EXCEPTION'
  | 'CHECKPOINT_COORDINATOR_SHUTDOWN'
  | 'CHECKPOINT_COORDINATOR_SUSPEND'
  | 'JOB_FAILOVER_REGION'
  | 'FINALIZE_CHECKPOINT_FAILURE'
  | 'TRIGGER_CHECKPOINT_FAILURE';

export interface PendingCheckpointContext {
  readonly checkpointId: number;
  /** Attempts whose acknowledgement is still missing. */
  readonly awaited: readonly string[];
  readonly acknowledged: readonly string[];
  readonly failure: CheckpointFailureReason | null;
}

export type PendingCheckpointEvent =
  | { readonly type: 'ACKNOWLEDGED'; readonly attemptId: string }
  | { readonly type: 'DECLINED'; readonly attemptId: string; readonly reason: CheckpointFailureReason }
  | { readonly type: 'TRIGGER_FAILED'; readonly attemptId: string }
  | { readonly type: 'EXPIRED' }
  | { readonly type: 'ABORT'; readonly reason: CheckpointFailureReason }
  | { readonly type: 'FINALIZED' }
  | { readonly type: 'FINALIZE_FAILED' };

export type PendingCheckpointEffect =
  | { readonly type: 'triggerSources'; readonly params: { readonly checkpointId: number } }
  | { readonly type: 'watchTimeout'; readonly params: { readonly checkpointId: number } }
  | { readonly type: 'cancelTimeout'; readonly params: { readonly checkpointId: number } }
  /** The snapshot that came with the acknowledgement is part of the checkpoint. */
  | { readonly type: 'keepSnapshot'; readonly params: { readonly attemptId: string } }
  /** It is not: nobody waits for it. */
  | { readonly type: 'discardSnapshot'; readonly params: { readonly attemptId: string } }
  | { readonly type: 'finalize'; readonly params: { readonly checkpointId: number } }
  | { readonly type: 'reportCompleted'; readonly params: { readonly checkpointId: number } }
  | { readonly type: 'reportAborted'; readonly params: { readonly checkpointId: number; readonly reason: CheckpointFailureReason } }
  | IgnoredEffect;

const itself = ({ context }: { context: PendingCheckpointContext }) => ({ checkpointId: context.checkpointId });

export const pendingCheckpointMachine = setup({
  types: {} as {
    context: PendingCheckpointContext;
    events: PendingCheckpointEvent;
    input: { readonly checkpointId: number; readonly awaited: readonly string[] };
  },
  actions: {
    ...effects<PendingCheckpointEffect>({
      triggerSources: true,
      watchTimeout: true,
      cancelTimeout: true,
      keepSnapshot: true,
      discardSnapshot: true,
      finalize: true,
      reportCompleted: true,
      reportAborted: true,
      ignored: true,
    }),
    noteAcknowledged: assign(({ context, event }) => {
      if (event.type !== 'ACKNOWLEDGED') return {};
      return {
        awaited: context.awaited.filter((attempt) => attempt !== event.attemptId),
        acknowledged: [...context.acknowledged, event.attemptId],
      };
    }),
    noteFailure: assign({ failure: (_, params: { readonly reason: CheckpointFailureReason }) => params.reason }),
  },
  guards: {
    isLastAwaited: ({ context, event }) =>
      event.type === 'ACKNOWLEDGED' && context.awaited.length === 1 && context.awaited[0] === event.attemptId,
    isAwaited: ({ context, event }) => 'attemptId' in event && context.awaited.includes(event.attemptId),
    isAcknowledged: ({ context, event }) => 'attemptId' in event && context.acknowledged.includes(event.attemptId),
  },
}).createMachine({
  id: 'pending-checkpoint',
  context: ({ input }) => ({ checkpointId: input.checkpointId, awaited: input.awaited, acknowledged: [], failure: null }),
  initial: 'collecting',
  states: {
    collecting: {
      description: 'The acknowledgement of every task of the job.',
      entry: [
        { type: 'watchTimeout', params: itself },
        { type: 'triggerSources', params: itself },
      ],
      on: {
        ACKNOWLEDGED: [
          {
            guard: 'isLastAwaited',
            target: 'finalizing',
            actions: [{ type: 'noteAcknowledged' }, { type: 'keepSnapshot', params: ({ event }) => ({ attemptId: event.attemptId }) }],
          },
          {
            guard: 'isAwaited',
            actions: [{ type: 'noteAcknowledged' }, { type: 'keepSnapshot', params: ({ event }) => ({ attemptId: event.attemptId }) }],
          },
          { guard: 'isAcknowledged', ...ignored('duplicate') },
          { actions: { type: 'discardSnapshot', params: ({ event }) => ({ attemptId: event.attemptId }) } },
        ],
        DECLINED: [
          {
            guard: 'isAwaited',
            target: 'aborted',
            actions: { type: 'noteFailure', params: ({ event }) => ({ reason: event.reason }) },
          },
          ignored('stale'),
        ],
        TRIGGER_FAILED: [
          {
            guard: 'isAwaited',
            target: 'aborted',
            actions: { type: 'noteFailure', params: { reason: 'TRIGGER_CHECKPOINT_FAILURE' } },
          },
          ignored('stale'),
        ],
        EXPIRED: { target: 'aborted', actions: { type: 'noteFailure', params: { reason: 'CHECKPOINT_EXPIRED' } } },
        ABORT: { target: 'aborted', actions: { type: 'noteFailure', params: ({ event }) => ({ reason: event.reason }) } },
        FINALIZED: ignored('stale'),
        FINALIZE_FAILED: ignored('stale'),
      },
    },
    finalizing: {
      description: "The store's answer to the one step that makes the checkpoint the latest completed one.",
      entry: [
        { type: 'cancelTimeout', params: itself },
        { type: 'finalize', params: itself },
      ],
      on: {
        FINALIZED: 'completed',
        FINALIZE_FAILED: { target: 'aborted', actions: { type: 'noteFailure', params: { reason: 'FINALIZE_CHECKPOINT_FAILURE' } } },
        ACKNOWLEDGED: [
          { guard: 'isAcknowledged', ...ignored('duplicate') },
          { actions: { type: 'discardSnapshot', params: ({ event }) => ({ attemptId: event.attemptId }) } },
        ],
        DECLINED: ignored('late'),
        TRIGGER_FAILED: ignored('late'),
        EXPIRED: ignored('late'),
        ABORT: ignored('late'),
      },
    },
    completed: {
      type: 'final',
      description: 'Nothing: the checkpoint can be restored from.',
      entry: { type: 'reportCompleted', params: itself },
    },
    aborted: {
      type: 'final',
      description: 'Nothing: what was written for it is swept.',
      entry: [
        { type: 'cancelTimeout', params: itself },
        {
          type: 'reportAborted',
          params: ({ context }) => ({ checkpointId: context.checkpointId, reason: context.failure ?? 'CHECKPOINT_DECLINED' }),
        },
      ],
    },
  },
});

export const pendingCheckpointCatalogueEntry: CatalogueEntry = {
  name: 'pending-checkpoint',
  summary: 'Decides when one checkpoint is complete: it collects acknowledgements, has the pointer moved, and ends completed or aborted.',
  machine: pendingCheckpointMachine,
  events: eventTypes<PendingCheckpointEvent>({
    ACKNOWLEDGED: true,
    DECLINED: true,
    TRIGGER_FAILED: true,
    EXPIRED: true,
    ABORT: true,
    FINALIZED: true,
    FINALIZE_FAILED: true,
  }),
  source: 'PendingCheckpoint (Flink)',
};
