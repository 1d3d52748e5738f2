/**
 * A source of made-up records: for load, for demonstrations, and for events that follow from a number.
 *
 * GS1  Record `index` is `generate(index)`, whichever reader makes it and however often, so a restart repeats nothing and
 *      leaves nothing out.
 * GS2  Split k of n holds k, k + n, k + 2n, …: all readers move forward together, so that their event times do.
 */
import { noTimestamp, type PollStatus, type Source, type SourceOutput, type SourceReader, type Split } from '../dataflow/contracts.js';
import { throttled } from './throttled-source.js';
import { ConnectorOptions, shown } from './connector-options.js';

export interface GeneratorOptions<T> {
  readonly name?: string;
  /** Records in all; without it the source never ends. */
  readonly count?: number;
  /** Records a second, of all readers together; default: as fast as they are taken. No part of the job's fingerprint. */
  readonly rate?: number;
  /** The record of a number from 0; must depend on nothing else. */
  readonly generate: (index: number) => T;
}

/** Emits `generate(0)`, `generate(1)`, …, in order within each of as many splits as the source has parallelism. */
export function generatorSource<T>(options: GeneratorOptions<T>): Source<T> {
  const { name = 'generator', count, rate, generate } = options;
  const given = new ConnectorOptions('generatorSource');
  if (count !== undefined && (!Number.isSafeInteger(count) || count < 0))
    throw given.invalid(`count is ${shown(count)}.`, 'Give a whole number from 0, or leave it out to go on for ever.');
  if (rate !== undefined && !(rate > 0)) throw given.invalid(`rate is ${shown(rate)}.`, 'Give records per second, above 0.');
  const end = count ?? Number.MAX_SAFE_INTEGER;
  const source: Source<T> = {
    name,
    boundedness: count === undefined ? 'unbounded' : 'bounded',
    data: { count: count ?? null },
    enumerate: ({ parallelism }) => Promise.resolve(strides(end, parallelism)),
    createReader: () => new GeneratorReader(generate, end),
  };
  return rate === undefined ? source : throttled(source, { recordsPerSecond: rate });
}

interface Stride {
  readonly first: number;
  readonly step: number;
}

function strides(end: number, step: number): readonly Split[] {
  const splits: Split[] = [];
  for (let first = 0; first < Math.min(step, end); first++) {
    splits.push({ id: `${first} of ${step}`, data: { first, step } satisfies Stride });
  }
  return splits;
}

class GeneratorReader<T> implements SourceReader<T> {
  readonly #generate: (index: number) => T;
  readonly #end: number;
  #next: number;
  #step = 1;

  constructor(generate: (index: number) => T, end: number) {
    this.#generate = generate;
    this.#end = end;
    this.#next = end;
  }

  start(split: Split, position: unknown): void {
    const { first, step } = split.data as Stride;
    this.#next = (position as number | undefined) ?? first;
    this.#step = step;
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    const step = this.#step;
    const stop = Math.min(this.#end, this.#next + recordsMax * step);
    while (this.#next < stop && output.isAvailable()) {
      const index = this.#next;
      this.#next = index + step;
      output.emit(this.#generate(index), noTimestamp);
    }
    return this.#next >= this.#end ? 'split-finished' : 'more';
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve();
  }

  position(): number {
    return this.#next;
  }

  close(): void {
    this.#next = this.#end;
  }
}
