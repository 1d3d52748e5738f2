/** A clock that stands still until it is told to move: for tests of anything that takes a Clock. */
import type { Clock, TimerHandle } from '../core/ports.js';

interface ManualTimer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until `advance`; timers that became due fire within the call, in the order of their times. */
export class ManualClock implements Clock {
  private time = 0;
  private readonly startedAt: number;
  private timers: ManualTimer[] = [];

  /** `now()` starts at `startedAt`, `monotonic()` at 0. */
  constructor(startedAt = 1_700_000_000_000) {
    this.startedAt = startedAt;
  }

  now(): number {
    return this.startedAt + this.time;
  }

  monotonic(): number {
    return this.time;
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer: ManualTimer = { at: this.time + Math.max(0, delayMs), callback };
    this.timers.push(timer);
    return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  /** Moves time on and fires what is due, in order. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((left, right) => left.at - right.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.time = Math.max(this.time, due.at);
      due.callback();
    }
    this.time = end;
  }

  /** On the monotonic clock, when the next timer fires; undefined: none is set. */
  nextTimerAt(): number | undefined {
    return this.timers.length === 0 ? undefined : Math.min(...this.timers.map(({ at }) => at));
  }

  /** Timers set and neither fired nor cancelled. */
  pendingTimers(): number {
    return this.timers.length;
  }
}
