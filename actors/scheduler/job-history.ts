/** What a job shows beside how it stands: its past, and what its tasks reported. */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobGraph } from '../../graph/types.js';
import type { ExecutionGraph } from './execution-graph.js';
import { eventTimesOf } from './job-event-times.js';
import type { JobFailures } from './job-failures.js';
import { latenciesOf } from './job-latencies.js';

export interface JobParts {
  readonly jobGraph: JobGraph;
  readonly failures: JobFailures;
  readonly executions: ExecutionGraph;
}

/** Made only when it is asked for: clients ask how a job stands many times a second. */
export function historyOf({ jobGraph, failures, executions }: JobParts): Partial<JobSummary> {
  const tasks = executions.all();
  return {
    exceptions: [...failures.history()],
    attempts: [...executions.pastAttempts()],
    vertices: executions.vertexStatuses(),
    ...latenciesOf(jobGraph, tasks),
    ...eventTimesOf(jobGraph, tasks),
  };
}
