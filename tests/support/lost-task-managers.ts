/** Runs a job in a simulated cluster that loses both of its TaskManagers, one after the other. */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobBuilder } from '../../index.js';
import type { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { present } from './present.js';
import { runSimulated } from './run-simulated.js';

export interface LossyRun {
  readonly seed: number;
  /** Records that the job has read when the second, then the first TaskManager is killed; another takes its place at once. */
  readonly lostAt: readonly [second: number, first: number];
}

export interface LossyOutcome {
  readonly summary: JobSummary;
  /** The disk that all processes share. */
  readonly disk: MemoryFileSystem;
}

export async function runLosingTaskManagers(builder: JobBuilder, { seed, lostAt }: LossyRun): Promise<LossyOutcome> {
  let disk: MemoryFileSystem | undefined;
  const ahead = [...lostAt];
  const summary = await runSimulated(builder, {
    seed,
    onProgress: ({ recordsIn }, cluster) => {
      disk = cluster.disk;
      const [next = Number.POSITIVE_INFINITY] = ahead;
      if (recordsIn < next) return;
      ahead.shift();
      const victim = present(cluster.taskManagers[ahead.length]);
      victim.kill();
      cluster.startTaskManager(victim.name.replace(/-\d+$/, ''));
    },
  });
  return { summary, disk: present(disk) };
}
