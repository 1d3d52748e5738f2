/**
 * One attempt of one subtask, as the TaskManager sees it (Flink's Task).
 *
 * T1  The states and transitions are Flink's; only INITIALIZING, RUNNING and the final state are reported.
 * T2  Exactly one final state is reached, and it is reported only after everything the task held was closed.
 * T3  A checkpoint is triggered only while RUNNING; before it is declined as not ready, after it as closing.
 * T4  The first cause stands: what fails after FAILED, or while CANCELING, changes nothing.
 * T5  A scheduler that does not know the attempt makes the task fail itself.
 * T6  A task is released, and so missing from reports, only once its final state was answered.
 */
import { assign, setup } from 'xstate';
import type { ErrorRecord } from '../../core/errors.js';
import type { TaskState } from '../../bus/protocol/schemas.js';
import { effects, ignored, type IgnoredEffect } from '../kit/effects.js';
import { eventTypes, type CatalogueEntry } from '../kit/catalogue-entry.js';

export interface TaskContext {
  /** First cause of the failure; null unless FAILED. */
  readonly error: ErrorRecord | null;
}

export type TaskEvent =
  | { readonly type: 'START' }
  /** The job's code is loaded, the chain built, its channels known. */
  | { readonly type: 'DEPLOYED' }
  /** State is restored and every operator open. */
  | { readonly type: 'RESTORED' }
  /** The task is through: operators finished and closed, outputs ended. */
  | { readonly type: 'TASK_FINISHED' }
  | { readonly type: 'TASK_FAILED'; readonly error: ErrorRecord }
  /** The scheduler wants the task gone. */
  | { readonly type: 'CANCEL' }
  /** The TaskManager wants the task gone: its slot is freed, its job is lost, memory is short. */
  | { readonly type: 'FAIL_EXTERNALLY'; readonly error: ErrorRecord }
  /** All that the task held is closed. */
  | { readonly type: 'CLOSED' }
  | { readonly type: 'FINAL_STATE_REPORTED' }
  /** The scheduler does not know this attempt. */
  | { readonly type: 'REPORT_REFUSED'; readonly error: ErrorRecord }
  /** All input is processed; the task waits for the final checkpoint. */
  | { readonly type: 'END_OF_DATA' }
  | { readonly type: 'TRIGGER_CHECKPOINT'; readonly checkpointId: number; readonly triggeredAt: number; readonly isFinal: boolean }
  | { readonly type: 'CONFIRM_CHECKPOINT'; readonly checkpointId: number }
  | { readonly type: 'ABORT_CHECKPOINT'; readonly checkpointId: number };

export type TaskEffect =
  /** DEPLOYED or TASK_FAILED follows. */
  | { readonly type: 'deploy'; readonly params: Record<string, never> }
  /** RESTORED or TASK_FAILED follows. */
  | { readonly type: 'restore'; readonly params: Record<string, never> }
  /** TASK_FINISHED or TASK_FAILED follows. */
  | { readonly type: 'run'; readonly params: Record<string, never> }
  /** CLOSED follows, whatever goes wrong in closing. */
  | { readonly type: 'close'; readonly params: { readonly error: ErrorRecord | null } }
  /** REPORT_REFUSED may follow, FINAL_STATE_REPORTED after a final state. */
  | { readonly type: 'report'; readonly params: { readonly state: TaskState; readonly error: ErrorRecord | null } }
  | { readonly type: 'reportEndOfData'; readonly params: Record<string, never> }
  | {
      readonly type: 'triggerCheckpoint';
      readonly params: { readonly checkpointId: number; readonly triggeredAt: number; readonly isFinal: boolean };
    }
  | {
      readonly type: 'declineCheckpoint';
      readonly params: {
        readonly checkpointId: number;
        readonly reason: 'CHECKPOINT_DECLINED_TASK_NOT_READY' | 'CHECKPOINT_DECLINED_TASK_CLOSING';
      };
    }
  | { readonly type: 'confirmCheckpoint'; readonly params: { readonly checkpointId: number } }
  | { readonly type: 'abortCheckpoint'; readonly params: { readonly checkpointId: number } }
  /** The task is forgotten by its slot. */
  | { readonly type: 'release'; readonly params: Record<string, never> }
  | IgnoredEffect;

