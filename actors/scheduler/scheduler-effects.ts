/** Performs what the machine `scheduler` decided, each effect by the part of the scheduler that can. */
import { MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import type { jobMachine, JobEffect, JobEvent } from '../../state-machines/job/job-machine.js';
import type { SchedulerEffect, SchedulerEvent } from '../../state-machines/scheduler/scheduler-model.js';
import type { MachineHost } from '../runtime/machine-host.js';
import type { CheckpointHooks } from './checkpointing.js';
import type { ExecutionGraph } from './execution-graph.js';
import type { JobDeployments } from './job-deployments.js';
import type { JobSlots } from './job-slots.js';
import type { SlotWait } from './slot-wait.js';

export type JobOutcome = Extract<SchedulerEffect, { readonly type: 'end' }>['params']['outcome'];

export interface SchedulerEffectsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly job: MachineHost<typeof jobMachine, JobEffect>;
  readonly executions: ExecutionGraph;
  readonly slots: JobSlots;
  readonly slotWait: SlotWait;
  readonly deployments: JobDeployments;
  readonly checkpoints: CheckpointHooks;
  /** Tells the machine. */
  readonly tell: (event: SchedulerEvent) => void;
  /** Why tasks are restarted. */
  readonly cause: () => ErrorRecord | null;
  readonly end: (outcome: JobOutcome) => void;
}

/** See the head of this file. */
export class SchedulerEffects {
  readonly #options: SchedulerEffectsOptions;
  #backoff: TimerHandle | undefined;

  constructor(options: SchedulerEffectsOptions) {
    this.#options = options;
  }

  perform(effect: Exclude<SchedulerEffect, { readonly type: 'ignored' }>): void {
    const { slots, slotWait, deployments, checkpoints } = this.#options;
    switch (effect.type) {
      case 'moveJob':
        return this.moveJob(effect.params.event, effect.params.error);
      case 'schedule':
        return this.#schedule(effect.params.subtasks);
      case 'assignSlots':
        slotWait.begin(effect.params);
        slots.open();
        return slotWait.check();
      case 'startSlotTimer':
        return slotWait.startTimer(effect.params);
      case 'stopSlotTimer':
        return slotWait.stop();
      case 'findRestorePoint':
        return deployments.findRestorePoint(effect.params.round);
      case 'deploy':
        return deployments.deploy(effect.params.subtasks);
      case 'abortCheckpoints':
        return checkpoints.abortPending(effect.params.reason);
      case 'cancelSubtasks':
        return this.#cancel(effect.params.subtasks);
      case 'startBackoff':
        return this.#startBackoff(effect.params);
      case 'stopBackoff':
        return this.stop();
      case 'end':
        return this.#options.end(effect.params.outcome);
    }
  }

  moveJob(type: Exclude<JobEvent['type'], 'INITIALIZATION_FAILED' | 'CANCEL_FAILED'>, error: ErrorRecord | null): void {
    const { job, clock } = this.#options;
    const at = clock.now();
    if (type === 'RESTART' || type === 'FAIL')
      job.send({ type, at, error: error ?? toErrorRecord(new MillraceError('UNKNOWN', 'no error was told')) });
    else job.send({ type, at });
  }

  /** Ends the back-off that runs. */
  stop(): void {
    this.#backoff?.cancel();
  }

  #schedule(subtasks: readonly ExecutionVertexId[]): void {
    const { executions, clock } = this.#options;
    for (const subtask of subtasks) {
      const execution = executions.renew(subtask, clock.now());
      if (execution.state === 'CREATED') execution.send({ type: 'SCHEDULE', at: clock.now() });
    }
  }

  #cancel(subtasks: readonly ExecutionVertexId[]): void {
    const { executions, clock } = this.#options;
    for (const subtask of subtasks) executions.current(subtask).send({ type: 'CANCEL', at: clock.now() });
  }

  #startBackoff({ round, delayMs }: { readonly round: number; readonly delayMs: number }): void {
    const { clock, logger, cause, tell } = this.#options;
    logger.log('info', 'tasks are restarted', { delayMs, error: cause() });
    this.#backoff?.cancel();
    this.#backoff = clock.setTimer(delayMs, () => tell({ type: 'BACKOFF_OVER', round }));
  }
}
