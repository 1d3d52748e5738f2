/** A source whose records are due at moments fixed beforehand; when it was held up it makes the late ones at once. */
import { noTimestamp, type PollStatus, type Source, type SourceOutput, type SourceReader, type Split } from 'millrace';
import { mark } from '../harness/forms.js';
import { Pace } from './pace.js';

export interface PacedSourceOptions<T> {
  /** Of each reader. */
  readonly records: number;
  readonly warmUp: number;
  /** Of each reader; 0: as fast as it goes. */
  readonly perSecond: number;
  readonly make: (n: number, due: number) => T;
}

/** Node's shortest timer: what is due meanwhile is made together. */
const waitMs = 1;

export function pacedSource<T>(options: PacedSourceOptions<T>): Source<T> {
  return {
    name: 'paced generator',
    boundedness: 'bounded',
    enumerate: ({ parallelism }) => Promise.resolve(Array.from({ length: parallelism }, (_, index) => ({ id: String(index), data: null }))),
    createReader: () => new PacedReader(options),
  };
}

class PacedReader<T> implements SourceReader<T> {
  readonly #options: PacedSourceOptions<T>;
  readonly #pace: Pace;
  #next = 0;
  #hasBegun = false;

  constructor(options: PacedSourceOptions<T>) {
    this.#options = options;
    this.#pace = new Pace(options);
  }

  start(_split: Split, position: unknown): void {
    this.#next = (position as number | undefined) ?? 0;
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    const { records, warmUp, make } = this.#options;
    if (!this.#hasBegun && this.#next >= warmUp) {
      this.#hasBegun = true;
      mark('begin');
    }
    const due = this.#pace.due();
    const stop = Math.min(records, due, this.#next + recordsMax);
    const timestamp = noTimestamp;
    while (this.#next < stop && output.isAvailable()) {
      const n = this.#next++;
      output.emit(make(n, this.#pace.dueAt(n)), timestamp);
    }
    if (this.#next === records) return 'split-finished';
    return this.#next >= due ? 'pending' : 'more';
  }

  whenAvailable(): Promise<void> {
    return new Promise((resolve) => void setTimeout(resolve, waitMs));
  }

  position(): number {
    return this.#next;
  }

  close(): void {}
}
