/** Runs a job of the api on a whole cluster in a simulated world, and gives back how it ended. */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { buildJob } from '../../cluster/job-code/compiled-job.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { defineJob, type JobBuilder } from '../../index.js';
import { noFaults, SimulatedNetwork } from '../../testing/simulator/simulated-network.js';
import { SimulatedCluster } from '../../testing/simulator/simulated-cluster.js';
import { Simulation } from '../../testing/simulator/simulation.js';

export interface SimulatedRun {
  readonly seed?: number;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly configuration?: Configuration;
  /** Called with every look at the job, every 200 ms of virtual time. */
  readonly onProgress?: (summary: JobSummary, cluster: SimulatedCluster) => void;
}

const virtualMsMax = 120_000;

/** Two TaskManagers with two slots each, no faults but what `onProgress` does. */
export async function runSimulated(builder: JobBuilder, run: SimulatedRun = {}): Promise<JobSummary> {
  const { seed = 1, parameters = {}, configuration = Configuration.defaults, onProgress } = run;
  const job = defineJob('simulated', builder);
  const world = new Simulation({ seed });
  const network = new SimulatedNetwork({ world, random: world.random.fork(), faults: noFaults });
  const cluster = new SimulatedCluster({
    world,
    network,
    taskManagers: 2,
    slots: 2,
    loadJob: () => job,
    storeFaults: { refused: 0, answerLost: 0, isOver: () => true },
    broken: {},
  });
  cluster.startAll();
  const { client } = cluster.client();
  let ended: JobSummary | undefined;
  const jobGraph = buildJob(job, { where: 'test', parameters, configuration });
  client
    .submit({ jobGraph, code: { kind: 'module', url: 'simulated:job' } })
    .then((jobId) => client.waitForEnd(jobId, (summary) => onProgress?.(summary, cluster)))
    .then(
      (summary) => (ended = summary),
      (error: unknown) => world.fail(error),
    );
  await world.runUntil(() => ended !== undefined, virtualMsMax);
  return ended as unknown as JobSummary;
}
