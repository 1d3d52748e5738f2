/** A job under a leader, as the JobManager sees it. */
import type { Handlers } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobCode } from '../../bus/protocol/schemas.js';
import type { JobId } from '../../core/ids.js';
import type { JobGraph } from '../../graph/types.js';
import type { CompletedCheckpoint, LeaderToken } from '../../storage/contracts.js';

export interface RunningJobOptions {
  readonly token: LeaderToken;
  readonly jobId: JobId;
  readonly jobGraph: JobGraph;
  readonly code: JobCode;
  readonly submittedAt: number;
  /** Where it starts: its own latest checkpoint, or the one it was submitted with. */
  readonly restore: CompletedCheckpoint | undefined;
  /** Called once, when the job reached FINISHED, FAILED or CANCELED. */
  readonly onEnded: (summary: JobSummary) => void;
  /** A later leader exists. */
  readonly onFenced: () => void;
}

export interface SummaryOptions {
  /** With exceptions, attempts, vertices, latencies and event times: they are put together for it. Default false. */
  readonly withHistory?: boolean;
}

export interface RunningJob {
  /** What is answered at the job's address. */
  handlers(): Handlers;
  start(): void;
  cancel(): void;
  /** Stops at once, keeping everything in the store: this process no longer leads. */
  suspend(): void;
  summary(options?: SummaryOptions): JobSummary;
  /** Resolves once no checkpoint pointer of the job moves any more; then `summary` tells the latest one. */
  settled(): Promise<void>;
}

export type RunningJobFactory = (options: RunningJobOptions) => RunningJob;
