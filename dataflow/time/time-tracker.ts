/**
 * How far the event time of one split, or of one subtask, has come.
 *
 * TR1  The watermark never falls, and is never the largest time there is: only the end of input is that.
 * TR2  Idle after `idleAfterMs` without a record, as seen at periodic emissions, by a clock that stands still while the
 *      task is held back (Flink's relative clock): records that could not come are not missed.
 * TR3  A tracker that is made from what `highest` said goes on from the same watermark.
 */
import { MillraceError } from '../../core/errors.js';
import { maxWatermark, minWatermark, noTimestamp } from '../contracts.js';
import type { TimeAssignment } from './time-assignment.js';
import type { WatermarkGenerator, WatermarkOutput } from './watermark-generator.js';

export interface TimeTrackerOptions extends Pick<TimeAssignment, 'generator' | 'idleAfterMs'> {
  /** What a former tracker said (TR3). */
  readonly highest?: number | undefined;
  /** A watermark was emitted for a record: it is to be handed on before the next one. */
  readonly onDue?: () => void;
}

function checked(generator: unknown): WatermarkGenerator<unknown> {
  if (typeof generator === 'object' && generator !== null) return generator;
  throw new MillraceError('GENERATOR_INVALID', `forGenerator's function returned ${String(generator)} instead of a watermark generator.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Return an object with onEvent or onPeriodicEmit.',
  });
}

/** See the head of this file. */
export class TimeTracker implements WatermarkOutput {
  /** The highest timestamp seen; of custom generators the last watermark. */
  highest: number;
  /** Records seen, if idleness is asked for. */
  records = 0;
  readonly #options: TimeTrackerOptions;
  readonly #custom: WatermarkGenerator<unknown> | undefined;
  #watermark: number = minWatermark;
  #isMarkedIdle = false;
  #isQuiet = false;
  #quietSince: number | undefined;
  #recordsBefore = 0;

  constructor(options: TimeTrackerOptions) {
    const { generator, highest = noTimestamp } = options;
    this.#options = options;
    this.highest = highest;
    if (generator.kind !== 'custom') return;
    this.#custom = checked(generator.create());
    if (highest > minWatermark) this.#watermark = highest;
  }

  /** The last one made; `current` looks at the records since, too. */
  get watermark(): number {
    return this.#watermark;
  }

  get isIdle(): boolean {
    return this.#isMarkedIdle || this.#isQuiet;
  }

  /** Of custom generators: a record came. */
  onEvent(value: unknown, timestamp: number): void {
    const before = this.#watermark;
    this.#custom?.onEvent?.(value, timestamp, this);
    if (this.#watermark > before) this.#options.onDue?.();
  }

  /** Makes the watermark that is due. `now`: of the clock that stands still while the task is held back. */
  onPeriodicEmit(now: number): void {
    this.#lookForRecords(now);
    if (this.#isQuiet) return;
    if (this.#custom !== undefined) this.#custom.onPeriodicEmit?.(this);
    else this.advance();
  }

  /** Brings the watermark up to the records seen: no call of a custom generator. */
  advance(): number {
    const { generator } = this.#options;
    if (generator.kind === 'bounded-out-of-orderness' && this.highest > minWatermark) {
      this.emitWatermark(this.highest - generator.delayMs - 1);
    }
    return this.#watermark;
  }

  /** The reader was kept from reading: that is no lack of records. */
  excuse(): void {
    this.#quietSince = undefined;
  }

  emitWatermark(time: number): void {
    if (typeof time !== 'number' || Number.isNaN(time)) {
      throw new MillraceError('WATERMARK_INVALID', `A watermark generator emitted ${String(time)}.`, {
        domain: 'user',
        recovery: 'fail-job',
        hint: 'Emit milliseconds since 1970, as a number.',
      });
    }
    this.#isMarkedIdle = false;
    const bounded = Math.min(time, maxWatermark - 1);
    if (bounded <= this.#watermark) return;
    this.#watermark = bounded;
    if (this.#custom !== undefined) this.highest = bounded;
  }

  markIdle(): void {
    this.#isMarkedIdle = true;
  }

  markActive(): void {
    this.#isMarkedIdle = false;
  }

  /** TR2. */
  #lookForRecords(now: number): void {
    const { idleAfterMs } = this.#options;
    if (idleAfterMs === undefined) return;
    if (this.records !== this.#recordsBefore) {
      this.#recordsBefore = this.records;
      this.#quietSince = undefined;
      this.#isQuiet = false;
    } else if (this.#quietSince === undefined) this.#quietSince = now;
    else if (now - this.#quietSince >= idleAfterMs) this.#isQuiet = true;
  }
}
