/** Chaos in one process: an embedded cluster for every run, whose slot threads are ended in the middle of what they do. */
import { MiniCluster } from '../../cluster/embedded/mini-cluster.js';
import { buildJob } from '../../cluster/job-code/compiled-job.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import { Configuration } from '../../core/configuration/configuration.js';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { disturb, planRun, type Blow, type RunReport } from './chaos-run.js';
import { pause } from './watched-job.js';
import { momentOf, type ChaosOptions } from './process-chaos.js';

export interface EmbeddedChaosOptions extends ChaosOptions {
  readonly onCluster?: (cluster: MiniCluster) => void;
}

const url = new URL('chaos-job.js', import.meta.url).href;

export async function chaosEmbedded({ seed, directory, size, kills, boundMs, say, onCluster }: EmbeddedChaosOptions): Promise<RunReport> {
  const plan = planRun({ seed, directory, size, parallelism: 2 + (seed % 2) });
  const cluster = new MiniCluster({ taskManagers: 2, slots: 2 });
  onCluster?.(cluster);
  try {
    const jobGraph = buildJob(await importJob(url), { where: url, parameters: plan.parameters, configuration: Configuration.defaults });
    const random = plan.random.fork();
    const blows = Array.from({ length: kills }, () => killOfThread(cluster, random));
    return await disturb({
      plan,
      client: cluster.client,
      submission: { jobGraph, code: { kind: 'module', url } },
      blows,
      killsMin: kills,
      boundMs,
      say,
    });
  } finally {
    await cluster.stop();
  }
}

function killOfThread(cluster: MiniCluster, random: SeededRandom): Blow {
  return {
    target: 'slot thread',
    kind: 'kill',
    ...momentOf(random),
    strike: async () => {
      for (let waitedMs = 0; waitedMs < 5_000; waitedMs += 20) {
        const threads = cluster.slotThreads;
        const victim = threads[Math.floor(random.next() * threads.length)];
        if (victim !== undefined) {
          await victim.terminate();
          return true;
        }
        await pause(20);
      }
      return false;
    },
  };
}
