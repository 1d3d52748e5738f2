/**
 * The short way to write a source: list its splits, and read a split as a series of batches.
 *
 * BS1  Batches are fetched one ahead of what is being emitted, whatever their size; nothing is fetched before a split
 *      is started.
 * BS2  A position is the number of records of the split that were emitted: `read` is asked to leave out as many, so a
 *      split must give the same records in the same order each time.
 */
import { assert, MillraceError } from '../core/errors.js';
import type { FileSystem } from '../core/ports.js';
import {
  type EnumeratorContext,
  noTimestamp,
  type OperatorContext,
  type PollStatus,
  type Source,
  type SourceOutput,
  type SourceReader,
  type Split,
} from '../dataflow/contracts.js';
import { ConnectorOptions } from './connector-options.js';

export interface BatchRead<SplitData> {
  readonly split: SplitData;
  /** Records of the split to leave out: they were emitted before. */
  readonly skip: number;
  readonly files: FileSystem;
}

export interface BatchSourceOptions<T, SplitData> {
  readonly name: string;
  /** Default `bounded`: the job ends when every split was read. */
  readonly boundedness?: 'bounded' | 'unbounded';
  /** Plain data that belongs to the job (a path): another value is another job. */
  readonly data?: unknown;
  /** Everything there is to read, in pieces that parallel readers take one by one. Plain data. */
  splits(context: EnumeratorContext): Promise<readonly SplitData[]>;
  /** Yields the records of a split in batches (arrays, or iterables that are pulled as output has room). */
  read(request: BatchRead<SplitData>): AsyncIterable<Iterable<T>>;
}

/** A source from two functions. */
export function batchSource<T, SplitData>(options: BatchSourceOptions<T, SplitData>): Source<T> {
  const given = new ConnectorOptions('batchSource');
  return {
    name: options.name,
    boundedness: given.word('boundedness', options.boundedness ?? 'bounded', ['bounded', 'unbounded']),
    ...(options.data === undefined ? {} : { data: options.data }),
    async enumerate(context) {
      const splits = await options.splits(context);
      return splits.map((data, index): Split => ({ id: String(index), data }));
    },
    createReader: (context) => new BatchReader(options, context),
  };
}

class BatchReader<T, SplitData> implements SourceReader<T> {
  readonly #options: BatchSourceOptions<T, SplitData>;
  readonly #context: OperatorContext;
  #batches: AsyncIterator<Iterable<T>> | undefined;
  #records: Iterator<T> | undefined;
  #fetching: Promise<void> | undefined;
  #fetched: IteratorResult<Iterable<T>> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #emitted = 0;

  constructor(options: BatchSourceOptions<T, SplitData>, context: OperatorContext) {
    this.#options = options;
    this.#context = context;
  }

  async start(split: Split, position: unknown): Promise<void> {
    await this.close();
    this.#emitted = (position as number | undefined) ?? 0;
    const request = { split: split.data as SplitData, skip: this.#emitted, files: this.#context.files };
    this.#batches = this.#options.read(request)[Symbol.asyncIterator]();
    this.#fetch();
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    assert(this.#batches !== undefined, 'poll without a split');
    for (let count = 0; count < recordsMax && output.isAvailable();) {
      if (this.#records === undefined && !this.#takeBatch()) return this.#fetched?.done === true ? 'split-finished' : 'pending';
      const next = (this.#records as Iterator<T>).next();
      if (next.done === true) {
        this.#records = undefined;
        continue;
      }
      count++;
      this.#emitted++;
      output.emit(next.value, noTimestamp);
    }
    return 'more';
  }

  whenAvailable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    return this.#fetching ?? Promise.resolve();
  }

  position(): number | undefined {
    return this.#emitted === 0 ? undefined : this.#emitted;
  }

  async close(): Promise<void> {
    const batches = this.#batches;
    this.#batches = undefined;
    await this.#fetching?.catch(() => undefined);
    this.#records = undefined;
    this.#fetched = undefined;
    this.#failure = undefined;
    await batches?.return?.();
  }

  #takeBatch(): boolean {
    if (this.#fetched === undefined || this.#fetched.done === true) return false;
    const batch: unknown = this.#fetched.value;
    if (batch === null || typeof batch !== 'object' || !(Symbol.iterator in batch)) {
      throw new MillraceError('SOURCE_BATCH_INVALID', `\`read\` yielded ${batch === null ? 'null' : typeof batch} instead of a batch.`, {
        domain: 'user',
        recovery: 'fail-job',
        hint: 'Yield arrays of records: yield [record].',
      });
    }
    this.#records = this.#fetched.value[Symbol.iterator]();
    this.#fetched = undefined;
    this.#fetch();
    return true;
  }

  #fetch(): void {
    const batches = this.#batches;
    if (batches === undefined) return;
    this.#fetching = batches.next().then(
      (fetched) => {
        this.#fetched = fetched;
        this.#fetching = undefined;
      },
      (error: unknown) => {
        this.#failure = { error };
        this.#fetching = undefined;
        throw error;
      },
    );
    this.#fetching.catch(() => undefined);
  }
}
