/** What people are told about checkpoints that fail. */
import { type ErrorRecord, fromErrorRecord, MillraceError } from '../../core/errors.js';
import type { CheckpointFailureReason } from '../../state-machines/pending-checkpoint/pending-checkpoint-machine.js';
import type { PendingCheckpoint } from './pending-checkpoint.js';

/** Tasks that are named; in the order of the graph, so that those which others wait for come first. */
const namedMax = 3;

/** Names the tasks that had not acknowledged when the time was over. */
export function expired(pending: Pick<PendingCheckpoint, 'checkpointId' | 'awaited'>, timeoutMs: number): MillraceError {
  const awaited = pending.awaited().map(({ taskName, subtaskIndex }) => `"${taskName}" (subtask ${subtaskIndex + 1})`);
  const others = awaited.length > namedMax ? ` and ${awaited.length - namedMax} more` : '';
  const message = `Checkpoint ${pending.checkpointId} took longer than ${timeoutMs} ms: it waited for ${awaited.slice(0, namedMax).join(', ')}${others}.`;
  return new MillraceError('CHECKPOINT_EXPIRED', message, {
    domain: 'external',
    recovery: 'restart-job',
    hint: 'A task is done when barriers came through all of its inputs and its snapshot was taken: look for one that is slow, or whose snapshotState does not settle.',
  });
}

/** The job fails for its checkpoints. `failure` is why the latest of them did, as far as anybody told. */
export function tooManyFailures(
  { failures, reason }: { readonly failures: number; readonly reason: CheckpointFailureReason },
  failure: ErrorRecord | undefined,
): MillraceError {
  const message = `Exceeded checkpoint tolerable failure threshold: ${failures} in a row, the last one ${reason}`;
  return new MillraceError('CHECKPOINT_FAILURES', message, {
    domain: 'external',
    recovery: 'restart-job',
    hint: 'Raise execution.checkpointing.tolerable-failed-checkpoints or execution.checkpointing.timeout, or see the tasks that declined in the log.',
    ...(failure === undefined ? {} : { cause: fromErrorRecord(failure) }),
  });
}
