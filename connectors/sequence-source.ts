/** A source of whole numbers, cut into ranges that parallel readers share. */
import { noTimestamp, type PollStatus, type Source, type SourceOutput, type SourceReader, type Split } from '../dataflow/contracts.js';
import { ConnectorOptions, shown } from './connector-options.js';

export interface SequenceOptions {
  readonly name?: string;
  /** Ranges the numbers are cut into; default: one a reader. */
  readonly splits?: number;
}

/** Emits `from`, `from + 1`, …, `to` (inclusive, as Flink's fromSequence), in order within each range. */
export function sequenceSource(from: number, to: number, options: SequenceOptions = {}): Source<number> {
  const given = new ConnectorOptions('sequenceSource');
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to))
    throw given.invalid(`The sequence goes from ${shown(from)} to ${shown(to)}.`, 'Give two whole numbers.');
  const { name = `sequence ${from} to ${to}`, splits } = options;
  if (splits !== undefined) given.wholeNumber('splits', splits);
  return {
    name,
    boundedness: 'bounded',
    data: { from, to, splits: splits ?? null },
    enumerate: ({ parallelism }) => Promise.resolve(splitSequence(from, to, splits ?? parallelism)),
    createReader: () => new SequenceReader(),
  };
}

interface NumberRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

function splitSequence(from: number, to: number, parts: number): readonly Split[] {
  const splits: Split[] = [];
  const count = to - from + 1;
  for (let part = 0, start = from; part < parts && start <= to; part++) {
    const end = part === parts - 1 ? to : from + Math.floor((count / parts) * (part + 1)) - 1;
    if (end < start) continue;
    splits.push({ id: `${start}-${end}`, data: { from: start, to: end } satisfies NumberRange });
    start = end + 1;
  }
  return splits;
}

class SequenceReader implements SourceReader<number> {
  #next = 0;
  #to = -1;

  start(split: Split, position: unknown): void {
    const range = split.data as NumberRange;
    this.#next = (position as number | undefined) ?? range.from;
    this.#to = range.to;
  }

  poll(output: SourceOutput<number>, recordsMax: number): PollStatus {
    const stop = Math.min(this.#to, this.#next + recordsMax - 1);
    while (this.#next <= stop && output.isAvailable()) output.emit(this.#next++, noTimestamp);
    return this.#next > this.#to ? 'split-finished' : 'more';
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve();
  }

  position(): number {
    return this.#next;
  }

  close(): void {
    this.#to = this.#next - 1;
  }
}
