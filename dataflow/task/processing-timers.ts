/**
 * Fires the processing-time timers of a chain.
 *
 * PT1  A timer never fires before its time; overdue ones (after a restore) fire as soon as the task runs.
 * PT2  At most one timer of the clock is armed, for the earliest of all operators.
 */
import type { Clock, TimerHandle } from '../../core/ports.js';
import { fireTimer, timersPerStep, type ChainScope } from './event-time.js';

export interface ProcessingTimersOptions {
  readonly scope: ChainScope;
  readonly clock: Clock;
  readonly wake: () => void;
}

export class ProcessingTimers {
  readonly #options: ProcessingTimersOptions;
  #armed: { readonly at: number; readonly handle: TimerHandle } | undefined;

  constructor(options: ProcessingTimersOptions) {
    this.#options = options;
  }

  /** Fires some timers that are due, while there is room; whether there were any. */
  fire(): boolean {
    const { scope, clock } = this.#options;
    const now = clock.now();
    let fired = 0;
    for (const chained of scope.operators())
      while (fired < timersPerStep && !scope.isHeldBack() && fireTimer(chained, 'processing', now)) fired += 1;
    return fired > 0;
  }

  /** Between slices: wakes the task when the next timer is due (PT2). */
  arm(): void {
    const { clock, wake } = this.#options;
    const next = this.#next();
    if (this.#armed?.at === next) return;
    this.cancel();
    if (next === undefined) return;
    const handle = clock.setTimer(Math.max(0, next - clock.now()), () => {
      this.#armed = undefined;
      wake();
    });
    this.#armed = { at: next, handle };
  }

  cancel(): void {
    this.#armed?.handle.cancel();
    this.#armed = undefined;
  }

  #next(): number | undefined {
    let earliest: number | undefined;
    for (const { keyed } of this.#options.scope.operators()) {
      const next = keyed?.nextTimer('processing');
      if (next !== undefined && (earliest === undefined || next < earliest)) earliest = next;
    }
    return earliest;
  }
}
