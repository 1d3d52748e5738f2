/** Reports of the tasks of a slot, in parts that a message holds each: `limits.reportNumbersMax`. */
import type { TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { AttemptId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';

export interface TaskReport {
  readonly attemptId: AttemptId;
  readonly metrics: TaskMetrics;
}

/** What a report takes beside its histograms, in numbers: counters, and a few channels. */
const numbersOfCounters = 128;
/** What a histogram takes beside its buckets: three ids. */
const numbersOfIds = 24;

/** At least one report a part; no parts without reports. */
export function partsOf(reports: readonly TaskReport[]): readonly (readonly TaskReport[])[] {
  const parts: TaskReport[][] = [];
  let left = 0;
  for (const report of reports) {
    const numbers = numbersOf(report.metrics);
    const part = parts.at(-1);
    if (part !== undefined && numbers <= left) part.push(report);
    else {
      parts.push([report]);
      left = limits.reportNumbersMax;
    }
    left -= numbers;
  }
  return parts;
}

function numbersOf({ latencies = [] }: TaskMetrics): number {
  return latencies.reduce((sum, { buckets }) => sum + numbersOfIds + buckets.length, numbersOfCounters);
}
