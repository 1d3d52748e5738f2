/**
 * The memory of a slot for frames on their way to the server: segments that are used again and again.
 *
 * SP1  There are never more than `segmentsMax`; one is made when it is first needed and all others are in use.
 * SP2  A segment has one owner: what is given back must have been taken from this pool, and once.
 * SP3  Frames that wait for credit never hold more than half of them, so that those with credit can always leave: what is
 *      on the way comes home by itself, what waits for credit may wait for them.
 * SP4  Whoever found it exhausted hears once a segment came home.
 */
import { assert } from '../../core/errors.js';
import { limits } from '../../core/limits.js';

export interface SegmentPoolOptions {
  readonly segmentsMax: number;
  /** SP4. */
  readonly onRelief: () => void;
  /** Tests only: overwrites what comes home, so that whoever still reads it is caught. */
  readonly isPoisoning?: boolean;
}

const poison = 0xee;

/** See the head of this file. */
export class SegmentPool {
  readonly #options: SegmentPoolOptions;
  readonly #segments = new Map<ArrayBufferLike, Uint8Array>();
  /** The one that came home last is used next: its memory is warm. */
  readonly #free: Uint8Array[] = [];
  readonly #taken = new Set<ArrayBufferLike>();
  #peak = 0;
  #isWanted = false;

  constructor(options: SegmentPoolOptions) {
    assert(options.segmentsMax >= 2, 'A pool needs a segment for a frame that waits and one for a frame that leaves (SP3).');
    this.#options = options;
  }

  get inUse(): number {
    return this.#taken.size;
  }

  /** The most that were in use at once. */
  get peak(): number {
    return this.#peak;
  }

  get segmentsMax(): number {
    return this.#options.segmentsMax;
  }

  /** Whether `take` would find none; SP4 holds for who asks. */
  isExhausted(): boolean {
    if (this.#taken.size < this.#options.segmentsMax) return false;
    this.#isWanted = true;
    return true;
  }

  /** For a frame that leaves now. Ask `isExhausted` first. */
  take(): Uint8Array {
    assert(this.#taken.size < this.#options.segmentsMax, 'A segment was taken from a pool that has none (SP1).');
    const segment = this.#free.pop() ?? this.#make();
    this.#taken.add(segment.buffer);
    this.#peak = Math.max(this.#peak, this.#taken.size);
    return segment;
  }

  /** For a frame that waits for credit: undefined when it must wait elsewhere (SP3). */
  takeForWaiting(): Uint8Array | undefined {
    return 2 * (this.#taken.size + 1) <= this.#options.segmentsMax ? this.take() : undefined;
  }

  /** Whether it is a part of a segment that was taken. */
  holds(payload: Uint8Array): boolean {
    return this.#taken.has(payload.buffer);
  }

  /** A segment comes home: nobody reads `payload`, which is a part of it, any more. */
  release(payload: Uint8Array): void {
    const segment = this.#segments.get(payload.buffer);
    assert(segment !== undefined, 'Something was given back to a pool that is none of its segments (SP2).');
    assert(this.#taken.delete(payload.buffer), 'A segment was given back twice (SP2).');
    if (this.#options.isPoisoning === true) segment.fill(poison);
    this.#free.push(segment);
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.#options.onRelief();
  }

  #make(): Uint8Array {
    const segment = new Uint8Array(limits.segmentBytes);
    this.#segments.set(segment.buffer, segment);
    return segment;
  }
}
