/**
 * Where the event time of a job stands, on a terminal: a line for each operator that has come to a time or waits for one.
 * Jobs without event time have none.
 */
import type { OperatorTime } from '../../bus/protocol/event-times.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';

/** As in dataflow/contracts.ts: nothing follows. */
const end = Number.MAX_SAFE_INTEGER;

/** Nothing while no operator waits for a timer or has come to a time. `now` is the wall clock. */
export function eventTimeLines({ eventTimes = [] }: Pick<JobSummary, 'eventTimes'>, now: number): readonly string[] {
  const told = eventTimes.filter(({ watermark, nextTimer }) => nextTimer !== null || (watermark !== null && watermark !== end));
  if (told.length === 0) return [];
  return ['event time:', ...told.map((time) => `  ${time.operator}  ${stand(time, now)}`)];
}

function stand({ watermark, since, isIdle, restoredFrom, heldBy, idle, finished, nextTimer, task }: OperatorTime, now: number): string {
  const at = watermark === null ? 'no watermark yet' : shown(watermark);
  const parts = [
    `${at} for ${Math.max(0, Math.round((now - since) / 1_000))} s`,
    ...(restoredFrom === undefined ? [] : [`restored from checkpoint ${restoredFrom}`]),
    ...(heldBy.length === 0 ? [] : [`${task} is held by ${heldBy.join(' ← ')}`]),
    ...(isIdle ? ['idle'] : []),
    ...(idle > 0 ? [`${idle} idle`] : []),
    ...(finished > 0 ? [`${finished} at their end`] : []),
    ...(nextTimer === null ? [] : [`next timer ${shown(nextTimer)}`]),
  ];
  return parts.join(', ');
}

/** As a date where it is one. */
function shown(time: number): string {
  if (time === end) return 'the end';
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}
