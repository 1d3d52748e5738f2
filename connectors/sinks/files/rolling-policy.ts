/**
 * When a file of a file sink is ended and another one begun.
 */
import type { Duration } from '../../../core/quantities.js';
import type { ConnectorOptions } from '../../connector-options.js';

export interface RollingPolicy {
  /**
   * Every file ends with each checkpoint, and readers see it when the checkpoint completed (default). False: a file grows
   * over several checkpoints, until one of the following ends it; then readers see it later.
   */
  readonly onCheckpoint?: boolean;
  /** A file ends with the record that brings it to so many bytes; default 128 MiB. */
  readonly sizeBytes?: number;
  /** A file ends with the first checkpoint after it has been written for so long; default 1 min, without `onCheckpoint`. */
  readonly age?: Duration;
  /** A file ends with the first checkpoint after so long without a record; default 1 min, without `onCheckpoint`. */
  readonly inactivity?: Duration;
}

/** A policy with everything said: what is not asked for is infinite. */
export interface RollingBounds {
  readonly onCheckpoint: boolean;
  readonly sizeBytes: number;
  readonly ageMs: number;
  readonly inactivityMs: number;
}

const sizeBytesDefault = 128 * 1024 * 1024;
const timeDefault: Duration = '1 min';

/** Bounds that are none are refused (CO1). */
export function rollingBounds(given: ConnectorOptions, policy: RollingPolicy): RollingBounds {
  const { onCheckpoint = true, sizeBytes = sizeBytesDefault, age = timeDefault, inactivity = timeDefault } = policy;
  return {
    onCheckpoint,
    sizeBytes: given.wholeNumber('rolling.sizeBytes', sizeBytes),
    ageMs: given.duration('rolling.age', age),
    inactivityMs: given.duration('rolling.inactivity', inactivity),
  };
}
