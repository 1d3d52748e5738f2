/** What the scheduler's machine remembers, is told, and decides. */
import type { ErrorRecord } from '../../core/errors.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import type { RepeatedFailureBound, RestartStrategySettings } from '../../graph/types.js';
import type { IgnoredEffect } from '../kit/effects.js';
import type { Regions } from './failover.js';
import type { RepeatedFailure } from './repeated-failure.js';
import type { RestartMemory } from './restart-strategy.js';

export interface SchedulerInput {
  readonly regions: Regions;
  readonly failover: 'region' | 'full';
  readonly restartStrategy: RestartStrategySettings;
  readonly slotRequestTimeoutMs: number;
  /** Undefined: no bound. */
  readonly repeatedFailure?: RepeatedFailureBound | undefined;
}

export interface SchedulerContext extends SchedulerInput {
  /** Subtasks whose current execution is not in a terminal state. */
  readonly live: readonly ExecutionVertexId[];
  /** Subtasks that wait to be deployed. */
  readonly affected: readonly ExecutionVertexId[];
  /** See S4. */
  readonly round: number;
  readonly backoffMs: number;
  readonly isBackoffOver: boolean;
  /** Since a failure and until what it affected is deployed again. */
  readonly isRestarting: boolean;
  readonly restarts: number;
  readonly memory: RestartMemory;
  /** Of the rounds of failures before the present one (RF1). */
  readonly repeated: RepeatedFailure | null;
  /** When the present or latest round began; null: a checkpoint completed since. */
  readonly failedAt: number | null;
  readonly error: ErrorRecord | null;
}

/** A failure comes with its monotonic time and a number in [0, 1) for the jitter of the back-off. */
export interface FailureMoment {
  readonly error: ErrorRecord;
  readonly at: number;
  readonly random: number;
}

export type SchedulerEvent =
  | { readonly type: 'START' }
  /** Every subtask that waits has a slot. */
  | { readonly type: 'SLOTS_ASSIGNED'; readonly round: number }
  /** A subtask that waits lost its slot again. */
  | { readonly type: 'SLOT_LOST' }
  | { readonly type: 'SLOT_TIMEOUT'; readonly round: number; readonly error: ErrorRecord }
  | { readonly type: 'RESTORE_POINT_FOUND'; readonly round: number }
  | ({ readonly type: 'RESTORE_POINT_FAILED'; readonly round: number } & FailureMoment)
  | { readonly type: 'BACKOFF_OVER'; readonly round: number }
  | { readonly type: 'SUBTASK_ENDED'; readonly subtask: ExecutionVertexId }
  /** Several when they failed of one cause, as the loss of their TaskManager: that is one failure. */
  | ({ readonly type: 'SUBTASKS_FAILED'; readonly subtasks: readonly ExecutionVertexId[] } & FailureMoment)
  /** Something all tasks depend on failed. */
  | ({ readonly type: 'JOB_FAILED' } & FailureMoment)
  /** A task that was being cancelled had failed itself. */
  | { readonly type: 'CAUSE_LEARNED'; readonly error: ErrorRecord }
  | { readonly type: 'CHECKPOINT_COMPLETED' }
  | { readonly type: 'CANCEL' }
  | { readonly type: 'SUSPEND' };

type Subtasks = { readonly subtasks: readonly ExecutionVertexId[] };
type InRound = { readonly round: number };

export type SchedulerEffect =
  /** Moves the status of the job. */
  | {
      readonly type: 'moveJob';
      readonly params: {
        readonly event: 'START' | 'RESTART' | 'RESTARTED' | 'ALL_FINISHED' | 'CANCEL' | 'ALL_TERMINAL' | 'FAIL' | 'SUSPEND';
        readonly error: ErrorRecord | null;
      };
    }
  /** Gives each a new execution, takes back what its predecessor had from the source coordinators, and schedules it. */
  | { readonly type: 'schedule'; readonly params: Subtasks }
  /** SLOTS_ASSIGNED once each has a slot. */
  | { readonly type: 'assignSlots'; readonly params: Subtasks & InRound }
  | { readonly type: 'startSlotTimer'; readonly params: InRound & { readonly delayMs: number } }
  | { readonly type: 'stopSlotTimer'; readonly params: Record<string, never> }
  /** RESTORE_POINT_FOUND or RESTORE_POINT_FAILED. */
  | { readonly type: 'findRestorePoint'; readonly params: InRound }
  | { readonly type: 'deploy'; readonly params: Subtasks }
  | { readonly type: 'abortCheckpoints'; readonly params: { readonly reason: string } }
  | { readonly type: 'cancelSubtasks'; readonly params: Subtasks }
  /** BACKOFF_OVER after the delay; replaces an earlier back-off. */
  | { readonly type: 'startBackoff'; readonly params: InRound & { readonly delayMs: number } }
  | { readonly type: 'stopBackoff'; readonly params: Record<string, never> }
  /** Nothing follows any more: slots go back, everybody is told. */
  | { readonly type: 'end'; readonly params: { readonly outcome: 'FINISHED' | 'FAILED' | 'CANCELED' | 'SUSPENDED' } }
  | IgnoredEffect;
