/** A source that makes its records: reading costs nothing but the function, so that a benchmark measures what comes after. */
import { noTimestamp, type PollStatus, type Source, type SourceOutput, type SourceReader, type Split } from 'millrace';
import { mark } from '../harness/forms.js';

export interface GeneratorOptions<T> {
  /** Of each reader. */
  readonly records: number;
  /** Records of each reader before the measured part begins. */
  readonly warmUp: number;
  readonly make: (n: number) => T;
}

export function generatorSource<T>(options: GeneratorOptions<T>): Source<T> {
  return {
    name: 'generator',
    boundedness: 'bounded',
    enumerate: ({ parallelism }) => Promise.resolve(Array.from({ length: parallelism }, (_, index) => ({ id: String(index), data: null }))),
    createReader: () => new GeneratorReader(options),
  };
}

class GeneratorReader<T> implements SourceReader<T> {
  readonly #options: GeneratorOptions<T>;
  #next = 0;
  #hasBegun = false;

  constructor(options: GeneratorOptions<T>) {
    this.#options = options;
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
    const stop = Math.min(records, this.#next + recordsMax);
    // Read once: in a loop an imported number costs as much as the rest of this chain.
    const timestamp = noTimestamp;
    let next = this.#next;
    while (next < stop && output.isAvailable()) output.emit(make(next++), timestamp);
    this.#next = next;
    if (next < records) return 'more';
    mark('generated');
    return 'split-finished';
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve();
  }

  position(): number {
    return this.#next;
  }

  close(): void {}
}
