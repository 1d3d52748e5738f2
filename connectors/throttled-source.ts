/**
 * Holds any source back to a rate: for demonstrations and tests that have to last.
 *
 * TH1  All readers together emit at most `recordsPerSecond`, in the long run; a reader that was held up catches up by
 *      at most one second's worth.
 */
import type { Clock, TimerHandle } from '../core/ports.js';
import type { OperatorContext, PollStatus, Source, SourceOutput, SourceReader, Split } from '../dataflow/contracts.js';
import { ConnectorOptions, shown } from './connector-options.js';

export interface ThrottleOptions {
  /** Of all readers together. */
  readonly recordsPerSecond: number;
}

/** The same source, slower. The rate is no part of the job's fingerprint. */
export function throttled<T>(source: Source<T>, options: ThrottleOptions): Source<T> {
  const { recordsPerSecond } = options;
  if (!(recordsPerSecond > 0))
    throw new ConnectorOptions('throttled').invalid(`recordsPerSecond is ${shown(recordsPerSecond)}.`, 'Give a number above 0.');
  const allowances = new WeakMap<OperatorContext, Allowance>();
  return {
    ...source,
    enumerate: (context) => source.enumerate(context),
    createReader(context) {
      const allowance = allowances.get(context) ?? new Allowance(recordsPerSecond / context.task.parallelism, context.clock);
      allowances.set(context, allowance);
      return new ThrottledReader(source.createReader(context), allowance, context.clock);
    },
  };
}

/** What the readers of one subtask may emit together. */
class Allowance {
  readonly #recordsPerMs: number;
  readonly #clock: Clock;
  #records = 1;
  #filledAt: number;

  constructor(recordsPerSecond: number, clock: Clock) {
    this.#recordsPerMs = recordsPerSecond / 1_000;
    this.#clock = clock;
    this.#filledAt = clock.monotonic();
  }

  /** Records that may be emitted now. */
  get records(): number {
    const now = this.#clock.monotonic();
    const burst = Math.max(1, this.#recordsPerMs * 1_000);
    this.#records = Math.min(burst, this.#records + (now - this.#filledAt) * this.#recordsPerMs);
    this.#filledAt = now;
    return Math.floor(this.#records);
  }

  /** Until there is one more, if nobody else takes it. */
  get waitMs(): number {
    return Math.max(1, Math.ceil((1 - this.#records) / this.#recordsPerMs));
  }

  take(records: number): void {
    this.#records -= records;
  }
}

class ThrottledReader<T> implements SourceReader<T> {
  readonly #inner: SourceReader<T>;
  readonly #allowance: Allowance;
  readonly #clock: Clock;
  #isHeldBack = false;
  #timer: TimerHandle | undefined;
  #release: (() => void) | undefined;

  constructor(inner: SourceReader<T>, allowance: Allowance, clock: Clock) {
    this.#inner = inner;
    this.#allowance = allowance;
    this.#clock = clock;
  }

  start(split: Split, position: unknown): void | Promise<void> {
    return this.#inner.start(split, position);
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    const allowed = this.#allowance.records;
    this.#isHeldBack = allowed < 1;
    if (this.#isHeldBack) return 'pending';
    let emitted = 0;
    const counting: SourceOutput<T> = {
      emit: (value, timestamp) => {
        emitted++;
        output.emit(value, timestamp);
      },
      isAvailable: () => output.isAvailable(),
      time: output.time,
    };
    const status = this.#inner.poll(counting, Math.min(recordsMax, allowed));
    this.#allowance.take(emitted);
    return status;
  }

  whenAvailable(): Promise<void> {
    if (!this.#isHeldBack) return this.#inner.whenAvailable();
    return new Promise((resolve) => {
      this.#wake();
      this.#release = resolve;
      this.#timer = this.#clock.setTimer(this.#allowance.waitMs, () => this.#wake());
    });
  }

  position(): unknown {
    return this.#inner.position();
  }

  close(): void | Promise<void> {
    this.#wake();
    return this.#inner.close();
  }

  #wake(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}
