/** A source that a test feeds by hand. */
import { noTimestamp, type Source } from '../../dataflow/contracts.js';

/** Emits what it is given, by one reader, until it is told to end; a split for each of two subtasks. */
export class TappedSource {
  #wake: () => void = () => undefined;
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
      whenAvailable: () => new Promise<void>((resolve) => (this.#wake = resolve)),
      position: () => null,
      close: () => {},
    }),
  };
}
