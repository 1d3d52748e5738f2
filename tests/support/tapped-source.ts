/** A source that a test feeds by hand. */
import { noTimestamp, type Source } from '../../dataflow/contracts.js';

/** Emits what it is given, by whichever of its readers is first, until it is told to end; a split for each of two subtasks. */
export class TappedSource {
  readonly #wakes = new Set<() => void>();
  #waiting: unknown[] = [];
  #isEnded = false;

  emit(...values: readonly unknown[]): void {
    this.#waiting.push(...values);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** One subtask may read both splits: each reader waits for itself. */
  #wake(): void {
    for (const wake of this.#wakes) wake();
    this.#wakes.clear();
  }

  readonly source: Source<unknown> = {
    name: 'tap',
    boundedness: 'unbounded',
    enumerate: async () => ['one', 'two'].map((id) => ({ id, data: null })),
    createReader: () => ({
      start: () => {},
      poll: (output) => {
        while (this.#waiting.length > 0 && output.isAvailable()) output.emit(this.#waiting.shift(), noTimestamp);
        if (this.#waiting.length > 0) return 'more';
        return this.#isEnded ? 'split-finished' : 'pending';
      },
      whenAvailable: () => new Promise<void>((resolve) => this.#wakes.add(resolve)),
      position: () => null,
      close: () => {},
    }),
  };
}
