/**
 * What one leadership does over and over until it works: writes to the store, and whatever else is due later.
 *
 * SW1  After `stop` nothing is tried again and nothing that was put off happens; who waits for a write is let go.
 * SW2  A write that a later leader fenced is not repeated: this process is told to step down.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { pause } from '../../core/pause.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';

export interface StoreWritesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A later leader exists. */
  readonly onFenced: () => void;
}

/** Pause before something the store refused is tried again. */
const storeRetryMs = 500;

/** See the head of this file. */
export class StoreWrites {
  readonly #options: StoreWritesOptions;
  readonly #timers = new Set<TimerHandle>();
  readonly #stopping = new AbortController();

  constructor(options: StoreWritesOptions) {
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  stop(): void {
    this.#stopping.abort();
    for (const timer of this.#timers) timer.cancel();
  }

  /** Repeats a write until it succeeds, the process steps down, or a later leader exists. Never rejects. */
  async persist(what: string, write: () => Promise<void>): Promise<void> {
    while (!this.isStopped) {
      try {
        await write();
        return;
      } catch (error) {
        if (this.noteFenced(error)) return;
        this.#options.logger.log('warn', `could not ${what}; trying again`, { error: toErrorRecord(error) });
        if (!this.isStopped) await pause(this.#options.clock, storeRetryMs, this.#stopping.signal);
      }
    }
  }

  /** Whether it says that a later leader exists, which is then acted upon (SW2). */
  noteFenced(error: unknown): boolean {
    const isFenced = error instanceof MillraceError && error.code === 'FENCED';
    if (isFenced) this.#options.onFenced();
    return isFenced;
  }

  /** Once, unless stopped before (SW1). */
  later(delayMs: number, action: () => void): void {
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      action();
    });
    this.#timers.add(timer);
  }
}
