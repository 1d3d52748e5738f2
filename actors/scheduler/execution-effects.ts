/** Performs what the machine `execution` decided, and tells everybody who goes by the states of executions. */
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import type { ExecutionEffect } from '../../state-machines/execution/execution-machine.js';
import type { CheckpointHooks } from './checkpointing.js';
import type { Execution } from './execution.js';
import type { JobDeployments } from './job-deployments.js';
import type { ExecutionChange, JobEvents } from './job-events.js';
import type { JobFailures } from './job-failures.js';
import type { TaskCalls } from './task-calls.js';
import { located, unexplained } from './task-reports.js';

export interface ExecutionEffectsOptions {
  readonly calls: TaskCalls;
  readonly deployments: JobDeployments;
  readonly failures: JobFailures;
  readonly checkpoints: CheckpointHooks;
  readonly events: JobEvents;
  /** A subtask ended as it should: FINISHED, or CANCELED after it was told to. */
  readonly onSubtaskEnded: (subtask: ExecutionVertexId) => void;
}

/** See the head of this file. */
export class ExecutionEffects {
  readonly #options: ExecutionEffectsOptions;

  constructor(options: ExecutionEffectsOptions) {
    this.#options = options;
  }

  perform(execution: Execution, effect: Exclude<ExecutionEffect, { readonly type: 'ignored' }>): void {
    const { calls, deployments, failures } = this.#options;
    switch (effect.type) {
      case 'stateChanged':
        return this.#changed(execution, effect.params);
      case 'deployTask':
        return calls.deploy(execution, deployments.describe(execution));
      case 'cancelTask':
        return calls.cancel(execution);
      case 'causeLearned':
        return failures.causeLearned(execution, located(effect.params.error, execution));
    }
  }

  #changed(execution: Execution, change: ExecutionChange): void {
    const { checkpoints, events, failures, onSubtaskEnded } = this.#options;
    const { from, to, at } = change;
    const error = change.error === null ? null : located(change.error, execution);
    checkpoints.executionChanged({ ...execution.view(), state: to });
    events.executionChanged(execution, change, error);
    if (to === 'FAILED') failures.executionFailed(execution, error ?? unexplained(execution), at);
    else if (to === 'CANCELED' && from !== 'CANCELING') failures.executionFailed(execution, unexplained(execution), at);
    else if (to === 'FINISHED' || to === 'CANCELED') onSubtaskEnded(execution.subtask);
  }
}
