/**
 * Readers of sources whose splits are partitions (streams, subjects), which may never end.
 *
 * PR1  All readers of a source in a subtask share one session (a connection): it is opened for the first partition that is
 *      started, and closed when none of them is left.
 * PR2  The position of a split is that of its partition, after the records emitted so far.
 */
import { assert } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { OperatorContext, PollStatus, SourceOutput, SourceReader, Split } from '../dataflow/contracts.js';

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

/** What the readers of a subtask share (a connection). */
export interface PartitionSession<T> {
  open(partition: Split, position: unknown, signals: PartitionSignals): Promise<PartitionReader<T>>;
  close(): Promise<void>;
}

/** Messages of this size that a partition may be ahead of what it emits: `limits.messagesAheadMax`, or as many as the bytes allow. */
export function messagesAhead(averageBytes: number): number {
  const { messagesAheadMax, messagesAheadMin, messageBytesAheadMax } = limits;
  return Math.max(messagesAheadMin, Math.min(messagesAheadMax, Math.floor(messageBytesAheadMax / Math.max(1, averageBytes))));
}

/** Opens a session; `fail` tells what breaks it later. */
export type OpenSession<T> = (context: OperatorContext, fail: (error: unknown) => void) => Promise<PartitionSession<T>>;

/** A session as one reader has it. */
interface SessionUse<T> {
  readonly session: Promise<PartitionSession<T>>;
  /** The last one closes the session. */
  leave(): Promise<void>;
}

/** The readers of a source, one for each call; those of the same context share a session (PR1). */
export function partitionReaders<T>(open: OpenSession<T>): (context: OperatorContext) => SourceReader<T> {
  const sessions = new WeakMap<OperatorContext, SharedSession<T>>();
  return (context) =>
    new SplitOfPartitionReader((fail) => {
      let shared = sessions.get(context);
      if (shared === undefined || shared.isOver) {
        shared = new SharedSession((failAll) => open(context, failAll));
        sessions.set(context, shared);
      }
      return shared.join(fail);
    });
}

class SharedSession<T> {
  readonly #session: Promise<PartitionSession<T>>;
  readonly #users = new Set<(error: unknown) => void>();
  /** It was closed, or never came to be. */
  isOver = false;

  constructor(open: (fail: (error: unknown) => void) => Promise<PartitionSession<T>>) {
    this.#session = open((error) => {
      for (const fail of this.#users) fail(error);
    });
    this.#session.catch(() => {
      this.isOver = true;
    });
  }

  join(fail: (error: unknown) => void): SessionUse<T> {
    this.#users.add(fail);
    return { session: this.#session, leave: () => this.#leave(fail) };
  }

  async #leave(fail: (error: unknown) => void): Promise<void> {
    if (!this.#users.delete(fail) || this.#users.size > 0) return;
    this.isOver = true;
    const session = await this.#session.catch(() => undefined);
    await session?.close();
  }
}

/** Reads a partition at a time. */
class SplitOfPartitionReader<T> implements SourceReader<T> {
  readonly #join: (fail: (error: unknown) => void) => SessionUse<T>;
  #use: SessionUse<T> | undefined;
  #partition: PartitionReader<T> | undefined;
  /** Goes up with each start and close: what was under way for an older one gives up. */
  #generation = 0;
  #isAwake = false;
  #failure: { readonly error: unknown } | undefined;
  #waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;

  constructor(join: (fail: (error: unknown) => void) => SessionUse<T>) {
    this.#join = join;
  }

  async start(split: Split, position: unknown): Promise<void> {
    const generation = ++this.#generation;
    await this.#closePartition();
    if (generation !== this.#generation) return;
    this.#use ??= this.#join((error) => this.#fail(error));
    const session = await this.#use.session;
    if (generation !== this.#generation) return;
    const signals: PartitionSignals = {
      wake: () => generation === this.#generation && this.#wake(),
      fail: (error) => generation === this.#generation && this.#fail(error),
    };
    const partition = await session.open(split, position, signals);
    if (generation === this.#generation) this.#partition = partition;
    else await partition.close();
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    assert(this.#partition !== undefined, 'poll without a split');
    if (this.#failure !== undefined) return 'pending';
    this.#isAwake = false;
    return this.#partition.poll(output, recordsMax);
  }

  whenAvailable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#isAwake) return Promise.resolve();
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  position(): unknown {
    return this.#partition?.position();
  }

  async close(): Promise<void> {
    this.#generation++;
    await this.#closePartition();
    const use = this.#use;
    this.#use = undefined;
    await use?.leave();
  }

  async #closePartition(): Promise<void> {
    const partition = this.#partition;
    this.#partition = undefined;
    await partition?.close();
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
