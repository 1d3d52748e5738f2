/** Chaos over processes: a cluster of its own for every run, whose TaskManagers and JobManager are killed with SIGKILL. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '../../actors/client/client.js';
import { withClient } from '../../cluster/cli/client-connection.js';
import { CodeCache } from '../../cluster/job-code/code-cache.js';
import { compileJob } from '../../cluster/job-code/compiled-job.js';
import { LocalCluster } from '../../cluster/local-cluster/local-cluster.js';
import type { ServerProcess } from '../../cluster/servers/server-process.js';
import { loadSettings } from '../../cluster/settings.js';
import { Configuration } from '../../core/configuration/configuration.js';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { disturb, planRun, type Blow, type RunReport, type RunSize } from './chaos-run.js';
import { pause } from './watched-job.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly directory: string;
  readonly size: RunSize;
  readonly kills: number;
  readonly boundMs: number;
  readonly say: (line: string) => void;
}

export interface ProcessChaosOptions extends ChaosOptions {
  /** Also restart nats-server and redis-server in the middle. */
  readonly isWithServers: boolean;
  /** Also stop the JobManager until its lease is over, and let it go on. */
  readonly isWithPauses: boolean;
  readonly onCluster?: (cluster: LocalCluster) => void;
}

const jobModule = fileURLToPath(new URL('chaos-job.js', import.meta.url));
/** The tasks of a job with the first number as parallelism on two TaskManagers with the second number of slots. */
const shapes = [
  { parallelism: 2, slots: 1 },
  { parallelism: 2, slots: 2 },
  { parallelism: 3, slots: 2 },
] as const;

export async function chaosOverProcesses(options: ProcessChaosOptions): Promise<RunReport> {
  const { seed, directory, size, kills, boundMs, say, isWithServers, isWithPauses, onCluster } = options;
  const { parallelism, slots } = shapes[seed % shapes.length] as (typeof shapes)[number];
  const plan = planRun({ seed, directory, size, parallelism });
  const logs = join(directory, 'logs');
  mkdirSync(logs);
  const cluster = await LocalCluster.start({
    configuration: Configuration.defaults,
    defines: [],
    taskManagers: 2,
    slots,
    restartsMax: 100,
    anyPort: true,
    onLine: (name, line) => appendFileSync(join(logs, `${name}.log`), `${line}\n`),
    say: (line) => appendFileSync(join(logs, 'cluster.log'), `${line}\n`),
  });
  onCluster?.(cluster);
  try {
    const configuration = loadSettings({ defines: cluster.defines }, {});
    const cache = new CodeCache(join(directory, 'code'));
    const { jobGraph, bundle } = await compileJob({ path: jobModule, parameters: plan.parameters, configuration, cache });
    const start = (client: Client): Promise<RunReport> =>
      disturb({
        plan,
        client,
        submission: { jobGraph, code: { kind: 'bundle', bytes: bundle } },
        blows: blowsFor({ cluster, random: plan.random.fork(), kills, isWithServers, isWithPauses }),
        killsMin: kills,
        boundMs,
        say,
      });
    return await withClient(configuration, start, { onRetry: () => undefined });
  } finally {
    await cluster.stop();
  }
}

interface BlowOptions {
  readonly cluster: LocalCluster;
  readonly random: SeededRandom;
  readonly kills: number;
  readonly isWithServers: boolean;
  readonly isWithPauses: boolean;
}

/** Longer than the lease of a leader, 3 s by default. */
const pastLeaseMs = 4_000;

/** The first two kills hit a TaskManager and the JobManager, in either order; the others whom it may concern. */
function blowsFor({ cluster, random, kills, isWithServers, isWithPauses }: BlowOptions): readonly Blow[] {
  const taskManager = (): string => `tm-${random.between(1, 2)}`;
  const both = random.chance(0.5) ? [taskManager(), 'jm-1'] : ['jm-1', taskManager()];
  const names = [...both, ...Array.from({ length: Math.max(0, kills - 2) }, () => (random.chance(0.4) ? 'jm-1' : taskManager()))];
  const blows = names.map((name) => killOf(cluster, name, momentOf(random)));
  // After the kills have been drawn: the same seed deals the same ones without it.
  if (isWithPauses) blows.splice(1, 0, pauseOf(cluster, 'jm-1', { isEarly: false, afterMs: 500 }));
  if (!isWithServers) return blows;
  for (const server of [cluster.nats, cluster.redis]) {
    if (server !== undefined) blows.splice(random.between(1, blows.length), 0, restartOf(server, random));
  }
  return blows;
}

/** Mostly into a job at work; now and then on top of the blow before. */
export function momentOf(random: SeededRandom): Pick<Blow, 'isEarly' | 'afterMs'> {
  return random.chance(0.2) ? { isEarly: true, afterMs: random.between(0, 200) } : { isEarly: false, afterMs: random.between(0, 1_500) };
}

function killOf(cluster: LocalCluster, name: string, moment: Pick<Blow, 'isEarly' | 'afterMs'>): Blow {
  const target = `${name.startsWith('jm') ? 'job-manager' : 'task-manager'} ${name}`;
  return {
    target,
    kind: 'kill',
    ...moment,
    strike: async () => {
      // It may just be starting again after the last blow.
      for (let waitedMs = 0; waitedMs < 5_000; waitedMs += 20) {
        if (cluster.process(name)?.signal('SIGKILL') === true) return true;
        await pause(20);
      }
      return false;
    },
  };
}

/** SIGSTOP until its lease is over, then SIGCONT: it must not go on as the leader it was (L1, L2). */
function pauseOf(cluster: LocalCluster, name: string, moment: Pick<Blow, 'isEarly' | 'afterMs'>): Blow {
  return {
    target: `job-manager ${name}`,
    kind: 'pause',
    ...moment,
    strike: async () => {
      const process = cluster.process(name);
      if (process?.signal('SIGSTOP') !== true) return false;
      await pause(pastLeaseMs);
      return process.signal('SIGCONT');
    },
  };
}

function restartOf(server: ServerProcess, random: SeededRandom): Blow {
  const [moment, downMs] = [momentOf(random), random.between(50, 1_000)];
  return {
    target: server.name,
    kind: 'server',
    ...moment,
    strike: async () => {
      await server.kill();
      await pause(downMs);
      await server.start();
      return true;
    },
  };
}
