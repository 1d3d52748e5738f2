/**
 * One attempt to run one subtask, as the JobManager sees it: Flink's ExecutionState and exactly its transitions. The
 * TaskManager's side is the `task` machine.
 *
 * X1  FINISHED, CANCELED and FAILED are never left; what arrives there is named and counted.
 * X2  FAILED is entered from every other non-terminal state but CANCELING: what is being cancelled ends CANCELED,
 *     whatever its task reports.
 * X3  A task is deployed once, from SCHEDULED.
 * X4  What the JobManager itself gave up (FAIL, an unexpected report, CANCEL) may still run: it is told to cancel.
 * X5  A report that overtook an earlier one does not skip a state: both are entered, in order.
 */
import { assign, setup } from 'xstate';
import type { ErrorRecord } from '../../core/errors.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';

export type ExecutionState =
  'CREATED' | 'SCHEDULED' | 'DEPLOYING' | 'INITIALIZING' | 'RUNNING' | 'FINISHED' | 'CANCELING' | 'CANCELED' | 'FAILED' | 'RECONCILING';

/** As in Flink (NUM_CANCEL_CALL_TRIES). */
export const cancelTriesMax = 3;

export interface ExecutionContext {
  /** The state before the one being entered; the same once it is entered. */
  readonly state: ExecutionState;
  readonly timestamps: Readonly<Partial<Record<ExecutionState, number>>>;
  readonly error: ErrorRecord | null;
  /** The task may exist on a TaskManager. */
  readonly isDeployed: boolean;
  /** RUNNING was reported before INITIALIZING (X5). */
  readonly hasReportedRunning: boolean;
  readonly cancelTries: number;
}

export type ExecutionEvent = { readonly at: number } & (
  | { readonly type: 'SCHEDULE' }
  /** Slots are assigned to all of its region. */
  | { readonly type: 'DEPLOY' }
  | { readonly type: 'CANCEL' }
  /** The JobManager gives up: deployment failed, the slot or TaskManager was lost, the task is missing there. */
  | { readonly type: 'FAIL'; readonly error: ErrorRecord }
  | { readonly type: 'RECONCILE' }
  | { readonly type: 'TASK_INITIALIZING' }
  | { readonly type: 'TASK_RUNNING' }
  | { readonly type: 'TASK_FINISHED' }
  | { readonly type: 'TASK_CANCELED' }
  | { readonly type: 'TASK_FAILED'; readonly error: ErrorRecord }
  /** The TaskManager did not answer the cancel call. */
  | { readonly type: 'CANCEL_UNANSWERED' }
  /** The TaskManager does not know the attempt: it ended, or never started. */
  | { readonly type: 'CANCEL_UNKNOWN' }
);

export type ExecutionEffect =
  | {
      readonly type: 'stateChanged';
      readonly params: {
        readonly from: ExecutionState;
        readonly to: ExecutionState;
        readonly at: number;
        readonly error: ErrorRecord | null;
      };
    }
  | { readonly type: 'deployTask'; readonly params: Record<string, never> }
  /** Ask the TaskManager to cancel; CANCEL_UNANSWERED or CANCEL_UNKNOWN may come back. */
  | { readonly type: 'cancelTask'; readonly params: Record<string, never> }
  /** A task failed while it was being cancelled; the error may be the first cause of what it is cancelled for. */
  | { readonly type: 'causeLearned'; readonly params: { readonly error: ErrorRecord } }
  | IgnoredEffect;

export const terminalExecutionStates: readonly ExecutionState[] = ['FINISHED', 'CANCELED', 'FAILED'];

const none = {};
const types = {} as { context: ExecutionContext; events: ExecutionEvent };
const takeError = setup({ types }).assign({ error: ({ context, event }) => ('error' in event ? event.error : context.error) });
const causeLearned = {
  type: 'causeLearned' as const,
  params: ({ event }: { event: Extract<ExecutionEvent, { error: ErrorRecord }> }) => ({ error: event.error }),
};
const cancelTask = { type: 'cancelTask' as const, params: none };
const unexpected = (state: string) => (message: string) =>
  setup({ types }).assign({
    error: {
      code: 'UNEXPECTED_TASK_STATE',
      domain: 'internal',
      recovery: 'restart-job',
      message: `the task reported ${message} while its execution was ${state}`,
    },
  });

