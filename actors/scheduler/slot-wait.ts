/**
 * The wait of a job for its slots.
 *
 * SL1  One round waits at a time, and is told one end: it has a slot for each of its subtasks, or its time ran out. A timer
 *      of an earlier round that still runs names its round, so that it is known to be old.
 */
import type { Clock, TimerHandle } from '../../core/ports.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import type { SlotPool } from './slot-pool.js';

export interface SlotWaitOptions {
  readonly clock: Clock;
  readonly pool: Pick<SlotPool, 'hasSlotsFor'>;
  readonly onAssigned: (round: number) => void;
  readonly onTimedOut: (round: number, waitedMs: number) => void;
}

/** Subtasks that need slots, for the machine's round of that number. */
export interface WaitingRound {
  readonly subtasks: readonly ExecutionVertexId[];
  readonly round: number;
}

/** See the head of this file. */
export class SlotWait {
  readonly #options: SlotWaitOptions;
  #waiting: WaitingRound | undefined;
  #timer: TimerHandle | undefined;

  constructor(options: SlotWaitOptions) {
    this.#options = options;
  }

  begin(round: WaitingRound): void {
    this.#waiting = round;
  }

  /** Slots may have come. */
  check(): void {
    const { pool, onAssigned } = this.#options;
    if (this.#waiting === undefined || !pool.hasSlotsFor(this.#waiting.subtasks)) return;
    const { round } = this.#waiting;
    this.#waiting = undefined;
    onAssigned(round);
  }

  startTimer({ round, delayMs }: { readonly round: number; readonly delayMs: number }): void {
    this.#timer = this.#options.clock.setTimer(delayMs, () => this.#options.onTimedOut(round, delayMs));
  }

  /** Nothing is waited for any more. Idempotent. */
  stop(): void {
    this.#waiting = undefined;
    this.#timer?.cancel();
  }
}
