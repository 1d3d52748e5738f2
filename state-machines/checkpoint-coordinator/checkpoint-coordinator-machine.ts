/**
 * When a job takes its checkpoints.
 *
 * CC1  At most `maxConcurrent` checkpoints are pending, ids being allocated included.
 * CC2  Periodic checkpoints start at least `minPauseMs` after the last completion.
 * CC3  A checkpoint starts only while every task runs; when that ends, all pending ones are aborted.
 * CC4  More than `tolerableFailures` failures in a row that count fail the job, once; then they are counted anew, so that
 *      the restarted job has all its tolerance again.
 * CC5  Once every task reached the end of its data a final checkpoint follows, and is repeated until one completes.
 * CC9  The first checkpoint after a start comes at a random moment between the pause and the interval, so that jobs that
 *      were started together do not burden the store together.
 *
 * Times (`at`) are monotonic: a wall clock that is set back holds nothing up.
 */
import { assign, setup } from 'xstate';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';
import type { CheckpointFailureReason } from '../pending-checkpoint/pending-checkpoint-machine.js';

export interface CheckpointCoordinatorInput {
  readonly intervalMs: number;
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  readonly tolerableFailures: number;
}

export interface CheckpointCoordinatorContext extends CheckpointCoordinatorInput {
  /** Ids of checkpoints that were started and have not ended. */
  readonly pending: readonly number[];
  /** A periodic checkpoint is due and could not start yet. */
  readonly isDue: boolean;
  readonly isFinalWanted: boolean;
  /** Id of the final checkpoint once it was started. */
  readonly finalId: number | null;
  /** Failures that count, since the last completion or since they failed the job. */
  readonly failures: number;
  /** Monotonic time of the latest completion, null before the first. */
  readonly completedAt: number | null;
}

export type CheckpointCoordinatorEvent =
  /** `random` in [0, 1) places the first checkpoint. */
  | { readonly type: 'JOB_RUNNING'; readonly at: number; readonly random: number }
  | { readonly type: 'JOB_NOT_RUNNING'; readonly reason: CheckpointFailureReason }
  | { readonly type: 'TICK'; readonly at: number }
  | { readonly type: 'END_OF_DATA'; readonly at: number }
  | { readonly type: 'ID_ALLOCATED'; readonly checkpointId: number }
  | { readonly type: 'ID_FAILED'; readonly error: string }
  | { readonly type: 'CHECKPOINT_COMPLETED'; readonly checkpointId: number; readonly at: number }
  | { readonly type: 'CHECKPOINT_ABORTED'; readonly checkpointId: number; readonly reason: CheckpointFailureReason }
  | { readonly type: 'STOP' };

export type CheckpointCoordinatorEffect =
  | { readonly type: 'allocateId'; readonly params: Record<string, never> }
  | { readonly type: 'startCheckpoint'; readonly params: { readonly checkpointId: number; readonly isFinal: boolean } }
  /** TICK after this long; replaces a tick that waits. */
  | { readonly type: 'scheduleTick'; readonly params: { readonly delayMs: number } }
  | { readonly type: 'cancelTick'; readonly params: Record<string, never> }
  | { readonly type: 'abortPending'; readonly params: { readonly reason: CheckpointFailureReason } }
  | { readonly type: 'failJob'; readonly params: { readonly failures: number; readonly reason: CheckpointFailureReason } }
  | IgnoredEffect;

/** Reasons that count against `tolerableFailures`, as in Flink's CheckpointFailureManager (docs/design/0001). */
const countedReasons: ReadonlySet<CheckpointFailureReason> = new Set<CheckpointFailureReason>([
  'CHECKPOINT_ASYNC_EXCEPTION',
  'CHECKPOINT_DECLINED',
  'CHECKPOINT_EXPIRED',
  'FINALIZE_CHECKPOINT_FAILURE',
]);

const none = {};
/** Pause before an attempt that could not start, or whose checkpoint failed, is repeated. */
const retryMs = 100;

/** How soon the checkpoint that was held up may start: a final one needs no pause between checkpoints. */
const pauseAfter = (context: CheckpointCoordinatorContext, soonMs: number): number =>
  context.isFinalWanted ? soonMs : Math.max(soonMs, context.minPauseMs);
