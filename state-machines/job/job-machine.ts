/**
 * The status of a job: Flink's JobStatus and exactly its transitions.
 *
 * J1  FAILED, CANCELED, FINISHED and SUSPENDED are never left.
 * J2  Each status entered is stamped with the time of the event that led to it.
 * J3  RUNNING is entered from CREATED, RESTARTING or RECONCILING only; CREATED from INITIALIZING only.
 * J4  A job that was cancelled while failing ends CANCELED.
 */
import { assign, setup } from 'xstate';
import type { ErrorRecord } from '../../core/errors.js';
import type { JobStatus } from '../../bus/protocol/schemas.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';

export interface JobContext {
  /** The status before the one being entered; the same once it is entered. */
  readonly status: JobStatus;
  /** When each status was last entered; absent: never. */
  readonly timestamps: Readonly<Partial<Record<JobStatus, number>>>;
  /** First cause of the failure that ended or last restarted the job. */
  readonly error: ErrorRecord | null;
}

export type JobEvent = { readonly at: number } & (
  | { readonly type: 'INITIALIZED' }
  | { readonly type: 'INITIALIZATION_FAILED'; readonly error: ErrorRecord }
  | { readonly type: 'START' }
  | { readonly type: 'RECONCILE' }
  | { readonly type: 'RECONCILED' }
  /** At least one vertex waits for its restart. */
  | { readonly type: 'RESTART'; readonly error: ErrorRecord }
  /** No vertex waits any more: right before reset, restore and deployment. */
  | { readonly type: 'RESTARTED' }
  | { readonly type: 'ALL_FINISHED' }
  | { readonly type: 'CANCEL' }
  /** Every execution is in a terminal state. */
  | { readonly type: 'ALL_TERMINAL' }
  | { readonly type: 'CANCEL_FAILED'; readonly error: ErrorRecord }
  | { readonly type: 'FAIL'; readonly error: ErrorRecord }
  | { readonly type: 'SUSPEND' }
);

export type JobEffect =
  | {
      readonly type: 'statusChanged';
      readonly params: { readonly from: JobStatus; readonly to: JobStatus; readonly at: number; readonly error: ErrorRecord | null };
    }
  | IgnoredEffect;

const withError = setup({ types: {} as { context: JobContext; events: JobEvent } });
/** Remembers the error of the event, unless one is known already. */
const keepFirstError = withError.assign({ error: ({ context, event }) => context.error ?? ('error' in event ? event.error : null) });
const takeError = withError.assign({ error: ({ context, event }) => ('error' in event ? event.error : context.error) });

/** Tells of the status being entered, then makes it the present one. */
const entering = (to: JobStatus) =>
  [
    {
      type: 'statusChanged' as const,
      params: ({ context, event }: { context: JobContext; event: JobEvent }) => ({
        from: context.status,
        to,
        at: event.at,
        error: context.error,
      }),
    },
    { type: 'enter' as const, params: { to } },
  ] as const;

const moot = ignored('moot');
const late = ignored('late');
const duplicate = ignored('duplicate');

const anyNonTerminal = {
  FAIL: { target: 'FAILING', actions: takeError },
  SUSPEND: { target: 'SUSPENDED' },
} as const;

