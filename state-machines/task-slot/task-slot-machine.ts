/**
 * One slot of a TaskManager, as the TaskManager sees it (Flink's TaskSlot).
 *
 * TS1  A slot belongs to at most one allocation, and an allocation to one job; it is FREE only once its thread has ended.
 * TS2  An allocated slot is offered until its job answers; if the job does not take it within the slot timeout it is freed.
 * TS3  Only the answer to the latest offer counts.
 * TS4  A slot whose job is lost fails its tasks and is offered again; the thread with the loaded code stays.
 * TS5  A thread that ends unasked is told to the job, and the slot is free at once.
 * TS6  The ResourceManager is told of each allocation that ended, once.
 */
import { assign, setup } from 'xstate';
import type { ErrorRecord } from '../../core/errors.js';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';

export interface TaskSlotInput {
  readonly slot: number;
  readonly slotTimeoutMs: number;
  readonly offerRetryMs: number;
}

export interface TaskSlotContext extends TaskSlotInput {
  /** Empty while FREE. */
  readonly jobId: string;
  readonly allocationId: string;
  /** Of the latest offer; grows for the life of the slot. */
  readonly offerId: number;
  /** Of the timeout that waits. */
  readonly timer: number;
  /** Why the slot is being released. */
  readonly reason: string;
}

export type TaskSlotEvent =
  /** The ResourceManager gives the slot to a job. */
  | { readonly type: 'ALLOCATE'; readonly jobId: string; readonly allocationId: string }
  | { readonly type: 'OFFER_ACCEPTED'; readonly offerId: number }
  | { readonly type: 'OFFER_REJECTED'; readonly offerId: number }
  /** The job did not answer the offer. */
  | { readonly type: 'OFFER_FAILED'; readonly offerId: number }
  | { readonly type: 'OFFER_DUE'; readonly offerId: number }
  /** The job deploys into the slot, so it has taken it, even if its answer was lost. */
  | { readonly type: 'DEPLOY_RECEIVED'; readonly allocationId: string }
  /** The job's JobManager is silent or was replaced. */
  | { readonly type: 'JOB_LOST'; readonly reason: string }
  | { readonly type: 'SLOT_TIMED_OUT'; readonly timer: number }
  | { readonly type: 'FREE'; readonly allocationId: string; readonly reason: string }
  | { readonly type: 'THREAD_ENDED'; readonly allocationId: string; readonly error: ErrorRecord };

export type TaskSlotEffect =
  | { readonly type: 'startThread'; readonly params: { readonly jobId: string; readonly allocationId: string } }
  /** OFFER_ACCEPTED, OFFER_REJECTED or OFFER_FAILED with this offer id follows. */
  | { readonly type: 'offer'; readonly params: { readonly jobId: string; readonly allocationId: string; readonly offerId: number } }
  | { readonly type: 'scheduleOffer'; readonly params: { readonly offerId: number; readonly delayMs: number } }
  /** SLOT_TIMED_OUT with this timer after the delay; replaces an earlier one. */
  | { readonly type: 'watchTimeout'; readonly params: { readonly timer: number; readonly delayMs: number } }
  | { readonly type: 'cancelTimers'; readonly params: Record<string, never> }
  | { readonly type: 'failTasks'; readonly params: { readonly reason: string } }
  /** THREAD_ENDED follows, or the process ends. */
  | { readonly type: 'stopThread'; readonly params: { readonly reason: string } }
  | {
      readonly type: 'reportSlotFailed';
      readonly params: { readonly jobId: string; readonly allocationId: string; readonly error: ErrorRecord };
    }
  | { readonly type: 'announceFree'; readonly params: { readonly jobId: string; readonly allocationId: string } }
  | IgnoredEffect;

const none = {};

const slotSetup = setup({
  types: {} as { context: TaskSlotContext; events: TaskSlotEvent; input: TaskSlotInput },
  actions: {
    ...effects<TaskSlotEffect>({
      startThread: true,
      offer: true,
      scheduleOffer: true,
      watchTimeout: true,
      cancelTimers: true,
      failTasks: true,
      stopThread: true,
      reportSlotFailed: true,
      announceFree: true,
      ignored: true,
    }),
    nextOffer: assign({ offerId: ({ context }) => context.offerId + 1 }),
    nextTimer: assign({ timer: ({ context }) => context.timer + 1 }),
    keepReason: assign({ reason: ({ event }) => ('reason' in event ? event.reason : '') }),
    forgetAllocation: assign({ jobId: '', allocationId: '', reason: '' }),
  },
  guards: {
    isSameAllocation: ({ context, event }) => 'allocationId' in event && event.allocationId === context.allocationId,
    isLatestOffer: ({ context, event }) => 'offerId' in event && event.offerId === context.offerId,
    isLatestTimer: ({ context, event }) => event.type === 'SLOT_TIMED_OUT' && event.timer === context.timer,
  },
});

const announceFree = {
  type: 'announceFree' as const,
  params: ({ context }: { context: TaskSlotContext }) => ({ jobId: context.jobId, allocationId: context.allocationId }),
};

/** A thread that ended unasked (TS5). */
const threadEnded = [
  {
    guard: 'isSameAllocation' as const,
    target: '#FREE',
    actions: [
      { type: 'cancelTimers' as const, params: none },
      {
        type: 'reportSlotFailed' as const,
        params: ({ context, event }: { context: TaskSlotContext; event: Extract<TaskSlotEvent, { type: 'THREAD_ENDED' }> }) => ({
          jobId: context.jobId,
          allocationId: context.allocationId,
          error: event.error,
        }),
      },
      announceFree,
    ],
  },
  ignored('stale'),
];

