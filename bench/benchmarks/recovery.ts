import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobId } from '../../core/ids.js';
import { rowOf, type Benchmark, type BenchmarkContext, type Row } from '../harness/benchmark.js';
import { ClusterUnderTest } from '../harness/cluster-under-test.js';
import { below } from '../harness/targets.js';

const checkpointsBetweenKills = 3;
const msMax = 2_000;

export const recovery: Benchmark = {
  name: 'recovery',
  measures:
    'milliseconds from `kill -9` of a TaskManager that runs tasks (three TaskManagers of two slots, a job in two of them, three checkpoints completed since the last failure) until every task is RUNNING again; and the same for the JobManager, which the supervisor starts again. Processes over nats-server and redis-server, asked every 10 ms.',
  doesNotMeasure:
    'large state, a machine that vanishes (its connections do not close: then the heartbeat timeout of 5 s counts), a lost NATS or Redis.',
  async run(context) {
    const under = await ClusterUnderTest.start({ taskManagers: 3, slots: 2 });
    try {
      const jobId = await under.submit('recovery-job');
      return [await killTaskManagers(under, jobId, context), await killJobManager(under, jobId, context)];
    } finally {
      await under.stop();
    }
  },
};

const isRunning = (job: JobSummary | undefined): boolean => {
  if (job?.status !== 'RUNNING') return false;
  const states = Object.entries(job.tasks).filter(([, tasks]) => tasks > 0);
  return states.length === 1 && states[0]?.[0] === 'RUNNING';
};

/** Three checkpoints after everything ran. */
async function settled(under: ClusterUnderTest, jobId: JobId): Promise<JobSummary> {
  let before: JobSummary | undefined;
  let now: JobSummary | undefined;
  await under.until('three checkpoints completed', async () => {
    now = await under.describe(jobId);
    if (!isRunning(now)) before = undefined;
    else before ??= now;
    return now !== undefined && before !== undefined && now.checkpointsCompleted >= before.checkpointsCompleted + checkpointsBetweenKills;
  });
  return now as unknown as JobSummary;
}

async function killTaskManagers(under: ClusterUnderTest, jobId: JobId, { isQuick, say }: BenchmarkContext): Promise<Row> {
  const samples: number[] = [];
  for (let kill = 0; kill < (isQuick ? 2 : 10); kill += 1) {
    const { restarts } = await settled(under, jobId);
    // A job's slots may move, and a fresh TaskManager may not have its slots yet.
    await under.until('every TaskManager registered', async () => (await under.overview())?.taskManagers.length === 3);
    const busy = (await under.overview())?.taskManagers.find(({ slots }) => slots.some(({ jobId: owner }) => owner === jobId));
    const victim = under.cluster.process(busy?.taskManagerId ?? '');
    if (victim === undefined) throw new Error('no TaskManager runs the job');
    const killedAt = performance.now();
    victim.signal('SIGKILL');
    await under.until('every task runs again', async () => {
      const job = await under.describe(jobId);
      return isRunning(job) && (job as JobSummary).restarts > restarts;
    });
    samples.push(performance.now() - killedAt);
    say(`${victim.name} killed: ${Math.round(samples.at(-1) as number)} ms`);
  }
  return recoveryRow('recovery: TaskManager killed', samples);
}

async function killJobManager(under: ClusterUnderTest, jobId: JobId, { isQuick, say }: BenchmarkContext): Promise<Row> {
  const samples: number[] = [];
  for (let kill = 0; kill < (isQuick ? 2 : 10); kill += 1) {
    await settled(under, jobId);
    const victim = under.cluster.process('jm-1');
    const killedAt = performance.now();
    victim?.signal('SIGKILL');
    // Whatever answers from now on is the new one: the old one's answers cannot be on the way for longer than this.
    await new Promise((resolve) => void setTimeout(resolve, 20));
    await under.until('every task runs again', async () => isRunning(await under.describe(jobId)));
    samples.push(performance.now() - killedAt);
    say(`JobManager killed: ${Math.round(samples.at(-1) as number)} ms`);
  }
  return recoveryRow('recovery: JobManager killed', samples);
}

function recoveryRow(name: string, samples: readonly number[]): Row {
  return rowOf({ name, unit: 'ms', samples, target: below(msMax, 'under 2 s at the median') });
}
