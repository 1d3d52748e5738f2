/** Takes the procedure of a task from one step to the next; there is at most one, and it may begin its successor. */
import type { Procedure } from './procedure.js';

export interface ProcedureRunnerOptions {
  /** A promise that was waited for resolved. */
  readonly wake: () => void;
  /** It rejected. */
  readonly fail: (error: unknown) => void;
}

export class ProcedureRunner {
  readonly #options: ProcedureRunnerOptions;
  #current: Procedure | undefined;
  #pause: 'none' | 'room' | 'promise' = 'none';

  constructor(options: ProcedureRunnerOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#current !== undefined;
  }

  /** The task does nothing until a promise settles. */
  get isWaiting(): boolean {
    return this.#pause === 'promise';
  }

  begin(procedure: Procedure): void {
    this.#current = procedure;
  }

  /** One step, if what it waits for is there. What it throws is the task's to handle. */
  advance(isFull: boolean): 'progress' | 'waiting' {
    const procedure = this.#current;
    if (procedure === undefined || (this.#pause === 'room' && isFull)) return 'waiting';
    this.#pause = 'none';
    const result = procedure.next();
    if (result.done === true) {
      // It may have been the last thing before the next one, which it does not know of.
      if (this.#current === procedure) this.#current = undefined;
      return 'progress';
    }
    if (result.value === 'room') {
      this.#pause = 'room';
      return 'progress';
    }
    this.#pause = 'promise';
    result.value.then(
      () => {
        this.#pause = 'none';
        this.#options.wake();
      },
      (error: unknown) => this.#options.fail(error),
    );
    return 'waiting';
  }
}
