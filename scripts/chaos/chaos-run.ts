/**
 * One run of chaos, whatever the cluster: a job is disturbed while it runs, then its committed output is compared with
 * the expected lines.
 *
 * CH1  A blow counts only when the job was RUNNING the moment before. Most wait until all tasks run and a checkpoint has
 *      completed, so that there is something to restore; an early one hits while tasks are still being deployed.
 * CH2  The job does not end before the last blow was dealt, however slow the machine (see held-open.ts).
 * CH3  The tasks of the job kept to their credit whenever they were looked at.
 * CH4  Input, expected lines, output and logs stay in the folder of the run.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, Submission } from '../../actors/client/client.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { explainError } from '../../core/errors.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { committedLines, differenceOf, differenceText } from './committed-lines.js';
import { expectedLines, writeReadings } from './readings.js';
import { pause, WatchedJob } from './watched-job.js';

/** One thing that is done to the cluster while the job runs. */
export interface Blow {
  /** What is hit, e.g. `task-manager tm-1`. */
  readonly target: string;
  /** Restarting a server or pausing an actor is no kill of one. */
  readonly kind: 'kill' | 'server' | 'pause';
  /** Whether the job need only be RUNNING, without tasks that run and a checkpoint. */
  readonly isEarly: boolean;
  /** Pause before it, from the moment the job is ready for it. */
  readonly afterMs: number;
  /** Resolves to false when nothing was there to hit. */
  readonly strike: () => boolean | Promise<boolean>;
}

export interface RunPlan {
  readonly seed: number;
  readonly directory: string;
  readonly input: string;
  readonly expected: string;
  readonly output: string;
  /** A file that lets the job end, once it exists. */
  readonly release: string;
  readonly random: SeededRandom;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface RunReport {
  readonly seed: number;
  readonly kills: number;
  readonly killsOf: readonly string[];
  readonly serverRestarts: readonly string[];
  readonly pausesOf: readonly string[];
  readonly checkpoints: number;
  readonly restarts: number;
  readonly seconds: number;
  readonly lines: number;
  readonly output: string;
  readonly expected: string;
  /** Why the run failed; null when all is right. */
  readonly problem: string | null;
}

export interface RunSize {
  readonly records: number;
  readonly recordsPerSecond: number;
  readonly intervalMs: number;
}

/** Prepares the folder of a run: its input and the lines expected of it. */
export function planRun({
  seed,
  directory,
  size,
  parallelism,
}: {
  seed: number;
  directory: string;
  size: RunSize;
  parallelism: number;
}): RunPlan {
  mkdirSync(directory, { recursive: true });
  const random = new SeededRandom(seed);
  const fileOf = (name: string): string => join(directory, name);
  const [input, expected, output, release] = [fileOf('input.ndjson'), fileOf('expected.txt'), fileOf('output'), fileOf('release')];
  writeReadings(input, size.records, random.fork());
  writeFileSync(expected, `${expectedLines(input).join('\n')}\n`);
  const parameters = {
    input,
    output,
    release,
    parallelism: String(parallelism),
    rate: String(size.recordsPerSecond),
    interval: String(size.intervalMs),
  };
  return { seed, directory, input, expected, output, release, random, parameters };
}

export interface DisturbOptions {
  readonly plan: RunPlan;
  readonly client: Client;
  readonly submission: Submission;
  readonly blows: readonly Blow[];
  readonly killsMin: number;
  /** The job must have ended by then. */
  readonly boundMs: number;
  readonly say: (line: string) => void;
}

/** Submits, disturbs, waits for the end, compares. Rejects only when the cluster cannot be reached at all. */
export async function disturb({ plan, client, submission, blows, killsMin, boundMs, say }: DisturbOptions): Promise<RunReport> {
  const startedAt = performance.now();
  const job = new WatchedJob(client, await client.submit(submission), startedAt + boundMs);
  const dealt: Blow[] = [];
  for (const blow of blows) {
    if (!(await (blow.isEarly ? job.untilRunning() : job.untilSettled()))) break;
    await pause(blow.afterMs);
    if (!(await job.untilRunning())) break;
    if (!(await blow.strike())) continue;
    dealt.push(blow);
    say(
      `seed ${plan.seed}: ${blow.target} at ${((performance.now() - startedAt) / 1_000).toFixed(1)} s, after ${job.checkpoints} checkpoints`,
    );
  }
  writeFileSync(plan.release, '');
  const end = await job.untilEnded();
  const kills = dealt.filter(({ kind }) => kind === 'kill').map(({ target }) => target);
  const expected = expectedLines(plan.input);
  const difference = differenceOf(committedLines(plan.output), expected);
  const problems = [
    end === undefined ? `the job did not end within ${boundMs / 1_000} s: ${JSON.stringify(job.last)}` : problemOf(end),
    difference === undefined ? undefined : differenceText(difference),
    job.creditFault,
    job.taskLooks === 0 ? 'no task was ever seen: nothing is known of their credit' : undefined,
    kills.length < killsMin ? `only ${kills.length} kills: the others found nothing to hit` : undefined,
  ].filter((problem) => problem !== undefined);
  return {
    seed: plan.seed,
    kills: kills.length,
    killsOf: kills,
    serverRestarts: dealt.filter(({ kind }) => kind === 'server').map(({ target }) => target),
    pausesOf: dealt.filter(({ kind }) => kind === 'pause').map(({ target }) => target),
    checkpoints: job.checkpoints,
    restarts: job.restarts,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    lines: expected.length,
    output: plan.output,
    expected: plan.expected,
    problem: problems.length === 0 ? null : problems.join('\n'),
  };
}

function problemOf(end: JobSummary): string | undefined {
  if (end.status === 'FINISHED') return undefined;
  return `the job is ${end.status}${end.error === null ? '' : `: ${explainError(end.error)}`}`;
}
