/**
 * `run` and `runIfMain` for the package root. Every slot imports the package, and hardly any runs a cluster: the cluster
 * is loaded when it is asked for (measured: 0.17 s of processor time to import the package, instead of 0.76 s).
 */
import { isMainThread } from 'node:worker_threads';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobDefinition } from '../../dataflow/contracts.js';
import type { RunOptions } from './run.js';

/**
 * Runs the job that the module at `url` exports, in a cluster inside this process, to its end. Resolves for FINISHED;
 * rejects with the first cause for FAILED and CANCELED. Leaves nothing behind. What user code keeps it waiting unusually long is
 * said on standard error, unless a log level was chosen. From within the module itself use {@link runIfMain}: a module cannot
 * wait for its own import.
 */
export async function run(url: string, options: RunOptions = {}): Promise<JobSummary> {
  const embedded = await import('./run.js');
  return embedded.run(url, options);
}

/**
 * For the end of a job module: runs `job` embedded when the module at `url` (`import.meta.url`) is what Node was started
 * with (`node my-job.js --name value`), shows progress and the end, and sets the exit code. Does nothing when the module
 * is imported. Resolves to undefined when nothing ran or the job did not finish.
 */
export async function runIfMain(url: string, job: JobDefinition, options: RunOptions = {}): Promise<JobSummary | undefined> {
  if (!isMainThread) return undefined;
  const embedded = await import('./run.js');
  return embedded.runIfMain(url, job, options);
}