const freed = [{ guard: 'isSameAllocation' as const, target: '#RELEASING', actions: { type: 'keepReason' as const } }, ignored('stale')];

/** To an allocated slot: the same allocation again is a retry, another one is refused by the TaskManager. */
const allocateAgain = [{ guard: 'isSameAllocation' as const, ...ignored('duplicate') }, ignored('stale')];

const offersAreLate = {
  OFFER_ACCEPTED: ignored('late'),
  OFFER_REJECTED: ignored('late'),
  OFFER_FAILED: ignored('late'),
  OFFER_DUE: ignored('late'),
};

export const taskSlotMachine = slotSetup.createMachine({
  id: 'task-slot',
  context: ({ input }) => ({ ...input, jobId: '', allocationId: '', offerId: 0, timer: 0, reason: '' }),
  initial: 'FREE',
  states: {
    FREE: {
      id: 'FREE',
      description: 'A job that needs it.',
      entry: { type: 'forgetAllocation' },
      on: {
        ALLOCATE: {
          target: 'ALLOCATED',
          actions: [
            assign({ jobId: ({ event }) => event.jobId, allocationId: ({ event }) => event.allocationId }),
            { type: 'startThread', params: ({ event }) => ({ jobId: event.jobId, allocationId: event.allocationId }) },
          ],
        },
        ...offersAreLate,
        DEPLOY_RECEIVED: ignored('stale'),
        JOB_LOST: ignored('moot'),
        SLOT_TIMED_OUT: ignored('stale'),
        FREE: ignored('duplicate'),
        THREAD_ENDED: ignored('late'),
      },
    },
    ALLOCATED: {
      id: 'ALLOCATED',
      entry: [
        { type: 'nextTimer' },
        { type: 'watchTimeout', params: ({ context }) => ({ timer: context.timer, delayMs: context.slotTimeoutMs }) },
      ],
      initial: 'offering',
      on: {
        ALLOCATE: allocateAgain,
        DEPLOY_RECEIVED: [{ guard: 'isSameAllocation', target: 'ACTIVE' }, ignored('stale')],
        SLOT_TIMED_OUT: [
          { guard: 'isLatestTimer', target: 'RELEASING', actions: assign({ reason: 'its job did not take it within the slot timeout' }) },
          ignored('stale'),
        ],
        FREE: freed,
        THREAD_ENDED: threadEnded,
        JOB_LOST: ignored('moot'),
      },
      states: {
        offering: {
          description: "The job's answer to the offer.",
          entry: [
            { type: 'nextOffer' },
            {
              type: 'offer',
              params: ({ context }) => ({ jobId: context.jobId, allocationId: context.allocationId, offerId: context.offerId }),
            },
          ],
          on: {
            OFFER_ACCEPTED: [{ guard: 'isLatestOffer', target: '#ACTIVE' }, ignored('stale')],
            OFFER_REJECTED: [
              { guard: 'isLatestOffer', target: '#RELEASING', actions: assign({ reason: 'its job did not accept it' }) },
              ignored('stale'),
            ],
            OFFER_FAILED: [{ guard: 'isLatestOffer', target: 'pausing' }, ignored('stale')],
            OFFER_DUE: ignored('stale'),
          },
        },
        pausing: {
          description: 'The time of the next offer.',
          entry: { type: 'scheduleOffer', params: ({ context }) => ({ offerId: context.offerId, delayMs: context.offerRetryMs }) },
          on: {
            OFFER_DUE: [{ guard: 'isLatestOffer', target: 'offering' }, ignored('stale')],
            OFFER_ACCEPTED: ignored('stale'),
            OFFER_REJECTED: ignored('stale'),
            OFFER_FAILED: ignored('duplicate'),
          },
        },
      },
    },
    ACTIVE: {
      id: 'ACTIVE',
      description: 'Tasks of its job, until the job gives it back.',
      entry: { type: 'cancelTimers', params: none },
      on: {
        ALLOCATE: allocateAgain,
        ...offersAreLate,
        DEPLOY_RECEIVED: [{ guard: 'isSameAllocation' }, ignored('stale')],
        JOB_LOST: { target: 'ALLOCATED', actions: { type: 'failTasks', params: ({ event }) => ({ reason: event.reason }) } },
        SLOT_TIMED_OUT: ignored('stale'),
        FREE: freed,
        THREAD_ENDED: threadEnded,
      },
    },
    RELEASING: {
      id: 'RELEASING',
      description: 'The end of its thread, after its tasks failed.',
      entry: [
        { type: 'cancelTimers', params: none },
        { type: 'stopThread', params: ({ context }) => ({ reason: context.reason }) },
      ],
      on: {
        THREAD_ENDED: [{ guard: 'isSameAllocation', target: 'FREE', actions: announceFree }, ignored('stale')],
        ALLOCATE: allocateAgain,
        ...offersAreLate,
        DEPLOY_RECEIVED: ignored('late'),
        JOB_LOST: ignored('moot'),
        SLOT_TIMED_OUT: ignored('stale'),
        FREE: ignored('duplicate'),
      },
    },
  },
});

export const taskSlotCatalogueEntry: CatalogueEntry = {
  name: 'task-slot',
  summary: 'Decides for one slot of a TaskManager whom it belongs to: offered to its job, taken, lost, given back.',
  machine: taskSlotMachine,
  events: eventTypes<TaskSlotEvent>({
    ALLOCATE: true,
    OFFER_ACCEPTED: true,
    OFFER_REJECTED: true,
    OFFER_FAILED: true,
    OFFER_DUE: true,
    DEPLOY_RECEIVED: true,
    JOB_LOST: true,
    SLOT_TIMED_OUT: true,
    FREE: true,
    THREAD_ENDED: true,
  }),
  source: 'TaskSlot (Flink), with the offer to the job',
};
