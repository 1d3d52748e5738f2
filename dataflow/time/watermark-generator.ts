/**
 * What users write to say how event time passes: where the timestamp of a record comes from, and how far it has come.
 *
 * A watermark `t` says: no record with a timestamp of `t` or less is expected any more. All times are milliseconds.
 */

/**
 * Makes the timestamp of a record, in milliseconds. `recordTimestamp` is the one the record already has, or `noTimestamp`.
 * Called once a record; must be pure.
 */
export type TimestampAssigner<T> = (value: T, recordTimestamp: number) => number;

/** Takes what a generator says. */
export interface WatermarkOutput {
  /** Time has come to `time`; one that is not above the last is ignored. Ends idleness. */
  emitWatermark(time: number): void;
  /** No records are expected for now: others need not wait for these. */
  markIdle(): void;
  /** Records are expected again. */
  markActive(): void;
}

/** Watches the records of one split, or of one subtask, and says how far time has come. */
export interface WatermarkGenerator<T> {
  /** Called for every record, with its timestamp. A watermark emitted here follows the record. */
  onEvent?(value: T, timestamp: number, output: WatermarkOutput): void;
  /** Called every `pipeline.auto-watermark-interval`, also when no record came. */
  onPeriodicEmit?(output: WatermarkOutput): void;
}
