/**
 * What happens in a task by itself, between records: watermarks, processing-time timers, latency markers.
 *
 * CL1  Each waits for its turn: it happens only while nothing is parked and no output is full.
 */
import type { TimeOrigin } from '../time/time-origin.js';
import type { LatencyTracking } from './latency-tracking.js';
import type { ProcedureRunner } from './procedure-runner.js';
import type { ProcessingTimers } from './processing-timers.js';
import type { TaskTime } from './task-time.js';

export interface TaskClocksOptions {
  readonly time: TaskTime;
  readonly timers: ProcessingTimers;
  readonly latency: LatencyTracking;
  readonly procedure: ProcedureRunner;
}

/** See the head of this file. */
export class TaskClocks {
  readonly #options: TaskClocksOptions;

  constructor(options: TaskClocksOptions) {
    this.#options = options;
  }

  /** The task runs. `source`: what makes the time of a source task, null when nothing does; undefined: it is no source. */
  start(source: TimeOrigin | null | undefined): void {
    const { time, latency } = this.#options;
    time.start(source ?? undefined);
    if (source !== undefined) latency.start();
  }

  /** Does something that is due, or begins to (CL1); whether there was anything. */
  turn(): boolean {
    const { time, timers, latency, procedure } = this.#options;
    const moved = time.due();
    if (moved === undefined) return timers.fire() || latency.sendDue();
    procedure.begin(moved);
    return true;
  }

  /** Nothing is due any more. Idempotent. */
  stop(): void {
    const { time, timers, latency } = this.#options;
    time.stop();
    timers.cancel();
    latency.stop();
  }
}
