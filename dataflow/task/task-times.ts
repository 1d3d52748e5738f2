/**
 * How a task spends its time. Every millisecond since its start is exactly one of: busy (in a slice, waiting for its turn
 * on the thread with work to do, or for what an operator waits for), back-pressured (held back by full outputs), idle (nothing to do).
 */
export class TaskTimes {
  busyMs = 0;
  idleMs = 0;
  backPressuredMs = 0;
  #since: number | undefined;
  #between: 'ready' | 'held-back' | 'idle' = 'ready';

  /** A slice begins. */
  begin(now: number): void {
    this.#settle(now);
    this.#between = 'ready';
  }

  /** A slice ended; `between` is how the task waits for the next one. */
  end(now: number, between: 'ready' | 'held-back' | 'idle'): void {
    this.#settle(now);
    this.#between = between;
  }

  /** Counts up to now. */
  settle(now: number): void {
    if (this.#since !== undefined) this.#settle(now);
  }

  #settle(now: number): void {
    const elapsed = now - (this.#since ?? now);
    this.#since = now;
    if (this.#between === 'ready') this.busyMs += elapsed;
    else if (this.#between === 'idle') this.idleMs += elapsed;
    else this.backPressuredMs += elapsed;
  }
}
