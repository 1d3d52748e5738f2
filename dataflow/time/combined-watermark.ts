/**
 * Combines the watermarks of the inputs of an operator (Flink's CombinedWatermarkStatus).
 *
 * CW1  The lowest of the inputs that are neither idle nor finished; it never falls.
 * CW2  Idle when all unfinished inputs are: then time stands. MAX when all are finished.
 */
import { maxWatermark, minWatermark } from '../contracts.js';

/** What the time of one input has come to; the largest watermark says that it finished. */
export interface PartialTime {
  readonly watermark: number;
  readonly isIdle: boolean;
}

/** See the head of this file. */
export class CombinedWatermark {
  watermark: number = minWatermark;
  isIdle = false;

  /** Looks at all inputs again. Costs one pass over them. */
  update(inputs: Iterable<PartialTime>): void {
    let lowest: number = maxWatermark;
    let active = 0;
    let unfinished = 0;
    for (const { watermark, isIdle } of inputs) {
      if (watermark === maxWatermark) continue;
      unfinished += 1;
      if (isIdle) continue;
      active += 1;
      if (watermark < lowest) lowest = watermark;
    }
    if (unfinished > 0) this.isIdle = active === 0;
    if ((active > 0 || unfinished === 0) && lowest > this.watermark) this.watermark = lowest;
  }
}
