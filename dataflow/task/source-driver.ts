/**
 * The head of a source task: asks for splits, reads them, and knows its position in each.
 *
 * SD1  A split is read by one reader from the position of the checkpoint; splits of the checkpoint come before new ones.
 * SD2  At most one request for a split is under way.
 * SD3  The state between two records holds exactly the records emitted so far.
 * SD4  Splits are read one after another; those of a source whose splits may never end side by side, in turn, as many as
 *      there are for this subtask: one that has nothing to emit holds none of the others up.
 */
import type { Clock } from '../../core/ports.js';
import { readsSideBySide, type OperatorContext, type Source, type SourceOutput, type SourceReader, type Split } from '../contracts.js';
import { functionError } from '../operators/user-error.js';
import type { SplitSource, SplitTimeReport } from '../task-runtime.js';
import type { ChainedOperator } from './chained-operator.js';
import type { SourceTime } from './source-time.js';
import { SplitTimes } from './split-times.js';
import { fromSourceRecord, toSourceRecord, type SourceReaderRecord, type SplitInProgress } from './source-state.js';
import type { CallingOperator, UserCall, UserCalls } from './user-calls.js';

export interface SourceDriverOptions {
  readonly source: Source<unknown>;
  readonly output: SourceOutput<unknown>;
  readonly context: OperatorContext;
  readonly requestSplit: () => Promise<Split | undefined>;
  /** Of a source with a watermark strategy. */
  readonly time?: SourceTime | undefined;
  readonly times?: SplitTimes | undefined;
  readonly calls: Pick<UserCalls, 'wait'>;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

/** `waiting`: `wake` will be called; `end`: every split of this subtask is read and there are no more. */
export type SourceStep = 'progress' | 'waiting' | 'end';

/** A split that is being read. */
interface SplitReading {
  readonly split: Split;
  readonly reader: SourceReader<unknown>;
  /** What to start from; the reader knows better once it started. */
  readonly startedAt: unknown;
  isStarted: boolean;
  /** The reader will say when it goes on. */
  isWaiting: boolean;
}

export interface DrivenSource extends Pick<SourceDriverOptions, 'source' | 'output' | 'time' | 'calls' | 'wake' | 'fail'> {
  /** The source, as the operator that it is. */
  readonly head: Pick<ChainedOperator, 'context' | 'descriptor'>;
  readonly splitSource: SplitSource;
  readonly clock: Clock;
}

/** The driver of the source at the head of a chain. */
export function driveSource({ head, splitSource, clock, ...options }: DrivenSource): SourceDriver {
  const { id } = head.descriptor;
  const { discoveryIntervalMs } = options.source;
  const { time, wake, fail } = options;
  const exchange = (report?: SplitTimeReport) => splitSource.exchangeTime(id, report);
  const times =
    time && new SplitTimes({ clock, isOpen: discoveryIntervalMs !== undefined, alignment: time.alignment, time, exchange, wake, fail });
  if (times !== undefined) time?.follow(times);
  const isShare = readsSideBySide(options.source);
  const requestSplit = () => splitSource.requestSplit(id, { isShare, askAgainMs: discoveryIntervalMs });
  return new SourceDriver({ ...options, times, context: head.context, requestSplit });
}

/** Drives the readers of one source subtask; see the head of this file. */
export class SourceDriver {
  readonly #options: SourceDriverOptions;
  readonly #isSideBySide: boolean;
  readonly #finished: string[] = [];
  /** From the checkpoint, still to be read. */
  readonly #restored: SplitInProgress[] = [];
  readonly #readings: SplitReading[] = [];
  /** Readers without a split. */
  readonly #spare: SourceReader<unknown>[] = [];
  /** Which reading is looked at first. */
  #turn = 0;
  #isAsking = false;
  #hasNoMore = false;
  #isClosed = false;

