/** A job on a cluster under test, measured over all of its processes. */
import { ClusterUnderTest } from './cluster-under-test.js';
import { SharedMeasurement, type SharedPart } from './shared-measurement.js';

export interface MeasuredJob {
  /** Module of bench/jobs. */
  readonly job: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Sinks that say when they ended. */
  readonly ends: number;
}

/** Runs the job to its end; throws when it failed or had to be restarted: then its figures would be of something else. */
export async function measureJob(under: ClusterUnderTest, { job, parameters, ends }: MeasuredJob): Promise<SharedPart> {
  const shared = new SharedMeasurement({ pids: () => under.pids(), ends });
  under.onMark = (mark) => shared.hear(mark);
  const jobId = await under.submit(job, Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])));
  const end = await under.client.waitForEnd(jobId);
  if (end.status !== 'FINISHED' || end.restarts > 0)
    throw new Error(`${job} ended ${end.status} after ${end.restarts} restarts:\n${under.lines.slice(-40).join('\n')}`);
  return shared.part;
}

/** On a cluster of its own, of one slot a process. */
export async function measureJobAlone({ taskManagers, ...job }: MeasuredJob & { readonly taskManagers: number }): Promise<SharedPart> {
  const under = await ClusterUnderTest.start({ taskManagers, slots: 1 });
  try {
    return await measureJob(under, job);
  } finally {
    await under.stop();
  }
}
