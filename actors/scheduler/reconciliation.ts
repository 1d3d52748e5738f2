/**
 * Compares what the job believes to be on a TaskManager with what its heartbeat answer says, and heals lost messages.
 *
 * RC1  An answer proves nothing about what was accepted after its heartbeat was sent.
 * RC2  Something missing is believed on the second answer in a row: a report that says why may be on its way.
 * RC3  The same holds for CANCELED and FAILED, because the report itself carries the error; progress is believed at once.
 *      FINISHED is never taken from an answer: only the report, which is repeated until it is answered (SR2), carries what the
 *      task adds to the result of the job, and its last counters.
 * RC4  Answers that were overtaken by a later one are ignored.
 */
import type { AllocationId, AttemptId } from '../../core/ids.js';
import type { MessageReply } from '../../bus/protocol/registry.js';
import type { TaskState } from '../../bus/protocol/schemas.js';

/** Something the job believes to be there, and the beat before which the TaskManager had confirmed it. */
export interface Expected<Id> {
  readonly id: Id;
  readonly sinceBeat: number;
}

export interface Beliefs {
  /** Attempts that were accepted there and are not in a terminal state. */
  readonly attempts: readonly Expected<AttemptId>[];
  readonly allocations: readonly Expected<AllocationId>[];
  /** Attempts being deployed or cancelled there, confirmed or not: never unknown. */
  readonly known: ReadonlySet<AttemptId>;
}

export interface Findings {
  /** There, but the job knows nothing of them: cancel. */
  readonly unknownAttempts: readonly AttemptId[];
  /** Should be there, but are not. */
  readonly missingAttempts: readonly AttemptId[];
  readonly lostAllocations: readonly AllocationId[];
  /** States whose report may have been lost. */
  readonly states: readonly { readonly attemptId: AttemptId; readonly state: TaskState }[];
}

const terminal: readonly TaskState[] = ['FINISHED', 'CANCELED', 'FAILED'];

export class Reconciliation {
  #latestBeat = -1;
  /** What looked wrong in the latest answer. */
  #suspected: ReadonlySet<string> = new Set();

  compare(beat: number, beliefs: Beliefs, answer: MessageReply<'scheduler.heartbeat'>): Findings | undefined {
    if (beat <= this.#latestBeat) return undefined;
    this.#latestBeat = beat;
    const suspects = new Set<string>();
    const isBelieved = (what: string): boolean => {
      suspects.add(what);
      return this.#suspected.has(what);
    };
    const present = new Map(answer.attempts.map(({ attemptId, state }) => [attemptId, state]));
    const allocated = new Set(answer.allocations);
    const isOld = ({ sinceBeat }: Expected<unknown>): boolean => sinceBeat <= beat;
    const missingAttempts = beliefs.attempts
      .filter((expected) => isOld(expected) && !present.has(expected.id) && isBelieved(`missing ${expected.id}`))
      .map(({ id }) => id);
    const lostAllocations = beliefs.allocations
      .filter((expected) => isOld(expected) && !allocated.has(expected.id) && isBelieved(`lost ${expected.id}`))
      .map(({ id }) => id);
    const unknownAttempts = answer.attempts
      .filter(({ attemptId, state }) => !beliefs.known.has(attemptId) && !terminal.includes(state))
      .map(({ attemptId }) => attemptId);
    const states = answer.attempts.filter(
      ({ attemptId, state }) =>
        beliefs.known.has(attemptId) && state !== 'FINISHED' && (!terminal.includes(state) || isBelieved(`ended ${attemptId}`)),
    );
    this.#suspected = suspects;
    return { unknownAttempts, missingAttempts, lostAllocations, states };
  }
}