  constructor(options: SourceDriverOptions) {
    this.#options = options;
    this.#isSideBySide = readsSideBySide(options.source);
    for (const value of options.context.restored ?? []) {
      const state = fromSourceRecord(value);
      this.#finished.push(...state.finished);
      this.#restored.push(...state.unfinished);
      for (const _ of state.finished) options.time?.addFinished();
    }
    for (const { split, highest } of this.#restored) options.time?.add(split.id, highest);
    this.#spare.push(options.source.createReader(options.context));
  }

  /** The task runs; what makes its time, null when nothing does. */
  start(): SourceTime | null {
    this.#options.times?.start();
    return this.#options.time ?? null;
  }

  /** Emits at most `recordsMax` records, or starts what must happen before it can. */
  step(recordsMax: number): SourceStep {
    if (this.#mayTake) this.#take();
    const reading = this.#nextReading();
    if (reading !== undefined) return this.#poll(reading, recordsMax);
    if (this.#mayTake && this.#restored.length > 0) return 'progress';
    if (this.#readings.length > 0 || this.#isAsking || !this.#hasNoMore) return 'waiting';
    this.#options.times?.end();
    return 'end';
  }

  /** SD3. Call between records. */
  snapshot(): SourceReaderRecord {
    const read = this.#readings.map(({ split, reader, startedAt, isStarted }) => ({
      split,
      position: isStarted ? reader.position() : startedAt,
    }));
    const highestOf = ({ id }: Split): number | undefined => this.#options.time?.highestOf(id);
    return toSourceRecord({
      finished: [...this.#finished],
      unfinished: [...read, ...this.#restored].map(({ split, position }) => ({ split, position, highest: highestOf(split) })),
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.times?.stop();
    const readers = [...this.#spare, ...this.#readings.map(({ reader }) => reader)];
    await Promise.all(
      readers.map(async (reader) => {
        const closing = reader.close();
        if (closing !== undefined) await this.#called('close', closing);
      }),
    );
  }

  #called<T>(call: UserCall, settled: Promise<T>, of?: string): Promise<T> {
    const by: CallingOperator = { name: this.#options.context.operatorName, kind: 'source' };
    return this.#options.calls.wait(by, call, settled, of);
  }

  /** SD4. */
  get #mayTake(): boolean {
    return this.#isSideBySide || this.#readings.length === 0;
  }

  /** Starts a split of the checkpoint, else asks for one (SD1, SD2). */
  #take(): void {
    const restored = this.#restored.shift();
    if (restored !== undefined) return this.#start(restored.split, restored.position);
    if (this.#isAsking || this.#hasNoMore) return;
    this.#isAsking = true;
    this.#await(this.#options.requestSplit(), (split) => {
      this.#isAsking = false;
      if (split === undefined) this.#hasNoMore = true;
      else this.#start(split, undefined);
      this.#options.times?.splitsMoved();
    });
  }

  #nextReading(): SplitReading | undefined {
    const readings = this.#readings;
    const { times } = this.#options;
    for (let count = readings.length; count > 0; count -= 1) {
      const reading = readings[this.#turn] as SplitReading;
      this.#turn = (this.#turn + 1) % readings.length;
      if (reading.isStarted && !reading.isWaiting && times?.isAhead(reading.split.id) !== true) return reading;
    }
    return undefined;
  }

  #poll(reading: SplitReading, recordsMax: number): SourceStep {
    const { reader, split } = reading;
    this.#options.time?.read(split.id);
    let status: ReturnType<SourceReader<unknown>['poll']>;
    try {
      status = reader.poll(this.#options.output, recordsMax);
    } catch (error) {
      // Operators behind the source have named themselves.
      throw functionError(this.#options.context.operatorName, error);
    }
    if (status === 'split-finished') this.#finish(reading);
    if (status !== 'pending') return 'progress';
    reading.isWaiting = true;
    this.#await(reader.whenAvailable(), () => {
      reading.isWaiting = false;
    });
    return this.#readings.length === 1 && this.#restored.length === 0 ? 'waiting' : 'progress';
  }

  #finish(reading: SplitReading): void {
    const { id } = reading.split;
    this.#finished.push(id);
    this.#options.time?.finish(id);
    this.#readings.splice(this.#readings.indexOf(reading), 1);
    this.#turn = 0;
    this.#spare.push(reading.reader);
  }

  #start(split: Split, position: unknown): void {
    const { source, context, time } = this.#options;
    time?.add(split.id);
    let started: void | Promise<void>;
    let reading: SplitReading;
    try {
      const reader = this.#spare.pop() ?? source.createReader(context);
      reading = { split, reader, startedAt: position, isStarted: false, isWaiting: false };
      this.#readings.push(reading);
      started = reader.start(split, position);
    } catch (error) {
      throw functionError(context.operatorName, error);
    }
    const begin = (): void => {
      reading.isStarted = true;
      time?.begin(split.id);
    };
    if (started === undefined) begin();
    else this.#await(this.#called('start', started, split.id), begin);
  }

  #await<T>(promise: Promise<T>, then: (value: T) => void): void {
    promise.then(
      (value) => {
        if (this.#isClosed) return;
        try {
          then(value);
        } catch (error) {
          this.#fail(error);
        }
        this.#options.wake();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    if (!this.#isClosed) this.#options.fail(functionError(this.#options.context.operatorName, error));
  }
}
