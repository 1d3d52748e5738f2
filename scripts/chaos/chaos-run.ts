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
import { isEnded, type Client, type Submission } from '../../actors/client/client.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { explainError, toErrorRecord } from '../../core/errors.js';
import type { JobId } from '../../core/ids.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { committedLines, differenceOf, differenceText } from './committed-lines.js';
import { creditFaultOf } from './credit-fault.js';
import { expectedLines, writeReadings } from './readings.js';

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

const pollMs = 50;

/** A job under observation. Each leader counts for itself: what it counted last is added up. */
class WatchedJob {
  last: JobSummary | undefined;
  /** The first that was seen (CH3). */
  creditFault: string | undefined;
  /** How often a task was seen that had granted something. */
  taskLooks = 0;
  readonly #client: Client;
  readonly #id: JobId;
  readonly #deadline: number;
  readonly #earlier = { checkpoints: 0, restarts: 0 };

  constructor(client: Client, id: JobId, deadline: number) {
    this.#client = client;
    this.#id = id;
    this.#deadline = deadline;
  }

  get checkpoints(): number {
    return this.#earlier.checkpoints + (this.last?.checkpointsCompleted ?? 0);
  }

  get restarts(): number {
    return this.#earlier.restarts + (this.last?.restarts ?? 0);
  }

  /** False when it ended, or the time is over. */
  async untilRunning(): Promise<boolean> {
    return (await this.#until(({ status }) => status === 'RUNNING'))?.status === 'RUNNING';
  }

  /** As {@link untilRunning}, with all tasks running and something to restore. */
  async untilSettled(): Promise<boolean> {
    const isSettled = ({ status, tasks, latestCheckpointId }: JobSummary): boolean =>
      status === 'RUNNING' && latestCheckpointId !== null && Object.keys(tasks).every((state) => state === 'RUNNING');
    const summary = await this.#until(isSettled);
    return summary !== undefined && isSettled(summary);
  }

  /** Undefined when the time is over. */
  untilEnded(): Promise<JobSummary | undefined> {
    return this.#until(() => false);
  }

  async #until(isReached: (summary: JobSummary) => boolean): Promise<JobSummary | undefined> {
    while (performance.now() < this.#deadline) {
      const summary = await this.#look();
      if (summary !== undefined) this.#note(summary);
      if (summary !== undefined && (isEnded(summary) || isReached(summary))) return summary;
      await pause(pollMs);
    }
    return undefined;
  }

  /** Undefined while no JobManager answers: that it comes back is what is tested. */
  async #look(): Promise<JobSummary | undefined> {
    try {
      return await this.#client.describe(this.#id, { withHistory: true });
    } catch (error) {
      if (toErrorRecord(error).code === 'JOB_MANAGER_UNREACHABLE') return undefined;
      throw error;
    }
  }

  #note(summary: JobSummary): void {
    if (
      this.last !== undefined &&
      (summary.checkpointsCompleted < this.last.checkpointsCompleted || summary.restarts < this.last.restarts)
    ) {
      this.#earlier.checkpoints += this.last.checkpointsCompleted;
      this.#earlier.restarts += this.last.restarts;
    }
    this.last = summary;
    this.creditFault ??= creditFaultOf(summary);
    const subtasks = (summary.vertices ?? []).flatMap((vertex) => vertex.subtasks);
    this.taskLooks += subtasks.filter(({ metrics }) => metrics.grantedBytesPeak > 0).length;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