/** Tells of the state being entered, then makes it the present one. */
const entering = (to: ExecutionState) =>
  [
    {
      type: 'stateChanged' as const,
      params: ({ context, event }: { context: ExecutionContext; event: ExecutionEvent }) => ({
        from: context.state,
        to,
        at: event.at,
        error: to === 'FAILED' ? context.error : null,
      }),
    },
    { type: 'enter' as const, params: { to } },
  ] as const;

const late = ignored('late');
const duplicate = ignored('duplicate');
const moot = ignored('moot');

/** The JobManager gives up a task that may run. */
const giveUp = { target: 'FAILED', actions: [takeError, cancelTask] } as const;
const taskFailed = { target: 'FAILED', actions: takeError } as const;

/** The task cannot be there yet: a report means that the two sides disagree. */
const notDeployed = (state: string) => {
  const saying = unexpected(state);
  return {
    FAIL: taskFailed,
    CANCEL: 'CANCELING',
    TASK_INITIALIZING: { target: 'FAILED', actions: [saying('INITIALIZING'), cancelTask] },
    TASK_RUNNING: { target: 'FAILED', actions: [saying('RUNNING'), cancelTask] },
    TASK_FINISHED: { target: 'FAILED', actions: saying('FINISHED') },
    TASK_CANCELED: { target: 'FAILED', actions: saying('CANCELED') },
    TASK_FAILED: taskFailed,
    CANCEL_UNANSWERED: moot,
    CANCEL_UNKNOWN: moot,
  } as const;
};

const deployed = {
  CANCEL: { target: 'CANCELING', actions: [cancelTask, 'countCancelTry'] },
  FAIL: giveUp,
  TASK_FINISHED: 'FINISHED',
  TASK_CANCELED: 'CANCELED',
  TASK_FAILED: taskFailed,
  SCHEDULE: late,
  DEPLOY: late,
  RECONCILE: late,
  CANCEL_UNANSWERED: moot,
  CANCEL_UNKNOWN: moot,
} as const;

/** What any terminal state does with what still arrives (X1). */
const ended = {
  SCHEDULE: late,
  DEPLOY: late,
  CANCEL: moot,
  FAIL: late,
  RECONCILE: late,
  TASK_INITIALIZING: late,
  TASK_RUNNING: late,
  TASK_FINISHED: late,
  TASK_CANCELED: late,
  TASK_FAILED: late,
  CANCEL_UNANSWERED: moot,
  CANCEL_UNKNOWN: moot,
} as const;