export const jobMachine = setup({
  types: {} as { context: JobContext; events: JobEvent; input: { readonly at: number } },
  actions: {
    ...effects<JobEffect>({ statusChanged: true, ignored: true }),
    enter: assign(({ context, event }, params: { readonly to: JobStatus }) => ({
      status: params.to,
      timestamps: { ...context.timestamps, [params.to]: event.at },
    })),
  },
}).createMachine({
  id: 'job',
  context: ({ input }) => ({ status: 'INITIALIZING', timestamps: { INITIALIZING: input.at }, error: null }),
  initial: 'INITIALIZING',
  states: {
    INITIALIZING: {
      description: 'The scheduler of the job: its graph is being built and its checkpoint looked up.',
      on: {
        ...anyNonTerminal,
        INITIALIZED: 'CREATED',
        INITIALIZATION_FAILED: { target: 'FAILED', actions: takeError },
        CANCEL: 'CANCELLING',
        START: moot,
        RECONCILE: moot,
        RECONCILED: moot,
        RESTART: moot,
        RESTARTED: moot,
        ALL_FINISHED: moot,
        ALL_TERMINAL: moot,
        CANCEL_FAILED: moot,
      },
    },
    CREATED: {
      description: 'The start of scheduling; nothing runs.',
      entry: entering('CREATED'),
      on: {
        ...anyNonTerminal,
        START: 'RUNNING',
        RECONCILE: 'RECONCILING',
        CANCEL: 'CANCELLING',
        INITIALIZED: duplicate,
        INITIALIZATION_FAILED: late,
        RECONCILED: moot,
        RESTART: moot,
        RESTARTED: moot,
        ALL_FINISHED: moot,
        ALL_TERMINAL: moot,
        CANCEL_FAILED: moot,
      },
    },
    RECONCILING: {
      description: 'The tasks that survived a failover of the JobManager (batch recovery).',
      entry: entering('RECONCILING'),
      on: {
        ...anyNonTerminal,
        RECONCILED: 'RUNNING',
        CANCEL: moot,
        START: moot,
        INITIALIZED: late,
        INITIALIZATION_FAILED: late,
        RECONCILE: duplicate,
        RESTART: moot,
        RESTARTED: moot,
        ALL_FINISHED: moot,
        ALL_TERMINAL: moot,
        CANCEL_FAILED: moot,
      },
    },
    RUNNING: {
      description: 'The end of all tasks; they are being deployed, run, or have finished.',
      entry: entering('RUNNING'),
      on: {
        ...anyNonTerminal,
        ALL_FINISHED: 'FINISHED',
        RESTART: { target: 'RESTARTING', actions: takeError },
        CANCEL: 'CANCELLING',
        START: duplicate,
        RESTARTED: duplicate,
        RECONCILED: duplicate,
        INITIALIZED: late,
        INITIALIZATION_FAILED: late,
        RECONCILE: late,
        ALL_TERMINAL: moot,
        CANCEL_FAILED: moot,
      },
    },
    RESTARTING: {
      description: 'Cancelled tasks, the back-off and slots for the vertices that are to be restarted; the others keep running.',
      entry: entering('RESTARTING'),
      on: {
        ...anyNonTerminal,
        RESTARTED: 'RUNNING',
        CANCEL: 'CANCELLING',
        RESTART: duplicate,
        ALL_FINISHED: moot,
        START: late,
        INITIALIZED: late,
        INITIALIZATION_FAILED: late,
        RECONCILE: late,
        RECONCILED: late,
        ALL_TERMINAL: moot,
        CANCEL_FAILED: moot,
      },
    },
    FAILING: {
      description: 'The end of all tasks, which are being cancelled because the job cannot recover.',
      entry: entering('FAILING'),
      on: {
        ALL_TERMINAL: 'FAILED',
        CANCEL: 'CANCELLING',
        SUSPEND: 'SUSPENDED',
        FAIL: duplicate,
        START: late,
        INITIALIZED: late,
        INITIALIZATION_FAILED: late,
        RECONCILE: late,
        RECONCILED: late,
        RESTART: late,
        RESTARTED: late,
        ALL_FINISHED: late,
        CANCEL_FAILED: moot,
      },
    },
    CANCELLING: {
      description: 'The end of all tasks, which are being cancelled because somebody asked for it.',
      entry: entering('CANCELLING'),
      on: {
        ALL_TERMINAL: 'CANCELED',
        CANCEL_FAILED: { target: 'FAILED', actions: keepFirstError },
        FAIL: { target: 'FAILING', actions: takeError },
        SUSPEND: 'SUSPENDED',
        CANCEL: duplicate,
        START: late,
        INITIALIZED: late,
        INITIALIZATION_FAILED: late,
        RECONCILE: late,
        RECONCILED: late,
        RESTART: late,
        RESTARTED: late,
        ALL_FINISHED: late,
      },
    },
    FAILED: { type: 'final', description: 'Nothing: the job failed for good.', entry: entering('FAILED') },
    CANCELED: { type: 'final', description: 'Nothing: the job was cancelled.', entry: entering('CANCELED') },
    FINISHED: { type: 'final', description: 'Nothing: all tasks finished.', entry: entering('FINISHED') },
    SUSPENDED: {
      type: 'final',
      description: 'Nothing here: this leader gave the job up, the next one recovers it.',
      entry: entering('SUSPENDED'),
    },
  },
});

export const jobCatalogueEntry: CatalogueEntry = {
  name: 'job',
  summary: 'The status of a job as clients see it.',
  machine: jobMachine,
  events: eventTypes<JobEvent>({
    INITIALIZED: true,
    INITIALIZATION_FAILED: true,
    START: true,
    RECONCILE: true,
    RECONCILED: true,
    RESTART: true,
    RESTARTED: true,
    ALL_FINISHED: true,
    CANCEL: true,
    ALL_TERMINAL: true,
    CANCEL_FAILED: true,
    FAIL: true,
    SUSPEND: true,
  }),
  source: 'JobStatus (Flink)',
};
