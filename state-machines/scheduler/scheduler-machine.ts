/**
 * The scheduler of one job: when its tasks are deployed, cancelled, restarted, and when the job ends. Flink's
 * AdaptiveScheduler states, with region failover: while some tasks restart, the others keep running.
 *
 * S1  Tasks are deployed only when all of them that wait have a slot, the tasks they replace have ended, the back-off is
 *     over, and the checkpoint to restore is known.
 * S2  Failures during a restart join it: what they affect restarts in the same go.
 * S3  A job ends only when no execution is left that is not terminal, except that SUSPEND waits for nothing.
 * S4  Timers and answers belong to a round; those of an earlier round change nothing.
 * S5  The error kept is the first cause of the present round of failures: a task that only lost its neighbour is not blamed
 *     when the neighbour's own error is known.
 * S6  The same failure of user code, again and again without a completed checkpoint, ends the job at a bound, whatever the
 *     restart strategy (RF1, RF2).
 */
import { assign, setup } from 'xstate';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';
import { effects, ignored } from '../kit/effects.js';
import { affectedBy, common, firstCause, isFatal, union, without } from './failover.js';
import { rememberRound, whyHopeless, type RepeatedFailure } from './repeated-failure.js';
import { decideRestart, noFailures, rememberCheckpoint, type RestartDecision } from './restart-strategy.js';
import type { FailureMoment, SchedulerContext, SchedulerEffect, SchedulerEvent, SchedulerInput } from './scheduler-model.js';

type Args = { readonly context: SchedulerContext; readonly event: SchedulerEvent };
const types = {} as { context: SchedulerContext; events: SchedulerEvent; input: SchedulerInput };

/** What failed by this event, or undefined when it is no failure. */
function failureOf({ context, event }: Args): (FailureMoment & { readonly failed: readonly ExecutionVertexId[] | 'all' }) | undefined {
  if (event.type === 'SUBTASKS_FAILED') return { ...event, failed: event.subtasks };
  if (event.type === 'JOB_FAILED') return { ...event, failed: 'all' };
  if (event.type === 'RESTORE_POINT_FAILED') return { ...event, failed: context.affected };
  return undefined;
}

/** What came back before the round that begins or goes on: the rounds before it are over, with the cause that was found. */
function repeatedBefore({ repeated, isRestarting, error, failedAt }: SchedulerContext): RepeatedFailure | null {
  return isRestarting ? repeated : rememberRound(repeated, error, failedAt);
}

function decisionFor(args: Args): RestartDecision | undefined {
  const failure = failureOf(args);
  if (failure === undefined) return undefined;
  const { context } = args;
  const decision = decideRestart(context.restartStrategy, context.memory, failure);
  if (decision.kind === 'give-up') return decision;
  const reason = whyHopeless(repeatedBefore(context), context.repeatedFailure, failure);
  return reason === undefined ? decision : { kind: 'give-up', reason, memory: context.memory };
}

const base = setup({ types });
const beginRestart = base.assign((args) => {
  const failure = failureOf(args);
  const decision = decisionFor(args);
  if (failure === undefined || decision === undefined) return {};
  const { context } = args;
  return {
    affected: union(context.affected, affectedBy(context.regions, context.failover, failure.failed)),
    memory: decision.memory,
    repeated: repeatedBefore(context),
    failedAt: context.isRestarting ? context.failedAt : failure.at,
    error: context.isRestarting ? firstCause(context.error, failure.error) : failure.error,
    restarts: context.isRestarting ? context.restarts : context.restarts + 1,
    isRestarting: true,
    backoffMs: decision.kind === 'restart' ? decision.delayMs : 0,
    isBackoffOver: false,
    round: context.round + 1,
  };
});
/** Names the first cause, and why nothing is tried any more. */
const giveUp = base.assign((args) => {
  const { context, event } = args;
  if (!('error' in event)) return {};
  const error = context.isRestarting ? firstCause(context.error, event.error) : event.error;
  const decision = isFatal(event.error) ? undefined : decisionFor(args);
  if (decision === undefined || decision.kind === 'restart') return { error };
  const hint = `${error.hint === undefined ? '' : `${error.hint} `}It was not restarted: ${decision.reason}.`;
  return { error: { ...error, hint }, memory: decision.memory };
});
const forgetEnded = base.assign(({ context, event }) => {
  if (event.type === 'SUBTASK_ENDED') return { live: without(context.live, [event.subtask]) };
  return event.type === 'SUBTASKS_FAILED' ? { live: without(context.live, event.subtasks) } : {};
});
const learnCause = base.assign(({ context, event }) =>
  event.type === 'CAUSE_LEARNED' ? { error: firstCause(context.error, event.error) } : {},
);
const blameFatal = base.assign(({ context, event }) =>
  event.type === 'CAUSE_LEARNED' ? { error: context.error !== null && isFatal(context.error) ? context.error : event.error } : {},
);
/** What made the job need slots again is why it has none. */
const blameSlots = base.assign(({ context, event }) => {
  if (event.type !== 'SLOT_TIMEOUT') return {};
  return { error: context.isRestarting && context.error !== null ? { ...event.error, cause: context.error } : event.error };
});
const countCheckpoint = base.assign({ memory: ({ context }) => rememberCheckpoint(context.memory), repeated: null, failedAt: null });

