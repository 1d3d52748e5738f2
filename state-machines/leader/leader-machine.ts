/**
 * The leader of a cluster, as one JobManager process sees it.
 *
 * L1  Leadership is granted only by an answer of the store, and each grant has a higher epoch than every one before: a
 *     leadership that was revoked never comes back under its epoch, whatever late answer to a renewal arrives.
 * L2  A leader whose lease deadline passes without a renewal is no longer leader, whatever the store may answer later.
 * L3  Every grant is followed by exactly one revocation before the next grant or the end.
 * L5  After a renewal that the store did not answer, the next comes sooner than the renewal interval: there is still a
 *     lease to save.
 */
import { assign, setup } from 'xstate';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';

export interface LeaderContext {
  readonly retryMs: number;
  readonly renewMs: number;
  /** Until the next renewal. */
  readonly nextBeatMs: number;
  /** Epoch held, 0 when not leading. */
  readonly epoch: number;
  /** The highest epoch ever held by this process, 0 before the first. */
  readonly lastEpoch: number;
  /** Who was last seen to hold the lease, for people. */
  readonly heldBy: string | null;
}

export type LeaderEvent =
  | { readonly type: 'BEAT' }
  | { readonly type: 'LEASE_GRANTED'; readonly epoch: number; readonly deadline: number }
  | { readonly type: 'LEASE_HELD'; readonly holder: string; readonly epoch: number; readonly remainingMs: number }
  | { readonly type: 'STORE_FAILED'; readonly error: string }
  | { readonly type: 'DEADLINE_REACHED'; readonly deadline: number }
  | { readonly type: 'STOP' }
  | { readonly type: 'RELEASED' };

export type LeaderEffect =
  | { readonly type: 'acquire'; readonly params: Record<string, never> }
  | { readonly type: 'renew'; readonly params: { readonly epoch: number } }
  | { readonly type: 'release'; readonly params: { readonly epoch: number } }
  /** BEAT after this long; replaces a beat that waits. */
  | { readonly type: 'scheduleBeat'; readonly params: { readonly delayMs: number } }
  /** DEADLINE_REACHED at this monotonic time; replaces an earlier deadline. */
  | { readonly type: 'watchDeadline'; readonly params: { readonly deadline: number } }
  | { readonly type: 'cancelTimers'; readonly params: Record<string, never> }
  | { readonly type: 'grantLeadership'; readonly params: { readonly epoch: number } }
  | { readonly type: 'revokeLeadership'; readonly params: { readonly epoch: number; readonly reason: string } }
  | { readonly type: 'reportHeld'; readonly params: { readonly holder: string; readonly epoch: number } }
  | { readonly type: 'reportStoreFailure'; readonly params: { readonly error: string } }
  | IgnoredEffect;

const none = {};

