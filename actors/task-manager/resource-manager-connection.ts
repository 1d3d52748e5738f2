/**
 * The TaskManager's side of its registration: the machine decides when, this asks and watches the heartbeats. TR1–TR4
 * stand in `state-machines/task-manager-registration`.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { Logger, TimerHandle } from '../../core/ports.js';
import { BusError } from '../../bus/contracts.js';
import type { MessageBody } from '../../bus/protocol/registry.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { LeaderEpoch } from '../../core/ids.js';
import {
  taskManagerRegistrationMachine,
  type RegistrationEffect,
  type RegistrationEvent,
  type RegistrationInput,
} from '../../state-machines/task-manager-registration/task-manager-registration-machine.js';
import { HeartbeatMonitor, type HeartbeatMonitorOptions } from '../runtime/heartbeat-monitor.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';

/**
 * Shorter than Flink's (30 s, 10 s): a repetition costs one small message, a late one a slow recovery. Processes read them
 * from their configuration, whose defaults are these.
 */
export const registrationDefaults: RegistrationInput = {
  initialTimeoutMs: 500,
  maxTimeoutMs: 5_000,
  initialPauseMs: 100,
  maxPauseMs: 1_000,
  refusedPauseMs: 1_000,
  registrationTimeoutMs: 300_000,
};

export interface ResourceManagerConnectionOptions extends Omit<HeartbeatMonitorOptions, 'name' | 'send' | 'onLost'> {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly logger: Logger;
  readonly registration: RegistrationInput;
  readonly epoch: () => LeaderEpoch;
  /** What to register with, now. */
  readonly describe: () => MessageBody<'task-manager.register'>;
  readonly onGiveUp: (reason: string) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
}

export class ResourceManagerConnection {
  readonly #options: ResourceManagerConnectionOptions;
  readonly #host: MachineHost<typeof taskManagerRegistrationMachine, RegistrationEffect>;
  #heartbeats: { readonly intervalMs: number; readonly timeoutMs: number };
  #monitor: HeartbeatMonitor | undefined;
  #retry: TimerHandle | undefined;
  #patience: TimerHandle | undefined;

  /** Registers at once. */
  constructor(options: ResourceManagerConnectionOptions) {
    this.#options = options;
    this.#heartbeats = options;
    this.#host = new MachineHost<typeof taskManagerRegistrationMachine, RegistrationEffect>({
      machine: taskManagerRegistrationMachine,
      input: options.registration,
      name: options.name,
      perform: (effect, host) => this.#perform(effect, (event) => host.send(event)),
      ...(options.onTransition === undefined ? {} : { onTransition: options.onTransition }),
      onEffectFailed: options.onEffectFailed,
    });
  }

  get isRegistered(): boolean {
    return this.#host.state === 'registered';
  }

  get ignored(): ReadonlyMap<string, number> {
    return this.#host.ignored;
  }

  /** A heartbeat of the ResourceManager for this very session came in. */
  heard(): void {
    this.#monitor?.received();
  }

  leaderChanged(): void {
    this.#host.send({ type: 'LEADER_CHANGED' });
  }

  stop(): void {
    this.#host.send({ type: 'STOP' });
  }

  #perform(effect: Exclude<RegistrationEffect, { readonly type: 'ignored' }>, send: (event: RegistrationEvent) => void): void {
    const { clock, onGiveUp } = this.#options;
    switch (effect.type) {
      case 'register':
        void this.#register(effect.params.attempt, effect.params.timeoutMs).then(send);
        return undefined;
      case 'scheduleRetry': {
        const { attempt, delayMs } = effect.params;
        this.#retry?.cancel();
        this.#retry = clock.setTimer(delayMs, () => send({ type: 'RETRY_DUE', attempt }));
        return undefined;
      }
      case 'watchRegistration': {
        const { timer, delayMs } = effect.params;
        this.#patience?.cancel();
        this.#patience = clock.setTimer(delayMs, () => send({ type: 'REGISTRATION_TIMED_OUT', timer }));
        return undefined;
      }
      case 'cancelTimers':
        this.#retry?.cancel();
        this.#patience?.cancel();
        return undefined;
      case 'connect':
        this.#options.logger.log('info', 'registered with the ResourceManager', { leaderEpoch: this.#options.epoch() });
        this.#monitor = new HeartbeatMonitor({
          ...this.#options,
          ...this.#heartbeats,
          name: 'resource-manager',
          onLost: () => send({ type: 'CONNECTION_LOST' }),
        });
        return undefined;
      case 'disconnect':
        this.#options.logger.log('info', 'not registered with the ResourceManager any more', { leaderEpoch: this.#options.epoch() });
        this.#monitor?.stop();
        return undefined;
      case 'giveUp':
        return onGiveUp(effect.params.reason);
    }
  }

  async #register(attempt: number, timeoutMs: number): Promise<RegistrationEvent> {
    const { endpoint, describe, epoch, logger } = this.#options;
    try {
      const answer = await endpoint.ask({ kind: 'resource-manager' }, 'task-manager.register', describe(), {
        timeoutMs,
        leaderEpoch: epoch(),
      });
      if (answer.kind === 'rejected') return { type: 'REJECTED', attempt, reason: answer.reason };
      this.#heartbeats = { intervalMs: answer.heartbeatIntervalMs, timeoutMs: answer.heartbeatTimeoutMs };
      return { type: 'REGISTERED', attempt };
    } catch (error) {
      logger.log('debug', 'a registration was not answered', { attempt, error: toErrorRecord(error).message });
      return { type: 'ATTEMPT_FAILED', attempt, kind: failureKind(error) };
    }
  }
}

function failureKind(error: unknown): 'timeout' | 'no-responders' | 'failure' {
  if (error instanceof BusError) return error.failure === 'timeout' ? 'timeout' : 'no-responders';
  return error instanceof MillraceError ? 'failure' : 'no-responders';
}
