/**
 * How a task comes to its end, once its input has: reading → finished (END_OF_DATA sent) → closing (END_OF_PARTITION due
 * or sent).
 *
 * TE1  A task of a job with checkpoints waits, finished, for the final one; what it did before a final checkpoint that it
 *      restores is covered by it: it was committed on restore, and others may have ended.
 * TE2  END_OF_PARTITION leaves after the commits.
 */
import type { StreamEvent } from '../channels/elements.js';
import type { Procedure } from './procedure.js';
import type { EndPhase } from './task-checkpoints.js';
import type { TaskCommits } from './task-commits.js';
import type { TaskTime } from './task-time.js';

export interface TaskEndingOptions {
  readonly time: TaskTime;
  readonly commits: TaskCommits;
  /** Whether there will be a final checkpoint to wait for (TE1). */
  readonly isFinalCheckpointDue: boolean;
  readonly broadcast: (event: StreamEvent) => void;
  /** The end of the data was sent: nothing is due any more. */
  readonly onFinished: () => void;
  /** The final checkpoint is waited for. */
  readonly onEndOfData: () => void;
}

/** See the head of this file. */
export class TaskEnding {
  phase: EndPhase = 'reading';
  readonly #options: TaskEndingOptions;

  constructor(options: TaskEndingOptions) {
    this.#options = options;
  }

  /** No record will come any more. `last` is the input that ended last, of a task that has inputs. */
  *endInput(last?: number): Procedure {
    const { time, broadcast, isFinalCheckpointDue, onFinished, onEndOfData } = this.#options;
    yield* time.end(last);
    broadcast({ kind: 'end-of-data' });
    onFinished();
    this.phase = 'finished';
    if (isFinalCheckpointDue) onEndOfData();
    else yield* this.close();
  }

  /** After the commits: nothing follows on any output (TE2). The task stays until its consumers have everything. */
  *close(): Procedure {
    const { commits, broadcast } = this.#options;
    this.phase = 'closing';
    yield commits.settled();
    broadcast({ kind: 'end-of-partition' });
  }
}
