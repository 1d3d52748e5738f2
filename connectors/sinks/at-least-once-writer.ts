/**
 * The base of sinks that write at once: what the target took is there, and after a failure some of it comes again.
 *
 * AL1  A barrier passes only when the target has acknowledged everything before it: nothing is lost.
 * AL2  At most `requestsMax` requests are under way; then the input is held back.
 * AL3  A batch is sent when it is full, when its first record has waited for `lingerMs`, at a barrier, and at the end.
 * AL4  Requests are begun in the order of the records. With one at a time they also arrive in that order.
 * AL5  A request that fails for good fails the task, and no further one is begun.
 */
import { MillraceError } from '../../core/errors.js';
import type { TimerHandle } from '../../core/ports.js';
import type { Emit, Operator, OperatorContext } from '../../dataflow/contracts.js';

export interface BatchBounds {
  /** Records of a batch. */
  readonly recordsMax: number;
  /** Bytes of a batch, beyond which it counts as full. */
  readonly bytesMax: number;
  /** Longest wait of a record for its batch to fill. */
  readonly lingerMs: number;
  readonly requestsMax: number;
}

/** Extend it by how a record becomes an item, and how a batch of items is sent; see the head of this file for what it guarantees. */
export abstract class AtLeastOnceWriter<T, Item> implements Operator<T, never> {
  readonly #bounds: BatchBounds;
  readonly #underWay = new Set<Promise<void>>();
  #context: OperatorContext | undefined;
  #batch: Item[] = [];
  #batchBytes = 0;
  #linger: TimerHandle | undefined;
  /** Its first record has waited for long enough. */
  #isDue = false;
  #isHoldingBack = false;
  #failure: unknown;
  #isClosed = false;

  constructor(bounds: BatchBounds) {
    this.#bounds = bounds;
  }

  /** What is sent of a record; refuses what cannot be sent. */
  protected abstract toItem(value: T, timestamp: number): Item;
  protected abstract bytesOf(item: Item): number;
  /** Resolves when the target has it; tries again as long as that makes sense. */
  protected abstract send(batch: readonly Item[]): Promise<void>;
  /** Connects to the target, before anything else. */
  protected prepare(_context: OperatorContext): void | Promise<void> {}
  /** Lets go of the target. */
  protected release(): void | Promise<void> {}

  protected get context(): OperatorContext {
    if (this.#context === undefined) throw new MillraceError('ASSERTION', 'A writer has no context before it is opened');
    return this.#context;
  }

  /** Nobody waits for the outcome of what is under way any more. */
  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  bind(_out: Emit<never>, context: OperatorContext): Emit<T> {
    this.#context = context;
    return (value, timestamp) => this.#write(value, timestamp);
  }

  async open(context: OperatorContext): Promise<void> {
    this.#context = context;
    await this.prepare(context);
  }

  /** AL1. */
  async prepareSnapshot(): Promise<void> {
    await this.#drain();
  }

  finish(): void {
    this.context.park(() => true, this.#drain());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#linger?.cancel();
    this.#batch = [];
    await this.release();
  }

  #write(value: T, timestamp: number): void {
    const item = this.toItem(value, timestamp);
    this.#batch.push(item);
    this.#batchBytes += this.bytesOf(item);
    if (this.#isFull) {
      this.#begin();
    } else if (this.#batch.length === 1) {
      this.#linger = this.context.clock.setTimer(this.#bounds.lingerMs, () => {
        this.#isDue = true;
        this.#begin();
      });
    }
    if (this.#underWay.size >= this.#bounds.requestsMax || this.#isFull) this.#holdBack();
  }

  get #isFull(): boolean {
    return this.#batch.length >= this.#bounds.recordsMax || this.#batchBytes >= this.#bounds.bytesMax;
  }

  /** Sends the batch if it may be (AL2); else the end of a request, or whoever drains, comes back here. */
  #begin(): void {
    if (this.#batch.length === 0 || this.#isClosed || this.#failure !== undefined) return;
    if (this.#underWay.size >= this.#bounds.requestsMax) return;
    const batch = this.#batch;
    this.#linger?.cancel();
    this.#batch = [];
    this.#batchBytes = 0;
    this.#isDue = false;
    const request = this.send(batch).then(
      () => {
        this.#underWay.delete(request);
        if (this.#isDue) this.#begin();
      },
      (error: unknown) => {
        this.#underWay.delete(request);
        if (this.#isClosed) return;
        this.#failure ??= error;
        this.context.fail(error);
      },
    );
    this.#underWay.add(request);
  }

  #holdBack(): void {
    if (this.#isHoldingBack || this.#underWay.size === 0) return;
    this.#isHoldingBack = true;
    this.context.park(() => {
      if (this.#isFull) this.#begin();
      this.#isHoldingBack = false;
      return true;
    }, Promise.race(this.#underWay));
  }

  /** Sends what is left and waits for all of it; rejects with the first failure, and when the writer is closed before (AL1). */
  async #drain(): Promise<void> {
    while (this.#failure === undefined && !this.#isClosed && (this.#batch.length > 0 || this.#underWay.size > 0)) {
      this.#begin();
      await Promise.race(this.#underWay);
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed) throw this.#closedTooEarly();
  }

  #closedTooEarly(): MillraceError {
    return new MillraceError('SINK_CLOSED', 'The sink was closed before the target had acknowledged everything', {
      recovery: 'restart-job',
      where: this.context.operatorName,
      hint: 'The records since the latest checkpoint are written again.',
    });
  }
}
