/** What the ResourceManager needs to watch those it deals with, jobs and TaskManagers alike. */
import { BusError, type Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { LeaderEpoch } from '../../core/ids.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { HeartbeatMonitor, type HeartbeatLoss } from '../runtime/heartbeat-monitor.js';
import type { TransitionRecord } from '../runtime/machine-host.js';

export interface PeerOptions {
  readonly leaderEpoch: LeaderEpoch;
  readonly endpoint: Endpoint;
  /** The connection of the endpoint: its losses excuse those who do not answer. */
  readonly bus: Pick<Bus, 'onStatus'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeat: HeartbeatMonitorInput;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown) => void;
}

export interface WatchedPeer {
  readonly name: string;
  /** Sends a heartbeat. */
  readonly send: () => void;
  readonly onLost: (reason: HeartbeatLoss) => void;
}

/** Beats until it is stopped, or the peer is lost. */
export function watch(options: PeerOptions, peer: WatchedPeer): HeartbeatMonitor {
  const { heartbeat, clock, bus, onTransition, onEffectFailed } = options;
  return new HeartbeatMonitor({
    ...heartbeat,
    ...peer,
    clock,
    bus,
    ...(onTransition === undefined ? {} : { onTransition }),
    onEffectFailed,
  });
}

/** A heartbeat that nobody took says more than one that was not answered. */
export function unanswered(monitor: HeartbeatMonitor | undefined, error: unknown): void {
  if (error instanceof BusError && error.failure === 'no-responders') monitor?.noResponders();
}
