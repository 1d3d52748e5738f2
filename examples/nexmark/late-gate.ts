/**
 * Decides, next to a source, which events are late.
 *
 * LG1  An event is late iff its time is at most the largest time its split gave before it, less the delay. The first event
 *      of a split never is, and a late one does not raise the largest time.
 * LG2  That depends on the split and its order alone: not on parallelism, on watermarks, or on what failed meanwhile. The
 *      largest time is part of the split's position in a checkpoint.
 * LG3  Late events go to the side output `lateEvents` and nowhere else. An event that passes is ahead of every watermark
 *      that waits for the same delay, so no operator behind the gate ever finds one late.
 */
import { noTimestamp, outputTag } from 'millrace';
import type { Emit, OperatorContext, PollStatus, SingleOutputStream, Source, SourceOutput, SourceReader, Split } from 'millrace';

interface Timed {
  readonly dateTime: number;
}

interface GatePosition {
  readonly inner: unknown;
  /** Largest time so far; null before the first event. */
  readonly latest: number | null;
}

export const lateEvents = outputTag<Timed>('late-events');

/** The source without its late events. */
export function withoutLateEvents<T extends Timed>(source: Source<T>, delayMs: number): Source<T> {
  return {
    ...source,
    data: { ...(source.data as object | undefined), lateBehindMs: delayMs },
    enumerate: (context) => source.enumerate(context),
    createReader: (context) => new GatedReader(source.createReader(context), delayMs, context),
  };
}

/** Counts them, each once, in the accumulator `numLateRecordsDropped` of the job's result. */
export function countLateEvents<T>(source: SingleOutputStream<T>): void {
  source
    .getSideOutput(lateEvents)
    .process((runtime) => {
      const dropped = runtime.longCounter('numLateRecordsDropped');
      return { processElement: () => dropped.add() };
    })
    .name('Count late events');
}

class GatedReader<T extends Timed> implements SourceReader<T> {
  readonly #inner: SourceReader<T>;
  readonly #delayMs: number;
  readonly #toLate: Emit<unknown>;
  #latest = -Infinity;
  /** What the inner reader emits to, and what that is for. */
  #gate: SourceOutput<T> | undefined;
  #outer: SourceOutput<T> | undefined;

  constructor(inner: SourceReader<T>, delayMs: number, context: OperatorContext) {
    this.#inner = inner;
    this.#delayMs = delayMs;
    this.#toLate = context.sideOutput(lateEvents.id);
  }

  start(split: Split, position: unknown): void | Promise<void> {
    const { inner, latest } = (position as GatePosition | undefined) ?? { inner: undefined, latest: null };
    this.#latest = latest ?? -Infinity;
    return this.#inner.start(split, inner);
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    if (this.#gate === undefined || this.#outer !== output) {
      this.#outer = output;
      this.#gate = this.#gateTo(output);
    }
    return this.#inner.poll(this.#gate, recordsMax);
  }

  whenAvailable(): Promise<void> {
    return this.#inner.whenAvailable();
  }

  position(): GatePosition | undefined {
    const inner = this.#inner.position();
    const latest = this.#latest === -Infinity ? null : this.#latest;
    return inner === undefined && latest === null ? undefined : { inner, latest };
  }

  close(): void | Promise<void> {
    return this.#inner.close();
  }

  #gateTo(output: SourceOutput<T>): SourceOutput<T> {
    return {
      isAvailable: () => output.isAvailable(),
      emit: (event, timestamp) => {
        const { dateTime } = event;
        if (dateTime > this.#latest) this.#latest = dateTime;
        else if (dateTime <= this.#latest - this.#delayMs) {
          this.#toLate(event, noTimestamp);
          return;
        }
        output.emit(event, timestamp);
      },
    };
  }
}
