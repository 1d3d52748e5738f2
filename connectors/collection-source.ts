/**
 * A source of elements that stand in the job itself. They count in the job's fingerprint, so that every slot reads what
 * the client meant.
 */
import { noTimestamp, type PollStatus, type Source, type SourceOutput, type SourceReader, type Split } from '../dataflow/contracts.js';

export interface CollectionOptions {
  readonly name?: string;
  /** Parts that parallel readers share; default 1, which keeps the order. */
  readonly splits?: number;
}

/** Emits the elements, in order within a split. They must be plain data: they travel in the job's fingerprint. */
export function collectionSource<T>(elements: readonly T[], options: CollectionOptions = {}): Source<T> {
  const { name = 'collection', splits = 1 } = options;
  return {
    name,
    boundedness: 'bounded',
    data: elements,
    enumerate: () => Promise.resolve(splitIndexes(elements.length, splits)),
    createReader: () => new CollectionReader(elements),
  };
}

interface IndexRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Cuts 0 … count - 1 into at most `parts` ranges of equal length, give or take one. */
function splitIndexes(count: number, parts: number): readonly Split[] {
  const splits: Split[] = [];
  for (let part = 0; part < parts; part++) {
    const from = Math.floor((count * part) / parts);
    const to = Math.floor((count * (part + 1)) / parts);
    if (from < to) splits.push({ id: `${from}-${to}`, data: { from, to } satisfies IndexRange });
  }
  return splits;
}

class CollectionReader<T> implements SourceReader<T> {
  readonly #elements: readonly T[];
  #next = 0;
  #to = 0;

  constructor(elements: readonly T[]) {
    this.#elements = elements;
  }

  start(split: Split, position: unknown): void {
    const { from, to } = split.data as IndexRange;
    this.#next = (position as number | undefined) ?? from;
    this.#to = to;
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    const stop = Math.min(this.#to, this.#next + recordsMax);
    while (this.#next < stop && output.isAvailable()) output.emit(this.#elements[this.#next++] as T, noTimestamp);
    return this.#next === this.#to ? 'split-finished' : 'more';
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve();
  }

  position(): number {
    return this.#next;
  }

  close(): void {
    this.#to = this.#next;
  }
}
