/**
 * What happens to a record where time begins: it gets its timestamp, and time learns of it.
 *
 * TG1  A timestamp that is no number, or beyond the largest whole number, fails the task by the operator's name.
 */
import { MillraceError } from '../../core/errors.js';
import { maxWatermark, noTimestamp } from '../contracts.js';
import type { RecordStage } from '../fusion/record-stage.js';
import type { TimeAssignment } from './time-assignment.js';
import type { TrackerSeat } from './tracker-seat.js';

export interface TimestampStageOptions {
  readonly assignment: TimeAssignment;
  readonly seat: TrackerSeat;
}

/** As a stage; `stamp` does the same where code may not be made. */
export function timestampStage({ assignment, seat }: TimestampStageOptions): RecordStage {
  const { assign, generator, idleAfterMs } = assignment;
  const code = [
    ...(assign === undefined
      ? []
      : [
          'timestamp = $assign(value, timestamp);',
          `if (typeof timestamp !== 'number' || !(timestamp >= ${noTimestamp} && timestamp <= ${maxWatermark})) $refuse(timestamp);`,
        ]),
    ...(idleAfterMs === undefined ? [] : ['$cell[1] += 1;']),
    ...(generator.kind === 'bounded-out-of-orderness' ? ['if (timestamp > $cell[0]) $cell[0] = timestamp;'] : []),
    ...(generator.kind === 'custom' ? ['$seat.onEvent(value, timestamp);'] : []),
  ];
  return { code: code.join(' '), uses: { assign, refuse, seat, cell: seat.cell } };
}

/** Makes the timestamp of a record, and lets time learn of it. */
export function timestampFunction({ assignment, seat }: TimestampStageOptions): (value: unknown, timestamp: number) => number {
  const { assign, generator, idleAfterMs } = assignment;
  const { cell } = seat;
  return (value, recordTimestamp) => {
    const timestamp = assign === undefined ? recordTimestamp : assign(value, recordTimestamp);
    if (typeof timestamp !== 'number' || !(timestamp >= noTimestamp && timestamp <= maxWatermark)) refuse(timestamp);
    if (idleAfterMs !== undefined) cell[1] = (cell[1] as number) + 1;
    if (generator.kind === 'bounded-out-of-orderness' && timestamp > (cell[0] as number)) cell[0] = timestamp;
    if (generator.kind === 'custom') seat.onEvent(value, timestamp);
    return timestamp;
  };
}

function refuse(timestamp: unknown): never {
  throw new MillraceError('TIMESTAMP_INVALID', `The timestamp assigner returned ${shown(timestamp)}.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Return milliseconds since 1970 as a number, or noTimestamp: Date.parse(…) of a malformed date is NaN.',
  });
}

const shown = (value: unknown): string =>
  typeof value === 'object' ? `a ${value === null ? 'null' : 'value that is no number'}` : String(value);
