/**
 * The registration of a TaskManager with the ResourceManager of the leading JobManager (Flink's RetryingRegistration and
 * the connection that follows it).
 *
 * TR1  At most one attempt counts: an answer to an earlier one is stale.
 * TR2  The time an attempt waits for its answer doubles up to a maximum; so does the pause after "nobody is there".
 * TR3  A new leader ends every wait and every connection: the next attempt starts at once, from the shortest times.
 * TR4  A rejection is final; so is being without a ResourceManager for the registration timeout. Everything else is tried
 *      again.
 */
import { assign, setup } from 'xstate';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';

export interface RegistrationInput {
  /** How long the first attempt waits for its answer. */
  readonly initialTimeoutMs: number;
  readonly maxTimeoutMs: number;
  /** Pause when nobody answers for the ResourceManager. */
  readonly initialPauseMs: number;
  readonly maxPauseMs: number;
  /** Pause after the ResourceManager answered with a failure. */
  readonly refusedPauseMs: number;
  /** How long a TaskManager lives without a ResourceManager. */
  readonly registrationTimeoutMs: number;
}

export interface RegistrationContext extends RegistrationInput {
  /** Of the latest attempt; grows for the life of the TaskManager. */
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly pauseMs: number;
  /** Of the registration timeout that waits. */
  readonly timer: number;
}

export type RegistrationEvent =
  | { readonly type: 'REGISTERED'; readonly attempt: number }
  | { readonly type: 'REJECTED'; readonly attempt: number; readonly reason: string }
  /** `timeout`: no answer; `no-responders`: nobody is there; `failure`: the ResourceManager answered with an error. */
  | { readonly type: 'ATTEMPT_FAILED'; readonly attempt: number; readonly kind: 'timeout' | 'no-responders' | 'failure' }
  | { readonly type: 'RETRY_DUE'; readonly attempt: number }
  /** A JobManager with a higher epoch was seen. */
  | { readonly type: 'LEADER_CHANGED' }
  /** The heartbeats of the ResourceManager stopped. */
  | { readonly type: 'CONNECTION_LOST' }
  | { readonly type: 'REGISTRATION_TIMED_OUT'; readonly timer: number }
  | { readonly type: 'STOP' };

export type RegistrationEffect =
  /** REGISTERED, REJECTED or ATTEMPT_FAILED with this attempt follows. */
  | { readonly type: 'register'; readonly params: { readonly attempt: number; readonly timeoutMs: number } }
  | { readonly type: 'scheduleRetry'; readonly params: { readonly attempt: number; readonly delayMs: number } }
  | { readonly type: 'watchRegistration'; readonly params: { readonly timer: number; readonly delayMs: number } }
  | { readonly type: 'cancelTimers'; readonly params: Record<string, never> }
  /** Heartbeats of the ResourceManager are expected from now on. */
  | { readonly type: 'connect'; readonly params: Record<string, never> }
  | { readonly type: 'disconnect'; readonly params: Record<string, never> }
  /** The TaskManager cannot be of use: the process ends. */
  | { readonly type: 'giveUp'; readonly params: { readonly reason: string } }
  | IgnoredEffect;

const none = {};