const none = {};
const moveJob = (event: Extract<SchedulerEffect, { type: 'moveJob' }>['params']['event']) => ({
  type: 'moveJob' as const,
  params: ({ context }: Args) => ({ event, error: context.error }),
});
const affected = ({ context }: Args) => ({ subtasks: context.affected });
const cancelAll = { type: 'cancelSubtasks' as const, params: ({ context }: Args) => ({ subtasks: context.live }) };
const stale = ignored('stale');
const moot = ignored('moot');
const late = ignored('late');

/** A failure in a state where a restart is possible. */
const onFailure = [
  { guard: 'isFatal', target: 'failing', actions: [forgetEnded, giveUp] },
  { guard: 'mayRestart', target: 'restarting', actions: [forgetEnded, beginRestart], reenter: true },
  { target: 'failing', actions: [forgetEnded, giveUp] },
] as const;

const onCauseLearned = [{ guard: 'isFatal', target: 'failing', actions: blameFatal }, { actions: learnCause }] as const;

const active = {
  CANCEL: 'cancelling',
  SUSPEND: 'suspended',
  SUBTASKS_FAILED: onFailure,
  JOB_FAILED: onFailure,
  CAUSE_LEARNED: onCauseLearned,
  SUBTASK_ENDED: { actions: forgetEnded },
  CHECKPOINT_COMPLETED: { actions: countCheckpoint },
  START: ignored('duplicate'),
} as const;

/** While the last tasks end, only their end counts. */
const ending = {
  SUSPEND: 'suspended',
  SUBTASK_ENDED: { actions: forgetEnded },
  SUBTASKS_FAILED: { actions: forgetEnded },
  JOB_FAILED: moot,
  CHECKPOINT_COMPLETED: moot,
  START: late,
  SLOTS_ASSIGNED: stale,
  SLOT_LOST: moot,
  SLOT_TIMEOUT: stale,
  RESTORE_POINT_FOUND: stale,
  RESTORE_POINT_FAILED: stale,
  BACKOFF_OVER: stale,
} as const;

