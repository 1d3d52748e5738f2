/** Where the event time of a task stands, for people who ask why nothing happens: one entry a timeline. */
import type { TaskTimeReport } from '../../bus/protocol/event-times.js';
import { maxWatermark, minWatermark } from '../contracts.js';
import type { TimeHolders } from '../time/time-origin.js';
import type { Timeline } from './timeline.js';

const nothing: TimeHolders = { heldBy: null, idle: 0, finished: 0 };

/** `input` says what holds what comes in; of a source without a strategy, that there is none. */
export function timeReport(timelines: readonly Timeline[], input: () => TimeHolders): TaskTimeReport[] {
  return timelines.flatMap((line) => {
    const [first] = line.operators;
    if (first === undefined) return [];
    const { watermark, since, isIdle, origin, restored } = line;
    const holders = watermark === maxWatermark ? nothing : origin === undefined ? input() : origin.holders();
    return [
      {
        operatorId: first.descriptor.id,
        watermark: watermark === minWatermark ? null : watermark,
        since,
        isIdle,
        ...(restored !== undefined && restored.watermark === watermark ? { restoredFrom: restored.checkpointId } : {}),
        ...holders,
        nextTimers: line.operators.flatMap(({ descriptor: { id }, keyed }) => {
          const at = keyed?.nextTimer('event');
          return at === undefined ? [] : [{ operatorId: id, at }];
        }),
      },
    ];
  });
}
