/**
 * The generator as a source.
 *
 * GS1  The state of a split is its next position; a reader goes on from there with the same events.
 * GS2  With `pace`, an event is emitted no earlier than its place in event time after the start; a reader that goes on
 *      after a failure counts from where it stands.
 */
import type { AuctionEvent } from '../events.js';
import type { OperatorContext, PollStatus, Source, SourceOutput, SourceReader, Split } from 'millrace';
import { eventAt, firstPosition, nextPosition } from './emission-order.js';
import { EventMaker } from './event-maker.js';
import { checkGeneratorOptions, type GeneratorOptions } from './options.js';

interface GeneratorSplit {
  readonly index: number;
  readonly splits: number;
}

/** Events that are made, not read. None is late behind a watermark that waits for `watermarkDelayMs`. */
export function generatorSource(given: Partial<GeneratorOptions>, watermarkDelayMs: number): Source<AuctionEvent> {
  const options = checkGeneratorOptions(given, watermarkDelayMs);
  return {
    name: 'auction events',
    boundedness: 'bounded',
    data: { ...options, splits: options.splits ?? null },
    enumerate: ({ parallelism }) => {
      const splits = options.splits ?? parallelism;
      return Promise.resolve(
        Array.from({ length: splits }, (_, index) => ({ id: `${index} of ${splits}`, data: { index, splits } satisfies GeneratorSplit })),
      );
    },
    createReader: (context) => new GeneratorReader(options, context),
  };
}

class GeneratorReader implements SourceReader<AuctionEvent> {
  readonly #options: GeneratorOptions;
  readonly #clock: OperatorContext['clock'];
  readonly #maker: EventMaker;
  #next = 0;
  #splits = 1;
  /** On the monotonic clock, when the event at `baseTime` was due. */
  #startedAt: number | undefined;
  #wake: (() => void) | undefined;

  constructor(options: GeneratorOptions, { clock }: OperatorContext) {
    this.#options = options;
    this.#clock = clock;
    this.#maker = new EventMaker(options);
  }

  start(split: Split, position: unknown): void {
    const { index, splits } = split.data as GeneratorSplit;
    this.#splits = splits;
    this.#next = (position as number | undefined) ?? firstPosition(index);
    this.#startedAt ??= this.#clock.monotonic() - (position === undefined ? 0 : this.#placeOf(this.#next));
  }

  poll(output: SourceOutput<AuctionEvent>, recordsMax: number): PollStatus {
    const { events, outOfOrderGroupSize, pace } = this.#options;
    const maker = this.#maker;
    const splits = this.#splits;
    const until = pace ? this.#clock.monotonic() - (this.#startedAt as number) : Infinity;
    let next = this.#next;
    let isEarly = false;
    for (let count = 0; count < recordsMax && next < events && output.isAvailable(); count += 1) {
      if (pace && (isEarly = this.#placeOf(next) > until)) break;
      const event = maker.make(eventAt(next, outOfOrderGroupSize));
      next = nextPosition(next, splits);
      output.emit(event, event.dateTime);
    }
    this.#next = next;
    if (next >= events) return 'split-finished';
    return isEarly ? 'pending' : 'more';
  }

  whenAvailable(): Promise<void> {
    const waitMs = this.#placeOf(this.#next) - (this.#clock.monotonic() - (this.#startedAt as number));
    if (!this.#options.pace || waitMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(Math.ceil(waitMs), resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  position(): number {
    return this.#next;
  }

  close(): void {
    this.#wake?.();
  }

  /** Milliseconds of event time from `baseTime` to the event at a position. */
  #placeOf(position: number): number {
    return this.#maker.timeOf(eventAt(position, this.#options.outOfOrderGroupSize)) - this.#options.baseTime;
  }
}
