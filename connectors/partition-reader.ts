/**
 * Readers of sources whose partitions (streams, subjects) may never end.
 *
 * PR1  A bounded source has a split for each partition. An unbounded one has no more splits than readers, because a reader
 *      never comes to a second: a split then is a group of partitions, read side by side.
 * PR2  The position of a split is the positions of its partitions; each is after the records emitted so far.
 * PR3  Records of different partitions of a group come in any order, and have one event time.
 */
import { assert } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { EnumeratorContext, PollStatus, SourceOutput, SourceReader, Split } from '../dataflow/contracts.js';

/** How the reader of a partition tells what happens outside of `poll`. */
export interface PartitionSignals {
  /** `poll` may make progress. */
  wake(): void;
  /** Reading failed; the first failure counts. */
  fail(error: unknown): void;
}

/** Reads one partition. `poll` and `position` are as those of a {@link SourceReader}. */
export interface PartitionReader<T> {
  poll(output: SourceOutput<T>, recordsMax: number): PollStatus;
  position(): unknown;
  close(): void | Promise<void>;
}

/** What a reader shares among its partitions (a connection). */
export interface PartitionSession<T> {
  open(partition: Split, position: unknown, signals: PartitionSignals): Promise<PartitionReader<T>>;
  close(): Promise<void>;
}

/** Messages of this size that a partition may be ahead of what it emits: `limits.messagesAheadMax`, or as many as the bytes allow. */
export function messagesAhead(averageBytes: number): number {
  const { messagesAheadMax, messagesAheadMin, messageBytesAheadMax } = limits;
  return Math.max(messagesAheadMin, Math.min(messagesAheadMax, Math.floor(messageBytesAheadMax / Math.max(1, averageBytes))));
}

/** The splits of a source with these partitions (PR1). */
export function groupPartitions(
  partitions: readonly Split[],
  { boundedness, parallelism }: Pick<EnumeratorContext, 'parallelism'> & { readonly boundedness: 'bounded' | 'unbounded' },
): readonly Split[] {
  const count = boundedness === 'bounded' ? partitions.length : Math.min(parallelism, partitions.length);
  const groups = Array.from({ length: count }, (_, group) => partitions.filter((__, index) => index % count === group));
  return groups.map((group) => ({ id: group.map(({ id }) => id).join(' + '), data: { partitions: group } satisfies PartitionGroup }));
}

interface PartitionGroup {
  readonly partitions: readonly Split[];
}

/** Of each partition of a group; a partition that ended has `isEnded`. */
type GroupPosition = readonly { readonly isEnded: boolean; readonly position: unknown }[];

interface OpenPartition<T> {
  readonly reader: PartitionReader<T>;
  isEnded: boolean;
}

/** Reads a group of partitions at a time. `connect` is called when the first is started. */
export class PartitionGroupReader<T> implements SourceReader<T> {
  readonly #connect: (fail: (error: unknown) => void) => Promise<PartitionSession<T>>;
  readonly #counting = new CountingOutput<T>();
  #session: PartitionSession<T> | undefined;
  #open: OpenPartition<T>[] = [];
  /** Which partition is polled first next time. */
  #turn = 0;
  /** Goes up with each start and close: what was under way for an older one gives up. */
  #generation = 0;
  #isAwake = false;
  #failure: { readonly error: unknown } | undefined;
  #waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;

  constructor(connect: (fail: (error: unknown) => void) => Promise<PartitionSession<T>>) {
    this.#connect = connect;
  }

  async start(split: Split, position: unknown): Promise<void> {
    const generation = ++this.#generation;
    await this.#closePartitions();
    const positions = position as GroupPosition | undefined;
    const session = this.#session ?? (await this.#connect((error) => this.#fail(error)));
    if (generation !== this.#generation) return session.close();
    this.#session = session;
    for (const [index, partition] of (split.data as PartitionGroup).partitions.entries()) {
      const from = positions?.[index];
      const signals = { wake: () => this.#wake(), fail: (error: unknown) => this.#fail(error) };
      const reader = await session.open(partition, from?.position, signals);
      if (generation !== this.#generation) return reader.close();
      this.#open.push({ reader, isEnded: from?.isEnded === true });
    }
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    const open = this.#open;
    assert(open.length > 0, 'poll without a split');
    if (this.#failure !== undefined) return 'pending';
    this.#isAwake = false;
    const [first] = open;
    if (open.length === 1 && first !== undefined) return first.reader.poll(output, recordsMax);
    return this.#pollInTurn(output, recordsMax);
  }

  whenAvailable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#isAwake) return Promise.resolve();
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  position(): GroupPosition {
    return this.#open.map(({ reader, isEnded }) => ({ isEnded, position: reader.position() }));
  }

  async close(): Promise<void> {
    this.#generation++;
    await this.#closePartitions();
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  /** Every partition has a turn, with an even share of what may be emitted. */
  #pollInTurn(output: SourceOutput<T>, recordsMax: number): PollStatus {
    const open = this.#open;
    const share = Math.max(1, Math.floor(recordsMax / open.length));
    const counting = this.#counting.begin(output);
    let hasMore = false;
    for (let turns = 0; turns < open.length; turns++) {
      const left = recordsMax - counting.count;
      if (left === 0) return 'more';
      const partition = open[this.#turn] as OpenPartition<T>;
      this.#turn = (this.#turn + 1) % open.length;
      if (partition.isEnded) continue;
      const status = partition.reader.poll(counting, Math.min(share, left));
      if (status === 'split-finished') partition.isEnded = true;
      hasMore ||= status === 'more';
    }
    if (hasMore) return 'more';
    return open.every(({ isEnded }) => isEnded) ? 'split-finished' : 'pending';
  }

  async #closePartitions(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    this.#turn = 0;
    for (const { reader } of open) await reader.close();
  }

  #wake(): void {
    this.#isAwake = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#waiting?.reject(this.#failure.error);
    this.#waiting = undefined;
  }
}

/** Counts what goes through it. */
class CountingOutput<T> implements SourceOutput<T> {
  count = 0;
  #output: SourceOutput<T> | undefined;

  begin(output: SourceOutput<T>): this {
    this.#output = output;
    this.count = 0;
    return this;
  }

  readonly emit: SourceOutput<T>['emit'] = (value, timestamp, keyHash) => {
    this.count++;
    this.#output?.emit(value, timestamp, keyHash);
  };

  isAvailable(): boolean {
    return this.#output?.isAvailable() === true;
  }
}
