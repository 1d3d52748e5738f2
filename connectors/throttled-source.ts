/**
 * Holds any source back to a rate: for demonstrations and tests that have to last.
 *
 * TH1  All readers together emit at most `recordsPerSecond`, in the long run; a reader that was held up catches up by
 *      at most one second's worth.
 */
import type { Clock, TimerHandle } from '../core/ports.js';
import type { OperatorContext, PollStatus, Source, SourceOutput, SourceReader, Split } from '../dataflow/contracts.js';

export interface ThrottleOptions {
  /** Of all readers together. */
  readonly recordsPerSecond: number;
}

/** The same source, slower. The rate is no part of the job's fingerprint. */
export function throttled<T>(source: Source<T>, options: ThrottleOptions): Source<T> {
  const { recordsPerSecond } = options;
  if (!(recordsPerSecond > 0)) throw new TypeError(`recordsPerSecond: ${recordsPerSecond} is not above 0`);
  return {
    ...source,
    enumerate: (context) => source.enumerate(context),
    createReader: (context) => new ThrottledReader(source.createReader(context), recordsPerSecond / context.task.parallelism, context),
  };
}

class ThrottledReader<T> implements SourceReader<T> {
  readonly #inner: SourceReader<T>;
  readonly #recordsPerMs: number;
  readonly #clock: Clock;
  #allowance = 1;
  #filledAt: number;
  #isHeldBack = false;
  #timer: TimerHandle | undefined;
  #release: (() => void) | undefined;

  constructor(inner: SourceReader<T>, recordsPerSecond: number, context: OperatorContext) {
    this.#inner = inner;
    this.#recordsPerMs = recordsPerSecond / 1_000;
    this.#clock = context.clock;
    this.#filledAt = context.clock.monotonic();
  }

  start(split: Split, position: unknown): void | Promise<void> {
    return this.#inner.start(split, position);
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    this.#fill();
    this.#isHeldBack = this.#allowance < 1;
    if (this.#isHeldBack) return 'pending';
    let emitted = 0;
    const counting: SourceOutput<T> = {
      emit: (value, timestamp) => {
        emitted++;
        output.emit(value, timestamp);
      },
      isAvailable: () => output.isAvailable(),
    };
    const status = this.#inner.poll(counting, Math.min(recordsMax, Math.floor(this.#allowance)));
    this.#allowance -= emitted;
    return status;
  }

  whenAvailable(): Promise<void> {
    if (!this.#isHeldBack) return this.#inner.whenAvailable();
    const waitMs = Math.max(1, Math.ceil((1 - this.#allowance) / this.#recordsPerMs));
    return new Promise((resolve) => {
      this.#wake();
      this.#release = resolve;
      this.#timer = this.#clock.setTimer(waitMs, () => this.#wake());
    });
  }

  position(): unknown {
    return this.#inner.position();
  }

  close(): void | Promise<void> {
    this.#wake();
    return this.#inner.close();
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    const burst = Math.max(1, this.#recordsPerMs * 1_000);
    this.#allowance = Math.min(burst, this.#allowance + (now - this.#filledAt) * this.#recordsPerMs);
    this.#filledAt = now;
  }

  #wake(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}
