/**
 * A slot as the ResourceManager sees it: Flink's SlotState. The TaskManager owns the truth and tells it with each
 * heartbeat; this machine keeps what the ResourceManager may assume in between.
 *
 * RS1  A slot is requested for one allocation at a time.
 * RS2  What the TaskManager reports wins, except that a slot with a request under way is not called free by a report that
 *      may be older than the request.
 * RS3  An answer to another request than the one under way changes nothing.
 */
import { setup } from 'xstate';
import type { AllocationId, JobId } from '../../core/ids.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';

export interface RegisteredSlotContext {
  readonly allocationId: AllocationId | null;
  /** Null when the slot is free, or held by a job that the ResourceManager has not been told of yet. */
  readonly jobId: JobId | null;
}

interface Allocation {
  readonly jobId: JobId;
  readonly allocationId: AllocationId;
}

export type RegisteredSlotEvent =
  /** The slot was matched with a requirement. */
  | ({ readonly type: 'REQUEST' } & Allocation)
  | { readonly type: 'REQUEST_ACCEPTED'; readonly allocationId: AllocationId }
  /** `holder` is the allocation that has the slot, if any. */
  | { readonly type: 'REQUEST_REFUSED'; readonly allocationId: AllocationId; readonly holder: AllocationId | null }
  /** No answer came. */
  | { readonly type: 'REQUEST_FAILED'; readonly allocationId: AllocationId }
  | { readonly type: 'REPORTED_FREE' }
  | ({ readonly type: 'REPORTED_HELD' } & Allocation)
  /** The TaskManager gave the slot up. */
  | { readonly type: 'BECAME_AVAILABLE'; readonly allocationId: AllocationId };

export type RegisteredSlotEffect =
  | { readonly type: 'requestSlot'; readonly params: Allocation }
  /** The slot can be matched again: at once when it was given back, after a pause when its TaskManager did not give it. */
  | { readonly type: 'slotFreed'; readonly params: { readonly wasGivenBack: boolean } }
  | IgnoredEffect;

const types = {} as { context: RegisteredSlotContext; events: RegisteredSlotEvent };
const hold = setup({ types }).assign(({ context, event }) =>
  'jobId' in event ? { allocationId: event.allocationId, jobId: event.jobId } : context,
);
const release = setup({ types }).assign({ allocationId: null, jobId: null });
const holdForStranger = setup({ types }).assign(({ context, event }) =>
  event.type === 'REQUEST_REFUSED' ? { allocationId: event.holder, jobId: null } : context,
);

const stale = ignored('stale');
const notGiven = { type: 'slotFreed' as const, params: { wasGivenBack: false } };
const givenBack = { type: 'slotFreed' as const, params: { wasGivenBack: true } };
const isOwn = ({ context, event }: { context: RegisteredSlotContext; event: RegisteredSlotEvent }): boolean =>
  'allocationId' in event && event.allocationId === context.allocationId;

export const registeredSlotMachine = setup({
  types,
  actions: effects<RegisteredSlotEffect>({ requestSlot: true, slotFreed: true, ignored: true }),
  guards: {
    isOwn,
    isRefusedByHolder: (args) => isOwn(args) && args.event.type === 'REQUEST_REFUSED' && args.event.holder !== null,
  },
}).createMachine({
  id: 'registered-slot',
  context: { allocationId: null, jobId: null },
  initial: 'FREE',
  states: {
    FREE: {
      description: 'A requirement that it can fulfil.',
      entry: release,
      on: {
        REQUEST: 'PENDING',
        REPORTED_HELD: { target: 'ALLOCATED', actions: hold },
        REPORTED_FREE: ignored('duplicate'),
        BECAME_AVAILABLE: ignored('late'),
        REQUEST_ACCEPTED: stale,
        REQUEST_REFUSED: stale,
        REQUEST_FAILED: stale,
      },
    },
    PENDING: {
      description: 'The answer of the TaskManager to the request for it.',
      entry: [
        hold,
        {
          type: 'requestSlot',
          params: ({ context }) => ({ jobId: context.jobId as JobId, allocationId: context.allocationId as AllocationId }),
        },
      ],
      on: {
        REQUEST_ACCEPTED: [{ guard: 'isOwn', target: 'ALLOCATED' }, stale],
        REQUEST_REFUSED: [
          { guard: 'isRefusedByHolder', target: 'ALLOCATED', actions: holdForStranger },
          { guard: 'isOwn', target: 'FREE', actions: notGiven },
          stale,
        ],
        REQUEST_FAILED: [{ guard: 'isOwn', target: 'FREE', actions: notGiven }, stale],
        REPORTED_HELD: { target: 'ALLOCATED', actions: hold },
        BECAME_AVAILABLE: [{ guard: 'isOwn', target: 'FREE', actions: givenBack }, ignored('late')],
        REPORTED_FREE: ignored('late'),
        REQUEST: ignored('moot'),
      },
    },
    ALLOCATED: {
      description: 'The news that its job gave it back, or lost it.',
      on: {
        REPORTED_FREE: { target: 'FREE', actions: givenBack },
        BECAME_AVAILABLE: [{ guard: 'isOwn', target: 'FREE', actions: givenBack }, ignored('late')],
        REPORTED_HELD: { actions: hold },
        REQUEST: ignored('moot'),
        REQUEST_ACCEPTED: ignored('late'),
        REQUEST_REFUSED: ignored('late'),
        REQUEST_FAILED: ignored('late'),
      },
    },
  },
});

export const registeredSlotCatalogueEntry: CatalogueEntry = {
  name: 'registered-slot',
  summary: 'A slot of a TaskManager as the ResourceManager sees it, from heartbeat to heartbeat.',
  machine: registeredSlotMachine,
  events: eventTypes<RegisteredSlotEvent>({
    REQUEST: true,
    REQUEST_ACCEPTED: true,
    REQUEST_REFUSED: true,
    REQUEST_FAILED: true,
    REPORTED_FREE: true,
    REPORTED_HELD: true,
    BECAME_AVAILABLE: true,
  }),
  source: 'SlotState of the ResourceManager (Flink)',
};
