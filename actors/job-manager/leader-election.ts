/**
 * Takes part in the election of the cluster's leader: performs what the leader machine decides.
 *
 * L4  The deadline of a lease is on the monotonic clock and was taken before the store was asked, so that a slow answer
 *     makes it shorter, never longer.
 */
import { leaderEpoch, type LeaderEpoch } from '../../core/ids.js';
import { toErrorRecord } from '../../core/errors.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';
import { leaderMachine, type LeaderEffect, type LeaderEvent } from '../../state-machines/leader/leader-machine.js';
import type { HaStore, LeaderToken, LeaseAnswer } from '../../storage/contracts.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';

export interface LeaderElectionOptions {
  readonly store: HaStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this process; unique for each life of it. */
  readonly holder: string;
  /** Former holders that are known to be dead, the latest first; their lease is not waited for. */
  readonly supersedes?: readonly string[];
  readonly leaseMs: number;
  /** How often the lease is renewed; must leave time for another try before the lease ends. */
  readonly renewMs: number;
  readonly onGranted: (token: LeaderToken) => void;
  readonly onRevoked: (token: LeaderToken, reason: string) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
}

export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #machine: MachineHost<typeof leaderMachine, LeaderEffect>;
  readonly #stopped: Promise<void>;
  #resolveStopped: () => void = () => undefined;
  #beat: TimerHandle | undefined;
  #deadline: TimerHandle | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#stopped = new Promise((resolve) => (this.#resolveStopped = resolve));
    this.#machine = new MachineHost<typeof leaderMachine, LeaderEffect>({
      machine: leaderMachine,
      input: { retryMs: options.leaseMs / 6, renewMs: options.renewMs },
      name: options.holder,
      perform: (effect) => this.#perform(effect),
      ...(options.onTransition === undefined ? {} : { onTransition: options.onTransition }),
      onEffectFailed: (error, effect) =>
        options.logger.log('error', 'leader election could not perform an effect', { effect: effect.type, error: toErrorRecord(error) }),
    });
  }

  get isLeading(): boolean {
    return this.#machine.state === 'leading' || this.#machine.state === 'renewing';
  }

  /** Gives up leadership, if held, and the lease; resolves when the store has answered or cannot. */
  async stop(): Promise<void> {
    this.#send({ type: 'STOP' });
    await this.#stopped;
  }

  #send(event: LeaderEvent): void {
    this.#machine.send(event);
    if (this.#machine.isDone) {
      this.#beat?.cancel();
      this.#deadline?.cancel();
      this.#resolveStopped();
    }
  }

  #perform(effect: Exclude<LeaderEffect, { readonly type: 'ignored' }>): void {
    const { store, clock, logger, leaseMs } = this.#options;
    switch (effect.type) {
      case 'acquire':
        this.#answer(this.#acquire());
        return;
      case 'renew':
        this.#answer(store.renew(this.#token(effect.params.epoch), leaseMs));
        return;
      case 'release':
        store.release(this.#token(effect.params.epoch)).then(
          () => this.#send({ type: 'RELEASED' }),
          (error: unknown) => this.#send({ type: 'STORE_FAILED', error: toErrorRecord(error).message }),
        );
        return;
      case 'scheduleBeat':
        this.#beat?.cancel();
        this.#beat = clock.setTimer(effect.params.delayMs, () => this.#send({ type: 'BEAT' }));
        return;
      case 'watchDeadline': {
        const { deadline } = effect.params;
        this.#deadline?.cancel();
        this.#deadline = clock.setTimer(Math.max(0, deadline - clock.monotonic()), () =>
          this.#send({ type: 'DEADLINE_REACHED', deadline }),
        );
        return;
      }
      case 'cancelTimers':
        this.#beat?.cancel();
        this.#deadline?.cancel();
        return;
      case 'grantLeadership':
        this.#options.onGranted(this.#token(effect.params.epoch));
        return;
      case 'revokeLeadership':
        this.#deadline?.cancel();
        this.#options.onRevoked(this.#token(effect.params.epoch), effect.params.reason);
        return;
      case 'reportHeld':
        logger.log('info', 'another JobManager leads this cluster: waiting as a non-leader', {
          leader: effect.params.holder,
          leaderEpoch: effect.params.epoch,
        });
        return;
      case 'reportStoreFailure':
        logger.log('warn', 'the leader store did not answer', { error: effect.params.error });
        return;
    }
  }

  /** The latest of the dead may never have come to lead: then the lease is of one before it. */
  async #acquire(): Promise<LeaseAnswer> {
    const { store, holder, leaseMs, supersedes = [] } = this.#options;
    const answer = await store.acquire(holder, leaseMs, supersedes[0]);
    const isOfDead = answer.kind === 'held' && supersedes.includes(answer.by.holder);
    return isOfDead ? store.acquire(holder, leaseMs, answer.by.holder) : answer;
  }

  #answer(asked: Promise<LeaseAnswer>): void {
    asked.then(
      (answer) => {
        if (answer.kind === 'granted') {
          this.#send({ type: 'LEASE_GRANTED', epoch: answer.token.epoch, deadline: answer.deadline });
        } else {
          this.#send({ type: 'LEASE_HELD', holder: answer.by.holder, epoch: answer.by.epoch, remainingMs: answer.remainingMs });
        }
      },
      (error: unknown) => this.#send({ type: 'STORE_FAILED', error: toErrorRecord(error).message }),
    );
  }

  #token(epoch: number): LeaderToken {
    return { epoch: leaderEpoch(epoch) as LeaderEpoch, holder: this.#options.holder };
  }
}
