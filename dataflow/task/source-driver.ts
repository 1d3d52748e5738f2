/**
 * The head of a source task: asks for splits, reads them one at a time, and knows its position.
 *
 * SD1  A split is read by one reader from the position of the checkpoint; splits of the checkpoint come before new ones.
 * SD2  At most one request for a split is under way.
 * SD3  The state between two records holds exactly the records emitted so far.
 */
import type { Clock } from '../../core/ports.js';
import type { OperatorContext, Source, SourceOutput, SourceReader, Split } from '../contracts.js';
import { functionError } from '../operators/user-error.js';
import type { SplitSource, SplitTimeReport } from '../task-runtime.js';
import type { ChainedOperator } from './chained-operator.js';
import type { SourceTime } from './source-time.js';
import { SplitTimes } from './split-times.js';
import { fromSourceRecord, toSourceRecord, type SourceReaderRecord, type SplitInProgress } from './source-state.js';

export interface SourceDriverOptions {
  readonly source: Source<unknown>;
  readonly output: SourceOutput<unknown>;
  readonly context: OperatorContext;
  readonly requestSplit: () => Promise<Split | undefined>;
  /** Of a source with a watermark strategy. */
  readonly time?: SourceTime | undefined;
  readonly times?: SplitTimes | undefined;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

/** `waiting`: `wake` will be called; `end`: every split of this reader is read and there are no more. */
export type SourceStep = 'progress' | 'waiting' | 'end';

interface CurrentSplit {
  readonly split: Split;
  /** What to start from; the reader knows better once it started. */
  readonly startedAt: unknown;
  isStarted: boolean;
}

export interface DrivenSource extends Pick<SourceDriverOptions, 'source' | 'output' | 'time' | 'wake' | 'fail'> {
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
  const requestSplit = () => splitSource.requestSplit(id, discoveryIntervalMs);
  return new SourceDriver({ ...options, times, context: head.context, requestSplit });
}

/** Drives the reader of one source subtask; see the head of this file. */
export class SourceDriver {
  readonly #options: SourceDriverOptions;
  readonly #reader: SourceReader<unknown>;
  readonly #finished: string[] = [];
  /** From the checkpoint, still to be read. */
  readonly #restored: SplitInProgress[] = [];
  #current: CurrentSplit | undefined;
  #isWaiting = false;
  #hasNoMore = false;
  #isClosed = false;

  constructor(options: SourceDriverOptions) {
    this.#options = options;
    for (const value of options.context.restored ?? []) {
      const state = fromSourceRecord(value);
      this.#finished.push(...state.finished);
      if (state.current !== null) this.#restored.push(state.current);
      this.#restored.push(...state.waiting);
      for (const _ of state.finished) options.time?.addFinished();
    }
    for (const { split, highest } of this.#restored) options.time?.add(split.id, highest);
    this.#reader = options.source.createReader(options.context);
  }

  /** The task runs; what makes its time, null when nothing does. */
  start(): SourceTime | null {
    this.#options.times?.start();
    return this.#options.time ?? null;
  }

  /** Emits at most `recordsMax` records, or starts what must happen before it can. */
  step(recordsMax: number): SourceStep {
    if (this.#isWaiting) return 'waiting';
    const current = this.#current;
    if (current !== undefined) return this.#poll(current, recordsMax);
    const restored = this.#restored.shift();
    if (restored !== undefined) return this.#start(restored.split, restored.position);
    if (this.#hasNoMore) {
      this.#options.times?.end();
      return 'end';
    }
    this.#wait(this.#options.requestSplit(), (split) => {
      if (split === undefined) this.#hasNoMore = true;
      else this.#start(split, undefined);
      this.#options.times?.splitsMoved();
    });
    return 'waiting';
  }

  /** SD3. Call between records. */
  snapshot(): SourceReaderRecord {
    const current = this.#current;
    const position = current?.isStarted === true ? this.#reader.position() : current?.startedAt;
    const highestOf = ({ id }: Split): number | undefined => this.#options.time?.highestOf(id);
    return toSourceRecord({
      finished: [...this.#finished],
      current: current === undefined ? null : { split: current.split, position, highest: highestOf(current.split) },
      waiting: this.#restored.map((waiting) => ({ ...waiting, highest: highestOf(waiting.split) })),
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.times?.stop();
    await this.#reader.close();
  }

  #poll(current: CurrentSplit, recordsMax: number): SourceStep {
    const { time, times } = this.#options;
    time?.read(current.split.id);
    if (times?.isAhead === true) return 'waiting';
    let status: ReturnType<SourceReader<unknown>['poll']>;
    try {
      status = this.#reader.poll(this.#options.output, recordsMax);
    } catch (error) {
      // Operators behind the source have named themselves.
      throw functionError(this.#options.context.operatorName, error);
    }
    switch (status) {
      case 'more':
        return 'progress';
      case 'split-finished':
        this.#finished.push(current.split.id);
        time?.finish(current.split.id);
        this.#current = undefined;
        return 'progress';
      case 'pending':
        this.#wait(this.#reader.whenAvailable(), () => {});
        return 'waiting';
    }
  }

  #start(split: Split, position: unknown): SourceStep {
    const current: CurrentSplit = { split, startedAt: position, isStarted: false };
    this.#current = current;
    this.#options.time?.add(split.id);
    let started: void | Promise<void>;
    try {
      started = this.#reader.start(split, position);
    } catch (error) {
      throw functionError(this.#options.context.operatorName, error);
    }
    if (started === undefined) {
      current.isStarted = true;
      return 'progress';
    }
    this.#wait(started, () => {
      current.isStarted = true;
    });
    return 'waiting';
  }

  #wait<T>(promise: Promise<T>, then: (value: T) => void): void {
    this.#isWaiting = true;
    promise.then(
      (value) => {
        if (this.#isClosed) return;
        this.#isWaiting = false;
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
