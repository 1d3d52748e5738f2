/**
 * Reports of the tasks of a slot, in parts that a message holds each.
 *
 * RP1  A part takes at most `bytesMax`, as it travels: what is counted is what the codec writes.
 * RP2  A report that is larger by itself leaves out latencies: the first ones stay.
 */
import { encode } from '../../bus/codec/cbor.js';
import type { TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { AttemptId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';

export interface TaskReport {
  readonly attemptId: AttemptId;
  readonly metrics: TaskMetrics;
}

/** What reports in one message over such a bus may take. */
export function reportBytesOf(payloadBytesMax: number): number {
  return Math.min(limits.reportBytesMax, payloadBytesMax - limits.answerOverheadBytes);
}

/** At least one report a part; no parts without reports. */
export function partsOf(reports: readonly TaskReport[], bytesMax: number): readonly (readonly TaskReport[])[] {
  const parts: TaskReport[][] = [];
  let left = 0;
  for (const { attemptId, metrics } of reports) {
    const idBytes = encode({ attemptId, metrics: null }).length;
    const report = { attemptId, metrics: fittingMetrics(metrics, bytesMax - idBytes) };
    const bytes = idBytes + encode(report.metrics).length;
    const part = parts.at(-1);
    if (part !== undefined && bytes <= left) part.push(report);
    else {
      parts.push([report]);
      left = bytesMax;
    }
    left -= bytes;
  }
  return parts;
}

/** RP2. */
export function fittingMetrics(metrics: TaskMetrics, bytesMax: number): TaskMetrics {
  const { latencies, ...others } = metrics;
  if (latencies === undefined || encode(metrics).length <= bytesMax) return metrics;
  let left = bytesMax - encode({ ...others, latencies: [] }).length - listHeadBytes;
  const isRoomFor = (bytes: number): boolean => (left -= bytes) >= 0;
  return { ...others, latencies: latencies.filter((latency) => isRoomFor(encode(latency).length)) };
}

/** What the head of a list takes more when the list is long. */
const listHeadBytes = 4;