export const taskManagerRegistrationMachine = setup({
  types: {} as { context: RegistrationContext; events: RegistrationEvent; input: RegistrationInput },
  actions: {
    ...effects<RegistrationEffect>({
      register: true,
      scheduleRetry: true,
      watchRegistration: true,
      cancelTimers: true,
      connect: true,
      disconnect: true,
      giveUp: true,
      ignored: true,
    }),
    nextAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    startOver: assign({ timeoutMs: ({ context }) => context.initialTimeoutMs, pauseMs: ({ context }) => context.initialPauseMs }),
    waitLonger: assign({ timeoutMs: ({ context }) => Math.min(context.timeoutMs * 2, context.maxTimeoutMs) }),
    pauseLonger: assign({ pauseMs: ({ context }) => Math.min(context.pauseMs * 2, context.maxPauseMs) }),
    nextTimer: assign({ timer: ({ context }) => context.timer + 1 }),
  },
  guards: {
    isLatestAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    isNobodyThere: ({ context, event }) =>
      event.type === 'ATTEMPT_FAILED' && event.attempt === context.attempt && event.kind === 'no-responders',
    isTimeout: ({ context, event }) => event.type === 'ATTEMPT_FAILED' && event.attempt === context.attempt && event.kind === 'timeout',
    isLatestTimer: ({ context, event }) => event.type === 'REGISTRATION_TIMED_OUT' && event.timer === context.timer,
  },
}).createMachine({
  id: 'task-manager-registration',
  context: ({ input }) => ({ ...input, attempt: 0, timeoutMs: input.initialTimeoutMs, pauseMs: input.initialPauseMs, timer: 0 }),
  initial: 'unregistered',
  states: {
    unregistered: {
      entry: [
        { type: 'nextTimer' },
        { type: 'watchRegistration', params: ({ context }) => ({ timer: context.timer, delayMs: context.registrationTimeoutMs }) },
        { type: 'startOver' },
      ],
      exit: { type: 'cancelTimers', params: none },
      initial: 'registering',
      on: {
        LEADER_CHANGED: { target: '.registering', actions: { type: 'startOver' } },
        CONNECTION_LOST: ignored('late'),
        REGISTRATION_TIMED_OUT: [{ guard: 'isLatestTimer', target: 'expired' }, ignored('stale')],
        STOP: 'stopped',
      },
      states: {
        registering: {
          description: "The ResourceManager's answer.",
          entry: [
            { type: 'nextAttempt' },
            { type: 'register', params: ({ context }) => ({ attempt: context.attempt, timeoutMs: context.timeoutMs }) },
          ],
          on: {
            REGISTERED: [{ guard: 'isLatestAttempt', target: '#registered' }, ignored('stale')],
            REJECTED: [
              {
                guard: 'isLatestAttempt',
                target: '#rejected',
                actions: { type: 'giveUp', params: ({ event }) => ({ reason: `the ResourceManager rejected it: ${event.reason}` }) },
              },
              ignored('stale'),
            ],
            ATTEMPT_FAILED: [
              { guard: 'isTimeout', target: 'registering', reenter: true, actions: { type: 'waitLonger' } },
              {
                guard: 'isNobodyThere',
                target: 'pausing',
                actions: [
                  { type: 'scheduleRetry', params: ({ context }) => ({ attempt: context.attempt, delayMs: context.pauseMs }) },
                  { type: 'pauseLonger' },
                ],
              },
              {
                guard: 'isLatestAttempt',
                target: 'pausing',
                actions: [
                  { type: 'startOver' },
                  { type: 'scheduleRetry', params: ({ context }) => ({ attempt: context.attempt, delayMs: context.refusedPauseMs }) },
                ],
              },
              ignored('stale'),
            ],
            RETRY_DUE: ignored('stale'),
          },
        },
        pausing: {
          description: 'The time of the next attempt.',
          on: {
            RETRY_DUE: [{ guard: 'isLatestAttempt', target: 'registering' }, ignored('stale')],
            REGISTERED: ignored('late'),
            REJECTED: ignored('late'),
            ATTEMPT_FAILED: ignored('late'),
          },
        },
      },
    },
    registered: {
      id: 'registered',
      description: 'Slot requests and heartbeats of the ResourceManager.',
      entry: { type: 'connect', params: none },
      exit: { type: 'disconnect', params: none },
      on: {
        CONNECTION_LOST: 'unregistered',
        LEADER_CHANGED: 'unregistered',
        STOP: 'stopped',
        REGISTERED: ignored('duplicate'),
        REJECTED: ignored('stale'),
        ATTEMPT_FAILED: ignored('stale'),
        RETRY_DUE: ignored('stale'),
        REGISTRATION_TIMED_OUT: ignored('stale'),
      },
    },
    rejected: { id: 'rejected', type: 'final', description: 'Nothing: the ResourceManager does not want this TaskManager.' },
    expired: {
      type: 'final',
      description: 'Nothing: no ResourceManager took this TaskManager in for the registration timeout.',
      entry: {
        type: 'giveUp',
        params: ({ context }) => ({ reason: `it found no ResourceManager for ${context.registrationTimeoutMs} ms` }),
      },
    },
    stopped: { type: 'final', description: 'Nothing: the TaskManager shuts down.' },
  },
});

export const taskManagerRegistrationCatalogueEntry: CatalogueEntry = {
  name: 'task-manager-registration',
  summary: 'Decides when a TaskManager asks the ResourceManager to take it in, how long it waits in between, and when it gives up.',
  machine: taskManagerRegistrationMachine,
  events: eventTypes<RegistrationEvent>({
    REGISTERED: true,
    REJECTED: true,
    ATTEMPT_FAILED: true,
    RETRY_DUE: true,
    LEADER_CHANGED: true,
    CONNECTION_LOST: true,
    REGISTRATION_TIMED_OUT: true,
    STOP: true,
  }),
  source: 'RetryingRegistration and TaskExecutorToResourceManagerConnection (Flink)',
};
