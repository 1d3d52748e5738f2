/** The end of a job that could not be started: its record or its checkpoint cannot be read, or its scheduler not be made. */
import { initialTransition, transition } from 'xstate';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { MillraceError, type ErrorRecord } from '../../core/errors.js';
import type { JobId } from '../../core/ids.js';
import { jobMachine } from '../../state-machines/job/job-machine.js';

/** Whether trying again cannot help: what is stored is wrong. Whatever a store says of itself may pass. */
export function isPermanent(error: unknown): boolean {
  return !(error instanceof MillraceError) || error.recovery === 'fail-job';
}

export interface UnstartedJob {
  readonly jobId: JobId;
  /** The id when not even the name could be read. */
  readonly name: string;
  readonly submittedAt: number;
  readonly endedAt: number;
  readonly error: ErrorRecord;
}

/** INITIALIZING to FAILED, as Flink ends a job whose initialisation failed. */
export function summaryOfUnstarted({ jobId, name, submittedAt, endedAt, error }: UnstartedJob): JobSummary {
  const [initializing] = initialTransition(jobMachine, { at: submittedAt });
  const [failed] = transition(jobMachine, initializing, { type: 'INITIALIZATION_FAILED', at: endedAt, error });
  const { status, timestamps } = failed.context;
  return {
    jobId,
    name,
    status,
    submittedAt,
    timestamps: { ...timestamps },
    endedAt,
    restarts: 0,
    checkpointsCompleted: 0,
    latestCheckpointId: null,
    recordsIn: 0,
    recordsOut: 0,
    tasks: {},
    error: failed.context.error,
  };
}