export const leaderMachine = setup({
  types: {} as { context: LeaderContext; events: LeaderEvent; input: { readonly retryMs: number; readonly renewMs: number } },
  actions: {
    ...effects<LeaderEffect>({
      acquire: true,
      renew: true,
      release: true,
      scheduleBeat: true,
      watchDeadline: true,
      cancelTimers: true,
      grantLeadership: true,
      revokeLeadership: true,
      reportHeld: true,
      reportStoreFailure: true,
      ignored: true,
    }),
    forgetEpoch: assign({ epoch: 0 }),
    renewAsUsual: assign({ nextBeatMs: ({ context }) => context.renewMs }),
    renewSoon: assign({ nextBeatMs: ({ context }) => Math.min(context.retryMs, context.renewMs) }),
  },
  guards: {
    isOwnEpoch: ({ context, event }) => event.type === 'LEASE_GRANTED' && event.epoch === context.epoch,
    isHigherEpoch: ({ context, event }) => event.type === 'LEASE_GRANTED' && event.epoch > context.lastEpoch,
    isNewHolder: ({ context, event }) => event.type === 'LEASE_HELD' && event.holder !== context.heldBy,
  },
}).createMachine({
  id: 'leader',
  context: ({ input }) => ({
    retryMs: input.retryMs,
    renewMs: input.renewMs,
    nextBeatMs: input.renewMs,
    epoch: 0,
    lastEpoch: 0,
    heldBy: null,
  }),
  initial: 'acquiring',
  states: {
    acquiring: {
      description: 'The answer of the store to the request for the lease.',
      entry: { type: 'acquire', params: none },
      on: {
        LEASE_GRANTED: [
          {
            guard: 'isHigherEpoch',
            target: 'leading',
            actions: [
              assign({ epoch: ({ event }) => event.epoch, lastEpoch: ({ event }) => event.epoch, heldBy: null }),
              { type: 'renewAsUsual' },
              { type: 'watchDeadline', params: ({ event }) => ({ deadline: event.deadline }) },
              { type: 'grantLeadership', params: ({ event }) => ({ epoch: event.epoch }) },
            ],
          },
          // The late answer to a renewal, or a store that forgot what it had granted: asking again raises the epoch.
          { target: 'waiting', actions: { type: 'ignored', params: { reason: 'stale' } } },
        ],
        LEASE_HELD: [
          {
            guard: 'isNewHolder',
            target: 'waiting',
            actions: [
              { type: 'reportHeld', params: ({ event }) => ({ holder: event.holder, epoch: event.epoch }) },
              assign({ heldBy: ({ event }) => event.holder }),
            ],
          },
          { target: 'waiting' },
        ],
        STORE_FAILED: { target: 'waiting', actions: { type: 'reportStoreFailure', params: ({ event }) => ({ error: event.error }) } },
        STOP: 'stopped',
        BEAT: ignored('stale'),
        DEADLINE_REACHED: ignored('stale'),
        RELEASED: ignored('stale'),
      },
    },
    waiting: {
      description: 'The time of the next attempt to get the lease.',
      entry: { type: 'scheduleBeat', params: ({ context }) => ({ delayMs: context.retryMs }) },
      on: {
        BEAT: 'acquiring',
        STOP: { target: 'stopped', actions: { type: 'cancelTimers', params: none } },
        LEASE_GRANTED: ignored('late'),
        LEASE_HELD: ignored('late'),
        STORE_FAILED: ignored('late'),
        DEADLINE_REACHED: ignored('stale'),
        RELEASED: ignored('stale'),
      },
    },
    leading: {
      description: 'The time of the next renewal; this process is the leader.',
      entry: { type: 'scheduleBeat', params: ({ context }) => ({ delayMs: context.nextBeatMs }) },
      on: {
        BEAT: 'renewing',
        DEADLINE_REACHED: {
          target: 'waiting',
          actions: [
            { type: 'revokeLeadership', params: ({ context }) => ({ epoch: context.epoch, reason: 'the lease ran out' }) },
            { type: 'forgetEpoch' },
          ],
        },
        STOP: { target: 'releasing' },
        LEASE_GRANTED: ignored('late'),
        LEASE_HELD: ignored('late'),
        STORE_FAILED: ignored('late'),
        RELEASED: ignored('stale'),
      },
    },
    renewing: {
      description: 'The answer of the store to the renewal; this process is the leader until the deadline.',
      entry: { type: 'renew', params: ({ context }) => ({ epoch: context.epoch }) },
      on: {
        LEASE_GRANTED: [
          {
            guard: 'isOwnEpoch',
            target: 'leading',
            actions: [{ type: 'renewAsUsual' }, { type: 'watchDeadline', params: ({ event }) => ({ deadline: event.deadline }) }],
          },
          { actions: { type: 'ignored', params: { reason: 'stale' } } },
        ],
        LEASE_HELD: {
          target: 'waiting',
          actions: [
            {
              type: 'revokeLeadership',
              params: ({ context, event }) => ({ epoch: context.epoch, reason: `${event.holder} has the lease` }),
            },
            assign({ epoch: 0, heldBy: ({ event }) => event.holder }),
          ],
        },
        STORE_FAILED: {
          target: 'leading',
          actions: [{ type: 'renewSoon' }, { type: 'reportStoreFailure', params: ({ event }) => ({ error: event.error }) }],
        },
        DEADLINE_REACHED: {
          target: 'waiting',
          actions: [
            {
              type: 'revokeLeadership',
              params: ({ context }) => ({ epoch: context.epoch, reason: 'the lease could not be renewed in time' }),
            },
            { type: 'forgetEpoch' },
          ],
        },
        STOP: { target: 'releasing' },
        BEAT: ignored('stale'),
        RELEASED: ignored('stale'),
      },
    },
    releasing: {
      description: 'The store has given the lease back, so that a successor need not wait for it to run out.',
      entry: [
        { type: 'cancelTimers', params: none },
        { type: 'revokeLeadership', params: ({ context }) => ({ epoch: context.epoch, reason: 'the process stops' }) },
        { type: 'release', params: ({ context }) => ({ epoch: context.epoch }) },
      ],
      on: {
        RELEASED: 'stopped',
        STORE_FAILED: 'stopped',
        STOP: ignored('duplicate'),
        BEAT: ignored('stale'),
        LEASE_GRANTED: ignored('late'),
        LEASE_HELD: ignored('late'),
        DEADLINE_REACHED: ignored('stale'),
      },
    },
    stopped: { type: 'final', description: 'Nothing: the process no longer takes part in the election.' },
  },
});

export const leaderCatalogueEntry: CatalogueEntry = {
  name: 'leader',
  summary: 'Decides when a JobManager process may act as leader: it asks for the lease, renews it in time and steps down before it ends.',
  machine: leaderMachine,
  events: eventTypes<LeaderEvent>({
    BEAT: true,
    LEASE_GRANTED: true,
    LEASE_HELD: true,
    STORE_FAILED: true,
    DEADLINE_REACHED: true,
    STOP: true,
    RELEASED: true,
  }),
  source: 'leader election of Flink (LeaderElection), with a lease and epochs',
};