export const schedulerMachine = setup({
  types,
  actions: effects<SchedulerEffect>({
    moveJob: true,
    schedule: true,
    assignSlots: true,
    startSlotTimer: true,
    stopSlotTimer: true,
    findRestorePoint: true,
    deploy: true,
    abortCheckpoints: true,
    cancelSubtasks: true,
    startBackoff: true,
    stopBackoff: true,
    end: true,
    ignored: true,
  }),
  guards: {
    isFatal: ({ event }) => 'error' in event && isFatal(event.error),
    mayRestart: (args) => decisionFor(args)?.kind === 'restart',
    isThisRound: ({ context, event }) => 'round' in event && event.round === context.round,
    isNothingLive: ({ context }) => context.live.length === 0,
    mayProceed: ({ context }) => context.isBackoffOver && common(context.affected, context.live).length === 0,
    isRestarting: ({ context }) => context.isRestarting,
  },
}).createMachine({
  id: 'scheduler',
  context: ({ input }) => ({
    ...input,
    live: input.regions.flat(),
    affected: [],
    round: 0,
    backoffMs: 0,
    isBackoffOver: true,
    isRestarting: false,
    restarts: 0,
    memory: noFailures,
    repeated: null,
    failedAt: null,
    error: null,
  }),
  initial: 'created',
  states: {
    created: {
      description: 'The order to start.',
      on: {
        START: {
          target: 'waitingForSlots',
          actions: [assign({ affected: ({ context }) => context.regions.flat() }), moveJob('START')],
        },
        CANCEL: 'cancelling',
        SUSPEND: 'suspended',
        JOB_FAILED: { target: 'failing', actions: giveUp },
        SUBTASKS_FAILED: moot,
        SUBTASK_ENDED: moot,
        CAUSE_LEARNED: moot,
        CHECKPOINT_COMPLETED: moot,
        SLOTS_ASSIGNED: stale,
        SLOT_LOST: moot,
        SLOT_TIMEOUT: stale,
        RESTORE_POINT_FOUND: stale,
        RESTORE_POINT_FAILED: stale,
        BACKOFF_OVER: stale,
      },
    },
    waitingForSlots: {
      description: 'A slot for every subtask that is to be deployed.',
      entry: [
        assign({ live: ({ context }) => union(context.live, context.affected), round: ({ context }) => context.round + 1 }),
        { type: 'schedule', params: affected },
        { type: 'startSlotTimer', params: ({ context }) => ({ round: context.round, delayMs: context.slotRequestTimeoutMs }) },
        { type: 'assignSlots', params: ({ context }) => ({ subtasks: context.affected, round: context.round }) },
      ],
      exit: { type: 'stopSlotTimer', params: none },
      on: {
        ...active,
        SLOTS_ASSIGNED: [{ guard: 'isThisRound', target: 'restoring' }, stale],
        SLOT_TIMEOUT: [{ guard: 'isThisRound', target: 'failing', actions: blameSlots }, stale],
        SLOT_LOST: moot,
        RESTORE_POINT_FOUND: stale,
        RESTORE_POINT_FAILED: stale,
        BACKOFF_OVER: stale,
      },
    },
    restoring: {
      description: 'The checkpoint to restore: no move of its pointer may be under way.',
      entry: { type: 'findRestorePoint', params: ({ context }) => ({ round: context.round }) },
      on: {
        ...active,
        RESTORE_POINT_FOUND: [
          {
            guard: ({ context, event }) => event.round === context.round && context.isRestarting,
            target: 'executing',
            actions: moveJob('RESTARTED'),
          },
          { guard: 'isThisRound', target: 'executing' },
          stale,
        ],
        RESTORE_POINT_FAILED: [{ guard: ({ context, event }) => event.round !== context.round, ...stale }, ...onFailure],
        SLOT_LOST: 'waitingForSlots',
        SLOTS_ASSIGNED: stale,
        SLOT_TIMEOUT: stale,
        BACKOFF_OVER: stale,
      },
    },
    executing: {
      description: 'The end of all tasks, or a failure.',
      entry: [{ type: 'deploy', params: affected }, assign({ affected: [], isRestarting: false })],
      always: {
        guard: 'isNothingLive',
        target: 'finished',
        actions: [moveJob('ALL_FINISHED'), { type: 'end', params: { outcome: 'FINISHED' } }],
      },
      on: {
        ...active,
        SLOTS_ASSIGNED: stale,
        SLOT_LOST: moot,
        SLOT_TIMEOUT: stale,
        RESTORE_POINT_FOUND: stale,
        RESTORE_POINT_FAILED: stale,
        BACKOFF_OVER: stale,
      },
    },
    restarting: {
      description: 'The end of the tasks that are to be restarted, and of the back-off.',
      entry: [
        { type: 'abortCheckpoints', params: { reason: 'JOB_FAILOVER_REGION' } },
        moveJob('RESTART'),
        { type: 'startBackoff', params: ({ context }) => ({ round: context.round, delayMs: context.backoffMs }) },
        {
          type: 'cancelSubtasks',
          params: ({ context }) => ({ subtasks: common(context.affected, context.live) }),
        },
      ],
      exit: { type: 'stopBackoff', params: none },
      always: { guard: 'mayProceed', target: 'waitingForSlots' },
      on: {
        ...active,
        BACKOFF_OVER: [{ guard: 'isThisRound', actions: assign({ isBackoffOver: true }) }, stale],
        SLOTS_ASSIGNED: stale,
        SLOT_LOST: moot,
        SLOT_TIMEOUT: stale,
        RESTORE_POINT_FOUND: stale,
        RESTORE_POINT_FAILED: stale,
      },
    },
    failing: {
      description: 'The end of all tasks; then the job has failed.',
      entry: [moveJob('FAIL'), { type: 'abortCheckpoints', params: { reason: 'CHECKPOINT_COORDINATOR_SHUTDOWN' } }, cancelAll],
      always: {
        guard: 'isNothingLive',
        target: 'finished',
        actions: [moveJob('ALL_TERMINAL'), { type: 'end', params: { outcome: 'FAILED' } }],
      },
      on: { ...ending, CANCEL: 'cancelling', CAUSE_LEARNED: { actions: learnCause } },
    },
    cancelling: {
      description: 'The end of all tasks; then the job is cancelled.',
      entry: [moveJob('CANCEL'), { type: 'abortCheckpoints', params: { reason: 'CHECKPOINT_COORDINATOR_SHUTDOWN' } }, cancelAll],
      always: {
        guard: 'isNothingLive',
        target: 'finished',
        actions: [moveJob('ALL_TERMINAL'), { type: 'end', params: { outcome: 'CANCELED' } }],
      },
      on: { ...ending, CANCEL: ignored('duplicate'), CAUSE_LEARNED: moot },
    },
    finished: { type: 'final', description: 'Nothing: the job ended for good.' },
    suspended: {
      type: 'final',
      description: 'Nothing here: the leadership is gone, the next leader recovers the job.',
      entry: [moveJob('SUSPEND'), { type: 'end', params: { outcome: 'SUSPENDED' } }],
    },
  },
});

export const schedulerCatalogueEntry: CatalogueEntry = {
  name: 'scheduler',
  summary: 'Decides when the tasks of one job are deployed, cancelled and restarted, and when the job ends.',
  machine: schedulerMachine,
  events: eventTypes<SchedulerEvent>({
    START: true,
    SLOTS_ASSIGNED: true,
    SLOT_LOST: true,
    SLOT_TIMEOUT: true,
    RESTORE_POINT_FOUND: true,
    RESTORE_POINT_FAILED: true,
    BACKOFF_OVER: true,
    SUBTASK_ENDED: true,
    SUBTASKS_FAILED: true,
    JOB_FAILED: true,
    CAUSE_LEARNED: true,
    CHECKPOINT_COMPLETED: true,
    CANCEL: true,
    SUSPEND: true,
  }),
  source: 'AdaptiveScheduler and DefaultScheduler (Flink)',
};
