/** What is refused of the times of records. */
import { MillraceError } from '../../core/errors.js';
import { maxWatermark } from '../contracts.js';

/** A record in a window of event time has no event time. */
export function timestampMissing(operatorName: string): MillraceError {
  return new MillraceError('WINDOW_TIMESTAMP_MISSING', 'A record without a timestamp reached a window in event time.', {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'Assign timestamps with a watermark strategy before the window, or use windows in processing time.',
  });
}

/** Refuses gaps that make no window. */
export function checkedGap(gap: number, operatorName: string): number {
  if (typeof gap === 'number' && gap > 0 && gap <= maxWatermark) return gap;
  throw new MillraceError('WINDOW_GAP_INVALID', `The gap of a session cannot be ${String(gap)} ms.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'Return a number of milliseconds above 0.',
  });
}