const none = {};

const taskSetup = setup({
  types: {} as { context: TaskContext; events: TaskEvent },
  actions: {
    ...effects<TaskEffect>({
      deploy: true,
      restore: true,
      run: true,
      close: true,
      report: true,
      reportEndOfData: true,
      triggerCheckpoint: true,
      declineCheckpoint: true,
      confirmCheckpoint: true,
      abortCheckpoint: true,
      release: true,
      ignored: true,
    }),
    keepCause: assign({ error: ({ event }) => ('error' in event ? event.error : null) }),
  },
});

/** T3: what a state that is not RUNNING answers to a trigger. */
const decline = (reason: 'CHECKPOINT_DECLINED_TASK_NOT_READY' | 'CHECKPOINT_DECLINED_TASK_CLOSING') => ({
  TRIGGER_CHECKPOINT: {
    actions: {
      type: 'declineCheckpoint' as const,
      params: ({ event }: { event: Extract<TaskEvent, { type: 'TRIGGER_CHECKPOINT' }> }) => ({ checkpointId: event.checkpointId, reason }),
    },
  },
  CONFIRM_CHECKPOINT: ignored('moot'),
  ABORT_CHECKPOINT: ignored('moot'),
});

const failed = { target: '#FAILED', actions: { type: 'keepCause' as const } };

/** What CREATED, DEPLOYING, INITIALIZING and RUNNING have in common. */
const alive = {
  CANCEL: '#CANCELING',
  FAIL_EXTERNALLY: failed,
  TASK_FAILED: failed,
  REPORT_REFUSED: failed,
  FINAL_STATE_REPORTED: ignored('stale'),
  CLOSED: ignored('stale'),
} as const;

/** What the states on the way out have in common. */
const leaving = {
  ...decline('CHECKPOINT_DECLINED_TASK_CLOSING'),
  START: ignored('duplicate'),
  DEPLOYED: ignored('late'),
  RESTORED: ignored('late'),
  TASK_FINISHED: ignored('late'),
  TASK_FAILED: ignored('late'),
  FAIL_EXTERNALLY: ignored('moot'),
  CANCEL: ignored('moot'),
  END_OF_DATA: ignored('late'),
};

/** A final state: its report goes out until it is answered (T6). */
const reporting = (state: TaskState) => ({
  description: `The scheduler's answer to the report of ${state}.`,
  entry: { type: 'report' as const, params: ({ context }: { context: TaskContext }) => ({ state, error: context.error }) },
  on: {
    FINAL_STATE_REPORTED: '#RELEASED',
    REPORT_REFUSED: '#RELEASED',
    CLOSED: ignored('stale'),
  } as const,
});

