/**
 * Tells the ResourceManager how many slots the job requires, and repeats it while slots are missing: a declaration or an
 * offer may have been lost.
 */
import type { Endpoint } from '../../bus/endpoint-contract.js';
import { toErrorRecord } from '../../core/errors.js';
import type { JobId, LeaderEpoch } from '../../core/ids.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';

export interface SlotRequirementsOptions {
  readonly jobId: JobId;
  readonly leaderEpoch: LeaderEpoch;
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether declaring may stop for now: the job has what it requires. */
  readonly isSatisfied: () => boolean;
}

/** How long one declaration may take, and the pause before it is repeated. */
const askMs = 2_000;
const repeatMs = 1_000;

export class SlotRequirements {
  readonly #options: SlotRequirementsOptions;
  #slots = 0;
  #version = 0;
  #timer: TimerHandle | undefined;
  #isStopped = false;

  constructor(options: SlotRequirementsOptions) {
    this.#options = options;
  }

  /** What the ResourceManager should know. */
  get declared(): { readonly slots: number; readonly version: number } {
    return { slots: this.#slots, version: this.#version };
  }

  /** Requires this many slots in all from now on. */
  require(slots: number): void {
    if (slots !== this.#slots) {
      this.#slots = slots;
      this.#version++;
    }
    this.#declare();
  }

  /** Repeats nothing any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #declare(): void {
    if (this.#isStopped) return;
    const { jobId, leaderEpoch, endpoint, clock, logger, isSatisfied } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(repeatMs, () => {
      if (!isSatisfied()) this.#declare();
    });
    endpoint
      .ask(
        { kind: 'resource-manager' },
        'resource-manager.declare-requirements',
        { jobId, ...this.declared },
        { timeoutMs: askMs, leaderEpoch },
      )
      .catch((error: unknown) => logger.log('debug', 'the required slots could not be declared', { error: toErrorRecord(error).message }));
  }
}
