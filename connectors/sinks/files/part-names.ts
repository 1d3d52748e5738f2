/**
 * How the files of a file sink are called.
 *
 * PN1  A name is unique to job, operator, subtask, attempt and number: nothing is ever overwritten, and no directory has
 *      to be listed to find a free one.
 * PN2  While a file is written it has its final name with `.` before and `.tmp` behind: hidden, and told apart by its end.
 */
import { createHash } from 'node:crypto';
import { parseAttemptId, type AttemptId } from '../../../core/ids.js';
import type { OperatorContext } from '../../../dataflow/contracts.js';

export interface NameFrame {
  readonly prefix: string;
  readonly suffix: string;
}

/** Hexadecimal digits that tell jobs and operators apart: the chance that two of a million share them is 1 in 500. */
const tagDigits = 12;

export class PartNames {
  readonly #frame: NameFrame;
  readonly #subtask: number;
  readonly #attempt: { readonly leaderEpoch: number; readonly attemptNumber: number };
  readonly #tag: string;
  #next = 0;

  constructor(frame: NameFrame, { task, operatorId }: Pick<OperatorContext, 'task' | 'operatorId'>) {
    this.#frame = frame;
    this.#subtask = task.subtaskIndex;
    this.#attempt = parseAttemptId(task.attemptId as AttemptId);
    this.#tag = createHash('sha256').update(`${task.jobId} ${operatorId}`).digest('hex').slice(0, tagDigits);
  }

  /** Final name of the next file. */
  next(): string {
    const { leaderEpoch, attemptNumber } = this.#attempt;
    const { prefix, suffix } = this.#frame;
    return `${prefix}-${this.#subtask}-${leaderEpoch}-${attemptNumber}-${this.#next++}-${this.#tag}${suffix}`;
  }

  /** Whether this is the final name of a file of any file sink with this prefix and suffix. */
  isFinal(name: string): boolean {
    return this.#parse(name) !== undefined;
  }

  /** Whether an older attempt of this subtask was writing this file: the newer ones may still need theirs. */
  isAbandoned(name: string): boolean {
    if (!name.startsWith('.') || !name.endsWith('.tmp')) return false;
    const parts = this.#parse(name.slice(1, -'.tmp'.length));
    if (parts?.tag !== this.#tag || parts.subtask !== this.#subtask) return false;
    const { leaderEpoch, attemptNumber } = this.#attempt;
    return parts.leaderEpoch < leaderEpoch || (parts.leaderEpoch === leaderEpoch && parts.attemptNumber < attemptNumber);
  }

  #parse(
    name: string,
  ): { readonly subtask: number; readonly leaderEpoch: number; readonly attemptNumber: number; readonly tag: string } | undefined {
    const { prefix, suffix } = this.#frame;
    if (!name.startsWith(`${prefix}-`) || !name.endsWith(suffix)) return undefined;
    const match = /^(\d+)-(\d+)-(\d+)-\d+-([0-9a-f]+)$/.exec(name.slice(prefix.length + 1, name.length - suffix.length));
    if (match === null) return undefined;
    const [subtask, leaderEpoch, attemptNumber] = match.slice(1, 4).map(Number) as [number, number, number];
    return { subtask, leaderEpoch, attemptNumber, tag: match[4] as string };
  }
}

/** Where a file is while it is written, from its final path (PN2). */
export function temporaryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return `${path.slice(0, slash + 1)}.${path.slice(slash + 1)}.tmp`;
}
