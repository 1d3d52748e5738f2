/**
 * Deadlines that all lie equally far ahead: with one timer of the clock, armed for the earliest that was not removed.
 *
 * DL1  `onDue` is never called early, and in the order of the deadlines.
 * DL2  What is removed costs nothing any more, however long others wait.
 */
import type { Clock, TimerHandle } from '../../../core/ports.js';

export interface DeadlinesOptions<T> {
  readonly clock: Clock;
  readonly delayMs: number;
  readonly onDue: (item: T) => void;
}

export class Deadlines<T> {
  readonly #options: DeadlinesOptions<T>;
  /** In the order of their deadlines, which is that of their arrival. */
  readonly #pending = new Map<T, number>();
  #timer: TimerHandle | undefined;

  constructor(options: DeadlinesOptions<T>) {
    this.#options = options;
  }

  add(item: T): void {
    const { clock, delayMs } = this.#options;
    this.#pending.set(item, clock.monotonic() + delayMs);
    if (this.#timer === undefined) this.#arm();
  }

  remove(item: T): void {
    this.#pending.delete(item);
    if (this.#pending.size === 0) this.cancel();
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pending.clear();
  }

  #arm(): void {
    const { clock } = this.#options;
    const [first] = this.#pending.values();
    if (first === undefined) return;
    this.#timer = clock.setTimer(Math.max(0, first - clock.monotonic()), () => this.#onTimer());
  }

  #onTimer(): void {
    const { clock, onDue } = this.#options;
    const now = clock.monotonic();
    this.#timer = undefined;
    for (const [item, at] of this.#pending) {
      if (at > now) break;
      this.#pending.delete(item);
      onDue(item);
    }
    if (this.#timer === undefined) this.#arm();
  }
}
