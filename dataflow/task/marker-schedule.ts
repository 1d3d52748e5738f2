/**
 * When a source subtask sends its latency markers.
 *
 * MS1  A marker that is due while the task is held back waits, with the time it was due at: it shows how long records wait
 *      to get in. At most one waits; those due meanwhile are left out.
 */
import type { Clock, TimerHandle } from '../../core/ports.js';

export interface MarkerScheduleOptions {
  readonly intervalMs: number;
  readonly clock: Clock;
  /** A marker is due. */
  readonly wake: () => void;
}

export class MarkerSchedule {
  readonly #options: MarkerScheduleOptions;
  #timer: TimerHandle | undefined;
  #dueAt: number | undefined;

  constructor(options: MarkerScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, intervalMs, wake } = this.#options;
    this.#timer = clock.setTimer(intervalMs, () => {
      this.start();
      this.#dueAt ??= clock.now();
      wake();
    });
  }

  /** The time at which a marker was due that was not taken yet. */
  take(): number | undefined {
    const dueAt = this.#dueAt;
    this.#dueAt = undefined;
    return dueAt;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#dueAt = undefined;
  }
}
