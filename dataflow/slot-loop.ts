/**
 * The loop of one slot: gives its tasks slices of the thread in turn.
 *
 * L1  A turn runs one slice of each task that was ready when the turn began; then the thread is given back (Yield), so
 *     that messages and timers come in between turns.
 * L2  A task that says it has more is ready again behind all others: no task can starve another.
 * L3  Without ready tasks nothing is scheduled; `wake` schedules at most one turn.
 */
import type { Logger, Yield } from '../core/ports.js';

/** A task as the loop sees it. */
export interface SlotTask {
  /** For logs. */
  readonly name: string;
  /** Works for a bounded time; `more`: call again, `idle`: `wake` will be called. Must not throw. */
  runSlice(): 'more' | 'idle';
}

export interface SlotLoopOptions {
  readonly yield: Yield;
  readonly logger: Logger;
}

/** Round-robin over the tasks of a slot. */
export class SlotLoop {
  readonly #yield: Yield;
  readonly #logger: Logger;
  readonly #tasks = new Set<SlotTask>();
  #ready = new Set<SlotTask>();
  #isScheduled = false;
  #turns = 0;

  constructor(options: SlotLoopOptions) {
    this.#yield = options.yield;
    this.#logger = options.logger;
  }

  /** See {@link Yield}. */
  get recordsPerSlice(): number | undefined {
    return this.#yield.recordsPerSlice;
  }

  /** Turns run so far, for tests and metrics. */
  get turns(): number {
    return this.#turns;
  }

  add(task: SlotTask): void {
    this.#tasks.add(task);
    this.wake(task);
  }

  /** The task gets no further slice. */
  remove(task: SlotTask): void {
    this.#tasks.delete(task);
    this.#ready.delete(task);
  }

  /** Something changed for `task`; ignored for tasks that are not in the loop. Cheap to repeat. */
  wake(task: SlotTask): void {
    if (!this.#tasks.has(task)) return;
    this.#ready.add(task);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#yield.schedule(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#turns += 1;
    const turn = this.#ready;
    this.#ready = new Set();
    for (const task of turn) {
      if (!this.#tasks.has(task)) continue;
      this.#slice(task);
    }
    if (this.#ready.size > 0) this.#schedule();
  };

  #slice(task: SlotTask): void {
    try {
      if (task.runSlice() === 'more' && this.#tasks.has(task)) this.#ready.add(task);
    } catch (error) {
      this.#logger.log('error', 'A task slice threw; the task gets no further slice', { task: task.name, error: String(error) });
      this.remove(task);
    }
  }
}
