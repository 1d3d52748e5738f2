/**
 * Latency markers of one task: a source sends them, every task counts and forwards them.
 *
 * LT1  A marker never overtakes a record, and no function sees one. It bypasses the operators of a chain, and leaves by one
 *      channel of each edge, drawn at random (Flink).
 * LT2  Markers are no state: a snapshot holds none, and none hold up a barrier, a watermark or the end.
 */
import type { TaskLatency } from '../../bus/protocol/messages/tasks.js';
import { assert } from '../../core/errors.js';
import type { Clock } from '../../core/ports.js';
import type { JobGraph, JobVertex } from '../../graph/types.js';
import type { LatencyMarker } from '../channels/elements.js';
import { LatencyStatistics } from './latency-statistics.js';
import { MarkerSchedule } from './marker-schedule.js';

export interface LatencyTrackingOptions {
  readonly jobGraph: JobGraph;
  readonly vertex: JobVertex;
  readonly subtaskIndex: number;
  readonly clock: Clock;
  readonly wake: () => void;
  readonly forward: (marker: LatencyMarker) => void;
}

/** See the head of this file. */
export class LatencyTracking {
  readonly #options: LatencyTrackingOptions;
  readonly #statistics: LatencyStatistics | undefined;
  #schedule: MarkerSchedule | undefined;

  constructor(options: LatencyTrackingOptions) {
    this.#options = options;
    const { jobGraph, vertex, clock } = options;
    const tracking = jobGraph.settings.latencyTracking;
    if (tracking === undefined) return;
    this.#statistics = new LatencyStatistics({ jobGraph, granularity: tracking.granularity, operators: vertex.operators, clock });
  }

  /** Of a source task: from now on markers are due. */
  start(): void {
    const { jobGraph, clock, wake } = this.#options;
    const intervalMs = jobGraph.settings.latencyTracking?.intervalMs;
    if (intervalMs === undefined) return;
    this.#schedule = new MarkerSchedule({ intervalMs, clock, wake });
    this.#schedule.start();
  }

  /** Sends the marker that is due, if there is one. Call between records, while the task is not held back. */
  sendDue(): boolean {
    const markedAt = this.#schedule?.take();
    if (markedAt === undefined) return false;
    const [source] = this.#options.vertex.operators;
    assert(source?.kind === 'source', 'Only a source makes latency markers.');
    this.take({ kind: 'latency-marker', markedAt, operatorId: source.id, subtask: this.#options.subtaskIndex });
    return true;
  }

  /** A marker came to the task, behind all records that were before it. */
  take(marker: LatencyMarker): void {
    this.#statistics?.record(marker);
    this.#options.forward(marker);
  }

  report(): TaskLatency[] {
    return this.#statistics?.report() ?? [];
  }

  /** No further marker is sent. */
  stop(): void {
    this.#schedule?.stop();
  }
}
