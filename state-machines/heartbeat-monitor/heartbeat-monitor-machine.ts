/**
 * Whether a peer is alive, as one side of a heartbeat sees it. Sender and receiver share this machine: a sender starts it
 * with one BEAT and keeps beating, a receiver never gets a BEAT.
 *
 * HM1  A loss is announced at most once, and nothing is sent after it.
 * HM2  Anything heard from the peer starts the timeout over and clears the suspicion.
 * HM3  Two no-responders in a row, with nothing heard in between, mean the peer is gone; one never does.
 * HM4  Within the grace time after this process's own connection changed, no-responders prove nothing: only silence for
 *      the whole timeout does. (After a server restart healthy peers answer no-responders for a moment.)
 * HM5  A beat is due on a fixed rhythm, whether or not the last one was answered: one under way when a process is killed
 *      waits for its whole timeout, the next one learns at once.
 */
import { assign, setup } from 'xstate';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';

export interface HeartbeatMonitorInput {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** How long no-responders are not believed after a change of the own connection (HM4). */
  readonly graceMs: number;
}

export interface HeartbeatMonitorContext extends HeartbeatMonitorInput {
  /** Of the beat and the timeout that wait: an event of an earlier timer is stale. */
  readonly beatTimer: number;
  readonly timeoutTimer: number;
  readonly noRespondersInARow: number;
  /** Monotonic time until which no-responders are not believed. */
  readonly graceUntil: number;
}

export type HeartbeatMonitorEvent =
  /** The next heartbeat is due; timer 0 starts the rhythm. */
  | { readonly type: 'BEAT'; readonly timer: number }
  /** A heartbeat of the peer, or its answer to ours. */
  | { readonly type: 'HEARTBEAT_RECEIVED' }
  | { readonly type: 'NO_RESPONDERS'; readonly at: number }
  | { readonly type: 'TIMED_OUT'; readonly timer: number }
  /** This process's own connection to the bus was lost or came back. */
  | { readonly type: 'CONNECTION_CHANGED'; readonly at: number }
  | { readonly type: 'STOP' };

export type HeartbeatMonitorEffect =
  | { readonly type: 'sendHeartbeat'; readonly params: Record<string, never> }
  /** BEAT with this timer after the delay. */
  | { readonly type: 'scheduleBeat'; readonly params: { readonly timer: number; readonly delayMs: number } }
  /** TIMED_OUT with this timer after the delay; replaces an earlier one. */
  | { readonly type: 'watchTimeout'; readonly params: { readonly timer: number; readonly delayMs: number } }
  | { readonly type: 'cancelTimers'; readonly params: Record<string, never> }
  | { readonly type: 'announceLoss'; readonly params: { readonly reason: 'timeout' | 'unreachable' } }
  | IgnoredEffect;

const none = {};

export const heartbeatMonitorMachine = setup({
  types: {} as { context: HeartbeatMonitorContext; events: HeartbeatMonitorEvent; input: HeartbeatMonitorInput },
  actions: {
    ...effects<HeartbeatMonitorEffect>({
      sendHeartbeat: true,
      scheduleBeat: true,
      watchTimeout: true,
      cancelTimers: true,
      announceLoss: true,
      ignored: true,
    }),
    nextBeat: assign({ beatTimer: ({ context }) => context.beatTimer + 1 }),
    heard: assign({ noRespondersInARow: 0, timeoutTimer: ({ context }) => context.timeoutTimer + 1 }),
    suspect: assign({ noRespondersInARow: ({ context }) => context.noRespondersInARow + 1 }),
  },
  guards: {
    isCurrentBeat: ({ context, event }) => event.type === 'BEAT' && event.timer === context.beatTimer,
    isCurrentTimeout: ({ context, event }) => event.type === 'TIMED_OUT' && event.timer === context.timeoutTimer,
    isInGrace: ({ context, event }) => event.type === 'NO_RESPONDERS' && event.at < context.graceUntil,
    isFirstSuspicion: ({ context }) => context.noRespondersInARow === 0,
  },
}).createMachine({
  id: 'heartbeat-monitor',
  context: ({ input }) => ({ ...input, beatTimer: 0, timeoutTimer: 0, noRespondersInARow: 0, graceUntil: 0 }),
  initial: 'RUNNING',
  states: {
    RUNNING: {
      description: 'A sign of life from the peer, before the timeout.',
      entry: { type: 'watchTimeout', params: ({ context }) => ({ timer: context.timeoutTimer, delayMs: context.timeoutMs }) },
      on: {
        BEAT: [
          {
            guard: 'isCurrentBeat',
            actions: [
              { type: 'nextBeat' },
              { type: 'scheduleBeat', params: ({ context }) => ({ timer: context.beatTimer, delayMs: context.intervalMs }) },
              { type: 'sendHeartbeat', params: none },
            ],
          },
          ignored('stale'),
        ],
        HEARTBEAT_RECEIVED: {
          actions: [
            { type: 'heard' },
            { type: 'watchTimeout', params: ({ context }) => ({ timer: context.timeoutTimer, delayMs: context.timeoutMs }) },
          ],
        },
        NO_RESPONDERS: [
          { guard: 'isInGrace', ...ignored('moot') },
          { guard: 'isFirstSuspicion', actions: { type: 'suspect' } },
          { target: 'UNREACHABLE' },
        ],
        TIMED_OUT: [{ guard: 'isCurrentTimeout', target: 'TIMEOUT' }, ignored('stale')],
        CONNECTION_CHANGED: {
          actions: assign({ noRespondersInARow: 0, graceUntil: ({ context, event }) => event.at + context.graceMs }),
        },
        STOP: 'CANCELED',
      },
    },
    TIMEOUT: {
      type: 'final',
      description: 'Nothing: the peer was silent for the whole timeout.',
      entry: [
        { type: 'cancelTimers', params: none },
        { type: 'announceLoss', params: { reason: 'timeout' } },
      ],
    },
    UNREACHABLE: {
      type: 'final',
      description: 'Nothing: nobody answers for the peer any more.',
      entry: [
        { type: 'cancelTimers', params: none },
        { type: 'announceLoss', params: { reason: 'unreachable' } },
      ],
    },
    CANCELED: {
      type: 'final',
      description: 'Nothing: nobody wants to know any more.',
      entry: { type: 'cancelTimers', params: none },
    },
  },
});

export const heartbeatMonitorCatalogueEntry: CatalogueEntry = {
  name: 'heartbeat-monitor',
  summary: 'Decides whether the peer of a heartbeat is alive, for the side that sends heartbeats and for the side that answers them.',
  machine: heartbeatMonitorMachine,
  events: eventTypes<HeartbeatMonitorEvent>({
    BEAT: true,
    HEARTBEAT_RECEIVED: true,
    NO_RESPONDERS: true,
    TIMED_OUT: true,
    CONNECTION_CHANGED: true,
    STOP: true,
  }),
  source: 'HeartbeatMonitor (Flink), with a grace time after own reconnects',
};