export const taskMachine = taskSetup.createMachine({
  id: 'task',
  context: { error: null },
  initial: 'CREATED',
  states: {
    CREATED: {
      id: 'CREATED',
      description: 'Its turn in the slot.',
      on: {
        ...alive,
        ...decline('CHECKPOINT_DECLINED_TASK_NOT_READY'),
        START: 'DEPLOYING',
        DEPLOYED: ignored('stale'),
        RESTORED: ignored('stale'),
        TASK_FINISHED: ignored('stale'),
        END_OF_DATA: ignored('stale'),
      },
    },
    DEPLOYING: {
      description: "The job's code, and the chain built from it.",
      entry: { type: 'deploy', params: none },
      on: {
        ...alive,
        ...decline('CHECKPOINT_DECLINED_TASK_NOT_READY'),
        START: ignored('duplicate'),
        DEPLOYED: 'INITIALIZING',
        RESTORED: ignored('stale'),
        TASK_FINISHED: ignored('stale'),
        END_OF_DATA: ignored('stale'),
      },
    },
    INITIALIZING: {
      description: 'State restored and operators opened, last of the chain first.',
      entry: [
        { type: 'report', params: { state: 'INITIALIZING', error: null } },
        { type: 'restore', params: none },
      ],
      on: {
        ...alive,
        ...decline('CHECKPOINT_DECLINED_TASK_NOT_READY'),
        START: ignored('duplicate'),
        DEPLOYED: ignored('duplicate'),
        RESTORED: 'RUNNING',
        TASK_FINISHED: ignored('stale'),
        END_OF_DATA: ignored('stale'),
      },
    },
    RUNNING: {
      description: 'The end of its input, or of the job.',
      entry: [
        { type: 'report', params: { state: 'RUNNING', error: null } },
        { type: 'run', params: none },
      ],
      on: {
        ...alive,
        START: ignored('duplicate'),
        DEPLOYED: ignored('duplicate'),
        RESTORED: ignored('duplicate'),
        TASK_FINISHED: 'FINISHED',
        END_OF_DATA: { actions: { type: 'reportEndOfData', params: none } },
        TRIGGER_CHECKPOINT: {
          actions: {
            type: 'triggerCheckpoint',
            params: ({ event }) => ({ checkpointId: event.checkpointId, triggeredAt: event.triggeredAt, isFinal: event.isFinal }),
          },
        },
        CONFIRM_CHECKPOINT: { actions: { type: 'confirmCheckpoint', params: ({ event }) => ({ checkpointId: event.checkpointId }) } },
        ABORT_CHECKPOINT: { actions: { type: 'abortCheckpoint', params: ({ event }) => ({ checkpointId: event.checkpointId }) } },
      },
    },
    CANCELING: {
      id: 'CANCELING',
      description: 'Operators and channels closed after a cancel.',
      entry: { type: 'close', params: { error: null } },
      on: {
        ...leaving,
        CANCEL: ignored('duplicate'),
        CLOSED: 'CANCELED',
        FINAL_STATE_REPORTED: ignored('stale'),
        REPORT_REFUSED: ignored('moot'),
      },
    },
    FINISHED: { on: leaving, ...withReport('FINISHED') },
    CANCELED: { on: leaving, ...withReport('CANCELED') },
    FAILED: {
      id: 'FAILED',
      on: leaving,
      initial: 'closing',
      states: {
        closing: {
          description: 'Operators and channels closed after a failure.',
          entry: { type: 'close', params: ({ context }) => ({ error: context.error }) },
          on: { CLOSED: 'reporting', FINAL_STATE_REPORTED: ignored('stale'), REPORT_REFUSED: ignored('moot') },
        },
        reporting: reporting('FAILED'),
      },
    },
    RELEASED: {
      id: 'RELEASED',
      type: 'final',
      description: 'Nothing: the scheduler knows how the attempt ended.',
      entry: { type: 'release', params: none },
    },
  },
});

function withReport(state: TaskState) {
  return { initial: 'reporting' as const, states: { reporting: reporting(state) } };
}

/** The state as Flink names it and reports carry it; RELEASED was the final state it was released in. */
export function reportedState(stateText: string): TaskState {
  return stateText.split('.')[0] as TaskState;
}

export const taskCatalogueEntry: CatalogueEntry = {
  name: 'task',
  summary:
    'Decides the life of one attempt of a subtask in its slot: deploy, restore, run, then one final state that is reported until it is known.',
  machine: taskMachine,
  events: eventTypes<TaskEvent>({
    START: true,
    DEPLOYED: true,
    RESTORED: true,
    TASK_FINISHED: true,
    TASK_FAILED: true,
    CANCEL: true,
    FAIL_EXTERNALLY: true,
    CLOSED: true,
    FINAL_STATE_REPORTED: true,
    REPORT_REFUSED: true,
    END_OF_DATA: true,
    TRIGGER_CHECKPOINT: true,
    CONFIRM_CHECKPOINT: true,
    ABORT_CHECKPOINT: true,
  }),
  source: 'Task (Flink), the TaskManager side of ExecutionState',
};
