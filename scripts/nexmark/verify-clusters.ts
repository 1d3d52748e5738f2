/** The clusters that queries are verified on: TaskManagers as processes that are killed, or as threads of this process. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '../../actors/client/client.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { openClientEndpoint } from '../../cluster/cli/client-connection.js';
import { MiniCluster } from '../../cluster/embedded/mini-cluster.js';
import { CodeCache } from '../../cluster/job-code/code-cache.js';
import { buildJob, compileJob } from '../../cluster/job-code/compiled-job.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import { LocalCluster } from '../../cluster/local-cluster/local-cluster.js';
import { loadSettings } from '../../cluster/settings.js';
import { Configuration } from '../../core/configuration/configuration.js';
import type { JobId } from '../../core/ids.js';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { pause } from '../chaos/watched-job.js';

export interface VerifyCluster {
  readonly client: Client;
  /** Submits the query that the parameters name. */
  submit(parameters: Readonly<Record<string, string>>): Promise<JobId>;
  /** One of those that are named: killing one without tasks would disturb nothing. False when there was none to kill. */
  killTaskManager(random: SeededRandom, inUse: readonly string[]): Promise<boolean>;
  stop(): Promise<void>;
}

const taskManagers = 2;
const slots = 2;
const job = new URL('verify-job.js', import.meta.url).href;

/** How long a TaskManager that is just starting again may take. */
const patienceMs = 5_000;

/** In this process: the death of a TaskManager is that of all its threads. */
export function embeddedCluster(): VerifyCluster {
  const cluster = new MiniCluster({ taskManagers, slots, logLevel: 'silent' });
  return {
    client: cluster.client,
    submit: async (parameters) => {
      const jobGraph = buildJob(await importJob(job), { where: job, parameters, configuration: Configuration.defaults });
      return cluster.client.submit({ jobGraph, code: { kind: 'module', url: job } });
    },
    killTaskManager: async (random, inUse) => {
      const name = inUse[random.between(0, inUse.length - 1)];
      if (name === undefined) return false;
      const threads = cluster.slotThreadsOf(name);
      await Promise.all(threads.map((thread) => thread.terminate()));
      return threads.length > 0;
    },
    stop: () => cluster.stop(),
  };
}

/** Processes over NATS and Redis, killed with SIGKILL and started again. */
export async function processCluster(directory: string): Promise<VerifyCluster> {
  mkdirSync(directory, { recursive: true });
  const cluster = await LocalCluster.start({
    configuration: Configuration.defaults,
    defines: [],
    taskManagers,
    slots,
    restartsMax: Number.MAX_SAFE_INTEGER,
    anyPort: true,
    onLine: (name, line) => appendFileSync(join(directory, `${name}.log`), `${line}\n`),
    say: (line) => appendFileSync(join(directory, 'cluster.log'), `${line}\n`),
  });
  const configuration = loadSettings({ defines: cluster.defines }, {});
  const { bus, endpoint } = await openClientEndpoint({ configuration, name: 'nexmark' });
  const client = new Client({ endpoint, clock: systemClock, random: systemRandom, onRetry: () => undefined });
  const cache = new CodeCache(join(directory, 'code'));
  return {
    client,
    submit: async (parameters) => {
      const { jobGraph, bundle } = await compileJob({ path: fileURLToPath(job), parameters, configuration, cache });
      return client.submit({ jobGraph, code: { kind: 'bundle', bytes: bundle } });
    },
    killTaskManager: async (random, inUse) => {
      const name = inUse[random.between(0, inUse.length - 1)];
      if (name === undefined) return false;
      for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 20) {
        if (cluster.process(name)?.signal('SIGKILL') === true) return true;
        await pause(20);
      }
      return false;
    },
    stop: async () => {
      endpoint.close();
      await bus.close();
      await cluster.stop();
    },
  };
}
