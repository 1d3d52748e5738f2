/**
 * What happens in a task by itself, between records: watermarks, processing-time timers, latency markers.
 *
 * CL1  Each waits for its turn: it happens only while nothing is parked and no output is full.
 */
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import type { JobVertex } from '../../graph/types.js';
import type { TimeOrigin } from '../time/time-origin.js';
import type { ChainScope } from './event-time.js';
import { LatencyTracking } from './latency-tracking.js';
import type { ProcedureRunner } from './procedure-runner.js';
import { ProcessingTimers } from './processing-timers.js';
import type { TaskOutputs } from './task-outputs.js';
import { TaskTime } from './task-time.js';
import type { TaskTimes } from './task-times.js';

export interface TaskClocksOptions {
  readonly descriptor: TaskDeploymentDescriptor;
  readonly vertex: JobVertex;
  readonly clock: Clock;
  readonly scope: ChainScope;
  readonly outputs: TaskOutputs;
  readonly times: TaskTimes;
  readonly procedure: ProcedureRunner;
  /** The checkpoint being restored was taken after `finish`. */
  readonly isRestoredFinished: boolean;
  readonly wake: () => void;
}

/** See the head of this file. */
export class TaskClocks {
  readonly time: TaskTime;
  readonly latency: LatencyTracking;
  readonly #timers: ProcessingTimers;
  readonly #procedure: ProcedureRunner;

  constructor(options: TaskClocksOptions) {
    const { descriptor, clock, scope, outputs, times, wake } = options;
    const { settings } = descriptor.jobGraph;
    this.#procedure = options.procedure;
    this.#timers = new ProcessingTimers({ scope, clock, wake });
    this.latency = new LatencyTracking({ ...descriptor, ...options, forward: (marker) => outputs.forward(marker) });
    this.time = new TaskTime({
      ...options,
      restore: descriptor.restore,
      emitEveryMs: settings.autoWatermarkIntervalMs ?? limits.autoWatermarkIntervalMs,
      emitEveryRecords: limits.recordsPerWatermark * Math.max(1, outputs.channelCount),
      backPressuredMs: () => times.backPressuredMs,
      broadcast: (event, of) => outputs.broadcast(event, of),
    });
  }

  /** The task runs. `source`: what makes the time of a source task, null when nothing does; undefined: it is no source. */
  start(source: TimeOrigin | null | undefined): void {
    this.time.start(source ?? undefined);
    const restored = this.time.sayRestored();
    if (restored !== undefined) this.#procedure.begin(restored);
    if (source !== undefined) this.latency.start();
  }

  /** Does something that is due, or begins to (CL1); whether there was anything. `recordsIn`: of the task, so far. */
  turn(recordsIn: number): boolean {
    const moved = this.time.due(recordsIn);
    if (moved === undefined) return this.#timers.fire() || this.latency.sendDue();
    this.#procedure.begin(moved);
    return true;
  }

  /** Between slices: the task is woken when the next timer is due. */
  arm(): void {
    this.#timers.arm();
  }

  /** Nothing is due any more. Idempotent. */
  stop(): void {
    this.time.stop();
    this.#timers.cancel();
    this.latency.stop();
  }
}
