/** What a watermark strategy comes to, once its durations are read. */
import type { TimestampAssigner, WatermarkGenerator } from './watermark-generator.js';

export type GeneratorChoice<T> =
  | { readonly kind: 'none' }
  /** The watermark stays this far, and a millisecond, behind the highest timestamp. */
  | { readonly kind: 'bounded-out-of-orderness'; readonly delayMs: number }
  /** Makes one for each split, or each subtask. */
  | { readonly kind: 'custom'; readonly create: () => WatermarkGenerator<T> };

/** Readers of a group wait for each other, so that none is ahead of the slowest by more than `maxDriftMs` of event time. */
export interface AlignmentSettings {
  readonly group: string;
  readonly maxDriftMs: number;
  readonly updateIntervalMs: number;
}

/** Of a source that says itself how far time has come. */
export const timeOfSource: TimeAssignment = {
  assign: undefined,
  generator: { kind: 'custom', create: () => ({}) },
  idleAfterMs: undefined,
  alignment: undefined,
};

/** How records get their timestamps, and time its watermarks. */
export interface TimeAssignment<T = unknown> {
  /** Undefined: records keep the timestamps they have. */
  readonly assign: TimestampAssigner<T> | undefined;
  readonly generator: GeneratorChoice<T>;
  /** Without a record for so long, others do not wait. */
  readonly idleAfterMs: number | undefined;
  readonly alignment: AlignmentSettings | undefined;
}
