/**
 * Watches one peer by heartbeats; the rules stand in `state-machines/heartbeat-monitor`.
 *
 * A sender passes `send`, which asks the peer and reports back by `received` or `noResponders`; a receiver leaves it out
 * and calls `received` for each heartbeat that comes in.
 */
import type { Bus } from '../../bus/contracts.js';
import type { Clock, TimerHandle } from '../../core/ports.js';
import {
  heartbeatMonitorMachine,
  type HeartbeatMonitorEffect,
  type HeartbeatMonitorInput,
} from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { MachineHost, type TransitionRecord } from './machine-host.js';

/** Millrace's defaults; Flink's are 10 s and 50 s. */
export const heartbeatDefaults: HeartbeatMonitorInput = { intervalMs: 500, timeoutMs: 5_000, graceMs: 3_000 };

export type HeartbeatLoss = 'timeout' | 'unreachable';

export interface HeartbeatMonitorOptions extends HeartbeatMonitorInput {
  /** Of the peer, for people: `task-manager.tm-1`. */
  readonly name: string;
  readonly clock: Clock;
  /** The connection heartbeats travel on: its own losses excuse the peer for a while. */
  readonly bus: Pick<Bus, 'onStatus'>;
  /** For the sending side: sends one heartbeat now, without waiting for earlier ones. */
  readonly send?: () => void;
  /** Called at most once. */
  readonly onLost: (reason: HeartbeatLoss) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown) => void;
}

export class HeartbeatMonitor {
  readonly #clock: Clock;
  readonly #host: MachineHost<typeof heartbeatMonitorMachine, HeartbeatMonitorEffect>;
  readonly #unwatchBus: () => void;
  #beat: TimerHandle | undefined;
  #timeout: TimerHandle | undefined;

  /** Starts watching; a sender sends its first heartbeat at once. */
  constructor(options: HeartbeatMonitorOptions) {
    this.#clock = options.clock;
    this.#host = new MachineHost<typeof heartbeatMonitorMachine, HeartbeatMonitorEffect>({
      machine: heartbeatMonitorMachine,
      input: { intervalMs: options.intervalMs, timeoutMs: options.timeoutMs, graceMs: options.graceMs },
      name: options.name,
      perform: (effect, host) => this.#perform(effect, host, options),
      ...(options.onTransition === undefined ? {} : { onTransition: options.onTransition }),
      onEffectFailed: options.onEffectFailed,
    });
    this.#unwatchBus = options.bus.onStatus(() => this.#host.send({ type: 'CONNECTION_CHANGED', at: this.#clock.monotonic() }));
    if (options.send !== undefined) this.#host.send({ type: 'BEAT', timer: 0 });
  }

  /** `RUNNING`, `TIMEOUT`, `UNREACHABLE` or `CANCELED`. */
  get state(): string {
    return this.#host.state;
  }

  /** A heartbeat of the peer, or an answer to ours, came in. */
  received(): void {
    this.#host.send({ type: 'HEARTBEAT_RECEIVED' });
  }

  /** A heartbeat failed because nobody subscribes to the peer's subject. */
  noResponders(): void {
    this.#host.send({ type: 'NO_RESPONDERS', at: this.#clock.monotonic() });
  }

  /** Ends the watch without announcing a loss. Idempotent. */
  stop(): void {
    this.#host.send({ type: 'STOP' });
  }

  #perform(
    effect: Exclude<HeartbeatMonitorEffect, { readonly type: 'ignored' }>,
    host: MachineHost<typeof heartbeatMonitorMachine, HeartbeatMonitorEffect>,
    options: HeartbeatMonitorOptions,
  ): void {
    switch (effect.type) {
      case 'sendHeartbeat':
        return options.send?.();
      case 'scheduleBeat': {
        const { timer, delayMs } = effect.params;
        this.#beat = options.clock.setTimer(delayMs, () => host.send({ type: 'BEAT', timer }));
        return undefined;
      }
      case 'watchTimeout': {
        const { timer, delayMs } = effect.params;
        this.#timeout?.cancel();
        this.#timeout = options.clock.setTimer(delayMs, () => host.send({ type: 'TIMED_OUT', timer }));
        return undefined;
      }
      case 'cancelTimers':
        this.#beat?.cancel();
        this.#timeout?.cancel();
        this.#unwatchBus();
        return undefined;
      case 'announceLoss':
        return options.onLost(effect.params.reason);
    }
  }
}
