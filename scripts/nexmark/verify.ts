/**
 * Verifies queries: each runs on a cluster whose TaskManagers are killed meanwhile, and its committed rows are compared with
 * those of the naive computation.
 *
 * VN1  A kill counts only when all tasks of the job were running and there was a checkpoint to go back to.
 * VN2  A run with fewer kills than wanted is wrong, whatever it wrote.
 * VN3  Late events that were dropped are counted once each, whatever failed.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { explainError } from '../../core/errors.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { naiveAnswers, type QueryName } from '../../tests/nexmark/naive/answers.js';
import { onTimeEvents } from '../../tests/nexmark/naive/events.js';
import { pause, WatchedJob } from '../chaos/watched-job.js';
import type { VerifyInput } from './inputs.js';
import { differenceOf, rowsIn } from './rows.js';
import type { VerifyCluster } from './verify-clusters.js';

export interface VerifyRun {
  readonly query: QueryName;
  readonly parallelism: number;
  readonly input: VerifyInput;
  readonly kills: number;
  readonly seed: number;
  /** Of this run alone. */
  readonly directory: string;
  readonly boundMs: number;
  /** How long reading the input takes, without the kills; default 2 s. */
  readonly readingSeconds?: number;
}

export interface VerifyReport {
  readonly rows: number;
  readonly kills: number;
  readonly restarts: number;
  readonly checkpoints: number;
  readonly seconds: number;
  /** What is wrong; undefined when nothing is. */
  readonly problem: string | undefined;
}

const checkpointEveryMs = 150;

/** VN3. Queries that read late events too count none. */
function lateProblem({ accumulators }: JobSummary, input: VerifyInput): string | undefined {
  const counted = accumulators?.['numLateRecordsDropped']?.value;
  const late = input.splits.flat().length - onTimeEvents(input).length;
  return counted === undefined || counted === late ? undefined : `${String(counted)} late events were counted, of ${late}`;
}

export async function verify(cluster: VerifyCluster, run: VerifyRun): Promise<VerifyReport> {
  const { query, parallelism, input, kills, directory, boundMs, readingSeconds = 2 } = run;
  const startedAt = performance.now();
  const random = new SeededRandom(run.seed);
  const [output, release] = [join(directory, 'output'), join(directory, 'release')];
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const events = input.splits.reduce((sum, split) => sum + split.length, 0);
  const id = await cluster.submit({
    ...input.parameters,
    query,
    output,
    release,
    parallelism: String(parallelism),
    'pace-per-second': String(Math.ceil(events / readingSeconds)),
    'checkpoint-every': String(checkpointEveryMs),
  });
  const job = new WatchedJob(cluster.client, id, startedAt + boundMs);
  let killed = 0;
  while (killed < kills && (await job.untilSettled())) {
    await pause(random.between(0, 500));
    const { restarts } = job;
    if (!(await cluster.killTaskManager(random, job.taskManagers))) continue;
    killed += 1;
    await job.untilDisturbed(restarts);
  }
  writeFileSync(release, '');
  const end = await job.untilEnded();
  const rows = rowsIn(output);
  const problems = [
    end === undefined ? `the job did not end within ${boundMs / 1_000} s: ${JSON.stringify(job.last)}` : undefined,
    end !== undefined && end.status !== 'FINISHED'
      ? `the job is ${end.status}${end.error === null ? '' : `: ${explainError(end.error)}`}`
      : undefined,
    killed < kills ? `only ${killed} of ${kills} kills found something to hit` : undefined,
    differenceOf(query, rows, naiveAnswers[query](input)),
    end === undefined ? undefined : lateProblem(end, input),
  ].filter((problem) => problem !== undefined);
  if (problems.length === 0) rmSync(directory, { recursive: true, force: true });
  return {
    rows: rows.length,
    kills: killed,
    restarts: job.restarts,
    checkpoints: job.checkpoints,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    problem: problems.length === 0 ? undefined : problems.join('\n'),
  };
}