/** When the first checkpoint of a run starts (CC9). An interval shorter than the pause is as long as the pause. */
const firstDelay = ({ intervalMs, minPauseMs }: CheckpointCoordinatorContext, random: number): number =>
  Math.round(minPauseMs + random * (Math.max(intervalMs, minPauseMs) - minPauseMs));
/** How long the pause after the last completion still is at a moment. */
const pauseLeft = ({ completedAt, minPauseMs }: CheckpointCoordinatorContext, at: number): number =>
  completedAt === null ? 0 : completedAt + minPauseMs - at;
const canStart = (context: CheckpointCoordinatorContext): boolean => context.pending.length < context.maxConcurrent;
const without = (ids: readonly number[], id: number): readonly number[] => ids.filter((other) => other !== id);

export const checkpointCoordinatorMachine = setup({
  types: {} as { context: CheckpointCoordinatorContext; events: CheckpointCoordinatorEvent; input: CheckpointCoordinatorInput },
  actions: {
    ...effects<CheckpointCoordinatorEffect>({
      allocateId: true,
      startCheckpoint: true,
      scheduleTick: true,
      cancelTick: true,
      abortPending: true,
      failJob: true,
      ignored: true,
    }),
    noteDue: assign({ isDue: true }),
    noteEndOfData: assign({ isFinalWanted: true, isDue: true }),
    noteStarted: assign(({ context, event }) => {
      if (event.type !== 'ID_ALLOCATED') return {};
      return {
        pending: [...context.pending, event.checkpointId],
        isDue: false,
        finalId: context.isFinalWanted ? event.checkpointId : null,
      };
    }),
    noteCompleted: assign(({ context, event }) => {
      if (event.type !== 'CHECKPOINT_COMPLETED') return {};
      const isFinal = event.checkpointId === context.finalId;
      return {
        pending: without(context.pending, event.checkpointId),
        failures: 0,
        completedAt: event.at,
        isFinalWanted: context.isFinalWanted && !isFinal,
        isDue: context.isDue && !isFinal,
      };
    }),
    noteAborted: assign(({ context, event }) => {
      if (event.type !== 'CHECKPOINT_ABORTED') return {};
      const isFinal = event.checkpointId === context.finalId;
      return {
        pending: without(context.pending, event.checkpointId),
        failures: context.failures + (countedReasons.has(event.reason) ? 1 : 0),
        finalId: isFinal ? null : context.finalId,
      };
    }),
    forgetFailures: assign({ failures: 0 }),
    forgetRun: assign({ isDue: false, isFinalWanted: false, finalId: null }),
  },
  guards: {
    canStart: ({ context }) => canStart(context),
    isTooEarly: ({ context, event }) => event.type === 'TICK' && !context.isFinalWanted && pauseLeft(context, event.at) > 0,
    isIntolerable: ({ context, event }) =>
      event.type === 'CHECKPOINT_ABORTED' &&
      context.pending.includes(event.checkpointId) &&
      countedReasons.has(event.reason) &&
      context.failures + 1 > context.tolerableFailures,
    /** A pending checkpoint ended while another was due; a final one that failed is due again. */
    holdsUpAnother: ({ context, event }) => {
      if (!('checkpointId' in event) || !context.pending.includes(event.checkpointId)) return false;
      const isFinalDone = event.type === 'CHECKPOINT_COMPLETED' && event.checkpointId === context.finalId;
      return !isFinalDone && (context.isDue || context.isFinalWanted);
    },
    isPending: ({ context, event }) => 'checkpointId' in event && context.pending.includes(event.checkpointId),
  },
}).createMachine({
  id: 'checkpoint-coordinator',
  context: ({ input }) => ({
    ...input,
    pending: [],
    isDue: false,
    isFinalWanted: false,
    finalId: null,
    failures: 0,
    completedAt: null,
  }),
  initial: 'inactive',
  states: {
    inactive: {
      description: 'Every task of the job runs.',
      on: {
        JOB_RUNNING: {
          target: 'active',
          actions: { type: 'scheduleTick', params: ({ context, event }) => ({ delayMs: firstDelay(context, event.random) }) },
        },
        CHECKPOINT_COMPLETED: [{ guard: 'isPending', actions: 'noteCompleted' }, ignored('stale')],
        CHECKPOINT_ABORTED: [{ guard: 'isPending', actions: 'noteAborted' }, ignored('stale')],
        ID_ALLOCATED: ignored('late'),
        ID_FAILED: ignored('late'),
        JOB_NOT_RUNNING: ignored('duplicate'),
        TICK: ignored('stale'),
        END_OF_DATA: ignored('stale'),
        STOP: 'stopped',
      },
    },
    active: {
      initial: 'waiting',
      on: {
        JOB_RUNNING: ignored('duplicate'),
        JOB_NOT_RUNNING: {
          target: 'inactive',
          actions: [
            'forgetRun',
            { type: 'cancelTick', params: none },
            { type: 'abortPending', params: ({ event }) => ({ reason: event.reason }) },
          ],
        },
        STOP: {
          target: 'stopped',
          actions: [
            { type: 'cancelTick', params: none },
            { type: 'abortPending', params: { reason: 'CHECKPOINT_COORDINATOR_SHUTDOWN' } },
          ],
        },
        TICK: { actions: 'noteDue' },
        END_OF_DATA: { actions: 'noteEndOfData' },
        CHECKPOINT_COMPLETED: [{ guard: 'isPending', actions: 'noteCompleted' }, ignored('stale')],
        CHECKPOINT_ABORTED: [
          {
            guard: 'isIntolerable',
            actions: [
              'noteAborted',
              { type: 'failJob', params: ({ context, event }) => ({ failures: context.failures, reason: event.reason }) },
              'forgetFailures',
            ],
          },
          {
            guard: 'holdsUpAnother',
            actions: ['noteAborted', { type: 'scheduleTick', params: ({ context }) => ({ delayMs: pauseAfter(context, retryMs) }) }],
          },
          { guard: 'isPending', actions: 'noteAborted' },
          ignored('stale'),
        ],
        ID_ALLOCATED: ignored('late'),
        ID_FAILED: ignored('late'),
      },
      states: {
        waiting: {
          description: 'The time of the next checkpoint, or the end of a pending one that holds it up.',
          on: {
            TICK: [
              {
                guard: 'isTooEarly',
                actions: {
                  type: 'scheduleTick',
                  params: ({ context, event }) => ({ delayMs: pauseLeft(context, event.at) }),
                },
              },
              { guard: 'canStart', target: 'allocating' },
              { actions: 'noteDue' },
            ],
            END_OF_DATA: { actions: ['noteEndOfData', { type: 'scheduleTick', params: { delayMs: 0 } }] },
            CHECKPOINT_COMPLETED: [
              {
                guard: 'holdsUpAnother',
                actions: ['noteCompleted', { type: 'scheduleTick', params: ({ context }) => ({ delayMs: pauseAfter(context, 0) }) }],
              },
              { guard: 'isPending', actions: 'noteCompleted' },
              ignored('stale'),
            ],
          },
        },
        allocating: {
          description: 'The next checkpoint id, from the store.',
          entry: { type: 'allocateId', params: none },
          on: {
            ID_ALLOCATED: {
              target: 'waiting',
              actions: [
                'noteStarted',
                {
                  type: 'startCheckpoint',
                  params: ({ context, event }) => ({ checkpointId: event.checkpointId, isFinal: context.finalId === event.checkpointId }),
                },
                { type: 'scheduleTick', params: ({ context }) => ({ delayMs: context.intervalMs }) },
              ],
            },
            ID_FAILED: 'retrying',
          },
        },
        retrying: {
          description: 'The time to ask the store again: it could not give an id.',
          entry: { type: 'scheduleTick', params: { delayMs: retryMs } },
          on: { TICK: 'allocating' },
        },
      },
    },
    stopped: { type: 'final', description: 'Nothing: the job ended, or this JobManager no longer leads.' },
  },
});

export const checkpointCoordinatorCatalogueEntry: CatalogueEntry = {
  name: 'checkpoint-coordinator',
  summary: 'Decides when a job starts a checkpoint, how many run at once, and when failed ones fail the job.',
  machine: checkpointCoordinatorMachine,
  events: eventTypes<CheckpointCoordinatorEvent>({
    JOB_RUNNING: true,
    JOB_NOT_RUNNING: true,
    TICK: true,
    END_OF_DATA: true,
    ID_ALLOCATED: true,
    ID_FAILED: true,
    CHECKPOINT_COMPLETED: true,
    CHECKPOINT_ABORTED: true,
    STOP: true,
  }),
  source: 'CheckpointCoordinator and CheckpointRequestDecider (Flink)',
};
