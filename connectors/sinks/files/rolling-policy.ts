/**
 * When a file of a file sink is ended and another one begun.
 */
import { parseDuration, type Duration } from '../../../core/quantities.js';

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

/** Throws a TypeError on bounds that are none. */
export function rollingBounds(policy: RollingPolicy): RollingBounds {
  const { onCheckpoint = true, sizeBytes = sizeBytesDefault, age = timeDefault, inactivity = timeDefault } = policy;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) throw new TypeError(`rolling.sizeBytes is ${sizeBytes}: give a number of bytes`);
  return { onCheckpoint, sizeBytes, ageMs: toMs(age, 'age'), inactivityMs: toMs(inactivity, 'inactivity') };
}

function toMs(duration: Duration, name: string): number {
  const ms = parseDuration(duration);
  if (ms !== undefined) return ms;
  throw new TypeError(`rolling.${name} is ${JSON.stringify(duration)}: give milliseconds, or text such as "10 s"`);
}
