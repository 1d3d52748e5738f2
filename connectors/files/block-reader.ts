/**
 * Reads a file front to back, ahead of its consumer, with a bound.
 *
 * BR1  At most `limits.sourceBlocksAheadMax` blocks are held, and one read is under way at a time.
 * BR2  Past `until` nothing is read but what the consumer waits for: the rest of one record.
 * BR3  A block handed out is never written again.
 */
import type { FileHandle } from '../../core/ports.js';
import { limits } from '../../core/limits.js';

export interface BlockReaderOptions {
  readonly handle: FileHandle;
  readonly from: number;
  /** Where reading ahead ends. */
  readonly until: number;
  readonly blockBytes: number;
}

/** A queue of blocks filled by asynchronous reads. Closing it closes the handle. */
export class BlockReader {
  readonly #handle: FileHandle;
  readonly #until: number;
  readonly #blockBytes: number;
  readonly #blocks: Buffer[] = [];
  #offset: number;
  #reading: Promise<void> | undefined;
  #waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  #isEnded = false;
  #isClosed = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: BlockReaderOptions) {
    this.#handle = options.handle;
    this.#offset = options.from;
    this.#until = options.until;
    this.#blockBytes = options.blockBytes;
    this.#pump();
  }

  /** The next block, or undefined when none is here yet or the file has ended. */
  take(): Buffer | undefined {
    const block = this.#blocks.shift();
    this.#pump();
    return block;
  }

  /** Whether every byte of the file was taken. */
  get isExhausted(): boolean {
    return this.#isEnded && this.#blocks.length === 0;
  }

  /** Resolves when `take` has a block or the file has ended; rejects with what reading failed of. */
  whenAvailable(): Promise<void> {
    if (this.#blocks.length > 0 || this.#isEnded) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    const promise = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#pump();
    return promise;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#blocks.length = 0;
    await this.#reading;
    this.#settle();
    await this.#handle.close();
  }

  #pump(): void {
    if (this.#reading !== undefined || this.#isClosed || this.#isEnded || this.#failure !== undefined) return;
    if (this.#blocks.length >= limits.sourceBlocksAheadMax) return;
    const isTail = this.#offset >= this.#until;
    if (isTail && (this.#waiting.length === 0 || this.#blocks.length > 0)) return;
    const bytes = isTail ? Math.min(limits.sourceTailBytes, this.#blockBytes) : Math.min(this.#blockBytes, this.#until - this.#offset);
    this.#reading = this.#read(Buffer.allocUnsafeSlow(bytes));
  }

  async #read(block: Buffer): Promise<void> {
    try {
      const count = await this.#handle.read(block, this.#offset);
      if (count === 0) this.#isEnded = true;
      else if (!this.#isClosed) this.#blocks.push(block.subarray(0, count));
      this.#offset += count;
    } catch (error) {
      this.#failure = { error };
    }
    this.#reading = undefined;
    this.#settle();
    this.#pump();
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      if (this.#failure === undefined) waiter.resolve();
      else waiter.reject(this.#failure.error);
    }
  }
}