export const executionMachine = setup({
  types: {} as { context: ExecutionContext; events: ExecutionEvent; input: { readonly at: number } },
  actions: {
    ...effects<ExecutionEffect>({ stateChanged: true, deployTask: true, cancelTask: true, causeLearned: true, ignored: true }),
    enter: assign(({ context, event }, params: { readonly to: ExecutionState }) => ({
      state: params.to,
      timestamps: { ...context.timestamps, [params.to]: event.at },
    })),
    countCancelTry: assign({ cancelTries: ({ context }) => context.cancelTries + 1 }),
  },
  guards: {
    wasNeverDeployed: ({ context }) => !context.isDeployed,
    hasReportedRunning: ({ context }) => context.hasReportedRunning,
    hasCancelTriesLeft: ({ context }) => context.cancelTries < cancelTriesMax,
  },
}).createMachine({
  id: 'execution',
  context: ({ input }) => ({
    state: 'CREATED',
    timestamps: { CREATED: input.at },
    error: null,
    isDeployed: false,
    hasReportedRunning: false,
    cancelTries: 0,
  }),
  initial: 'CREATED',
  states: {
    CREATED: {
      description: 'The decision to schedule its region.',
      on: { ...notDeployed('CREATED'), SCHEDULE: 'SCHEDULED', RECONCILE: 'RECONCILING', DEPLOY: moot },
    },
    SCHEDULED: {
      description: 'Slots for all subtasks of its region, and the checkpoint to restore.',
      entry: entering('SCHEDULED'),
      on: { ...notDeployed('SCHEDULED'), DEPLOY: 'DEPLOYING', SCHEDULE: duplicate, RECONCILE: late },
    },
    DEPLOYING: {
      description: 'The report of the TaskManager that the task restores its state.',
      entry: [...entering('DEPLOYING'), assign({ isDeployed: true }), { type: 'deployTask', params: none }],
      on: {
        ...deployed,
        TASK_INITIALIZING: 'INITIALIZING',
        TASK_RUNNING: { target: 'INITIALIZING', actions: assign({ hasReportedRunning: true }) },
        DEPLOY: duplicate,
      },
    },
    INITIALIZING: {
      description: 'The end of restoring and opening its operators.',
      entry: entering('INITIALIZING'),
      always: { guard: 'hasReportedRunning', target: 'RUNNING' },
      on: { ...deployed, TASK_INITIALIZING: duplicate, TASK_RUNNING: 'RUNNING' },
    },
    RUNNING: {
      description: 'The end of its input, and with checkpoints the final one.',
      entry: entering('RUNNING'),
      on: { ...deployed, TASK_INITIALIZING: late, TASK_RUNNING: duplicate },
    },
    RECONCILING: {
      description: 'What the TaskManager has to say about a task that survived a failover of the JobManager (batch recovery).',
      entry: [...entering('RECONCILING'), assign({ isDeployed: true })],
      on: {
        TASK_INITIALIZING: 'INITIALIZING',
        TASK_RUNNING: 'RUNNING',
        TASK_FINISHED: 'FINISHED',
        TASK_CANCELED: 'CANCELED',
        TASK_FAILED: taskFailed,
        FAIL: giveUp,
        CANCEL: { target: 'CANCELED', actions: cancelTask },
        SCHEDULE: late,
        DEPLOY: late,
        RECONCILE: duplicate,
        CANCEL_UNANSWERED: moot,
        CANCEL_UNKNOWN: moot,
      },
    },
    CANCELING: {
      description: 'The report that the task ended, in whatever way, or the last unanswered cancel call.',
      entry: entering('CANCELING'),
      always: { guard: 'wasNeverDeployed', target: 'CANCELED' },
      on: {
        TASK_FINISHED: 'CANCELED',
        TASK_CANCELED: 'CANCELED',
        TASK_FAILED: { target: 'CANCELED', actions: causeLearned },
        CANCEL_UNANSWERED: [{ guard: 'hasCancelTriesLeft', actions: [cancelTask, 'countCancelTry'] }, { target: 'CANCELED' }],
        CANCEL_UNKNOWN: 'CANCELED',
        TASK_INITIALIZING: { actions: cancelTask },
        TASK_RUNNING: { actions: cancelTask },
        FAIL: 'CANCELED',
        CANCEL: duplicate,
        SCHEDULE: late,
        DEPLOY: late,
        RECONCILE: late,
      },
    },
    FINISHED: { description: 'Nothing: all its input is processed.', entry: entering('FINISHED'), on: ended },
    CANCELED: { description: 'Nothing: it was cancelled.', entry: entering('CANCELED'), on: ended },
    FAILED: {
      description: 'Nothing: it failed; a task that still reports progress is told to cancel.',
      entry: entering('FAILED'),
      on: { ...ended, TASK_INITIALIZING: { actions: cancelTask }, TASK_RUNNING: { actions: cancelTask } },
    },
  },
});

export const executionCatalogueEntry: CatalogueEntry = {
  name: 'execution',
  summary: 'One attempt to run one subtask, as the JobManager sees it.',
  machine: executionMachine,
  events: eventTypes<ExecutionEvent>({
    SCHEDULE: true,
    DEPLOY: true,
    CANCEL: true,
    FAIL: true,
    RECONCILE: true,
    TASK_INITIALIZING: true,
    TASK_RUNNING: true,
    TASK_FINISHED: true,
    TASK_CANCELED: true,
    TASK_FAILED: true,
    CANCEL_UNANSWERED: true,
    CANCEL_UNKNOWN: true,
  }),
  source: 'ExecutionState on the JobMaster (Flink)',
};
