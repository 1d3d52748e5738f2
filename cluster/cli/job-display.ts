/** How a job's progress and end look on a terminal and in a pipe. */
import { isEnded } from '../../actors/client/client.js';
import type { FailureNote, JobSummary } from '../../bus/protocol/messages/jobs.js';
import { explainError } from '../../core/errors.js';
import { accumulatorLines } from './accumulator-display.js';
import { type Colours, coloursFor } from './colours.js';
import { colourOf } from './status-colours.js';
import { UnsettledNotes } from './unsettled-display.js';

const count = new Intl.NumberFormat('en-US');
const plural = (n: number, noun: string): string => `${count.format(n)} ${noun}${n === 1 ? '' : 's'}`;

/** One line of progress: `RUNNING  1,234,567 records  3 checkpoints  2.1 s`. */
export function progressLine(job: JobSummary, now: number, colours: Colours = coloursFor(process.stdout)): string {
  const seconds = ((job.endedAt ?? now) - job.submittedAt) / 1_000;
  const parts = [
    colourOf(job.status, colours)(job.status),
    ...(job.shortage === undefined ? [] : [colours.yellow(shortageText(job.shortage))]),
    plural(job.recordsIn, 'record'),
    plural(job.checkpointsCompleted, 'checkpoint'),
    ...(job.restarts > 0 ? [colours.yellow(plural(job.restarts, 'restart'))] : []),
    `${seconds.toFixed(1)} s`,
  ];
  return parts.join('  ');
}

function shortageText({ required, available, taskManagers }: NonNullable<JobSummary['shortage']>): string {
  return `waits for slots: ${required} needed, ${available} available on ${plural(taskManagers, 'TaskManager')}`;
}

/** What a person wants to know when a job has ended: how, and what its accumulators say. */
export function endText(job: JobSummary, colours: Colours = coloursFor(process.stdout)): string {
  const line = [`${job.name}: ${progressLine(job, job.endedAt ?? job.submittedAt, colours)}`, ...accumulatorLines(job)].join('\n');
  return job.error === null || job.status === 'FINISHED' ? line : `${line}\n${colours.red(explainError(job.error))}`;
}

/** What went wrong in a job so far, the latest first: a line each, those that came with it indented. */
export function historyLines({ exceptions = [] }: JobSummary, colours: Colours = coloursFor(process.stdout)): readonly string[] {
  if (exceptions.length === 0) return [];
  const lineOf = ({ at, task, taskManagerId, error }: FailureNote): string => {
    const { where, ...rest } = error;
    const place = `${task ?? where ?? 'the job'}${taskManagerId === null ? '' : ` on ${taskManagerId}`}`;
    return `${new Date(at).toISOString()}  ${place}: ${explainError(where === undefined || where === task ? rest : error)}`;
  };
  return [
    'failures, latest first:',
    ...exceptions.flatMap(({ concurrent, concurrentCount, ...cause }) => [
      `  ${colours.red(lineOf(cause))}`,
      ...concurrent.map((other) => `      with it  ${lineOf(other)}`),
      ...(concurrentCount > concurrent.length ? [`      and ${concurrentCount - concurrent.length} more`] : []),
    ]),
  ];
}

/**
 * The latest checkpoint as `run --from` takes it, while it may be there: checkpoints of a job that failed are kept, those of
 * one that was cancelled where its configuration says so, those of one that finished are not.
 */
export function checkpointLines({ jobId, status, latestCheckpointId }: JobSummary): readonly string[] {
  if (latestCheckpointId === null || status === 'FINISHED') return [];
  const kept = status === 'CANCELED' ? ', if checkpoints are retained on cancellation' : '';
  return [`latest checkpoint: ${latestCheckpointId}${kept}; to start a job from it: --from ${jobId}/${latestCheckpointId}`];
}

/**
 * Shows progress: in place on a terminal, a line a second (and at each change of status) elsewhere; why tasks are restarted, and
 * what user code they wait for unusually long, once each.
 */
export class ProgressDisplay {
  readonly #out: NodeJS.WriteStream;
  readonly #colours: Colours;
  #lastStatus = '';
  #lastAt = 0;
  #lastRestarts = 0;
  readonly #unsettled = new UnsettledNotes();
  #isOpen = false;

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
    this.#colours = coloursFor(out);
  }

  show(job: JobSummary, now: number): void {
    if (isEnded(job)) return;
    this.#showRestart(job);
    this.#showUnsettled(job);
    if (this.#out.isTTY) {
      this.#out.write(`\r\x1b[K${progressLine(job, now, this.#colours)}`);
      this.#isOpen = true;
      return;
    }
    if (job.status === this.#lastStatus && now - this.#lastAt < 1_000) return;
    this.#lastStatus = job.status;
    this.#lastAt = now;
    this.#out.write(`${progressLine(job, now, this.#colours)}\n`);
  }

  #showRestart({ restarts, error }: JobSummary): void {
    if (restarts <= this.#lastRestarts || error === null) return;
    this.#lastRestarts = restarts;
    this.close();
    this.#out.write(`${this.#colours.yellow(`restart ${restarts}:`)} ${explainError(error)}\n`);
  }

  #showUnsettled(job: JobSummary): void {
    for (const line of this.#unsettled.news(job)) {
      this.close();
      this.#out.write(`${this.#colours.yellow('waiting:')} ${line}\n`);
    }
  }

  /** Leaves the line it wrote in place, so that what follows begins on a new one. */
  close(): void {
    if (this.#isOpen) this.#out.write('\r\x1b[K');
    this.#isOpen = false;
  }
}
