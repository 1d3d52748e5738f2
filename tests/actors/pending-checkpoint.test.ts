/** The snapshots of a checkpoint are those its machine kept. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PendingCheckpoint } from '../../actors/checkpoint-coordinator/pending-checkpoint.js';
import type { ExecutionView } from '../../actors/scheduler/checkpointing.js';
import { attemptNumber, checkpointId, formatAttemptId, leaderEpoch, vertexId } from '../../core/ids.js';
import type { TaskSnapshot } from '../../storage/contracts.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { silentLogger } from '../support/silent-logger.js';

const test = suite('PendingCheckpoint');
const attempt = (number: number, subtaskIndex: number) =>
  formatAttemptId({ vertexId: vertexId('v'), subtaskIndex, leaderEpoch: leaderEpoch(1), attemptNumber: attemptNumber(number) });
const snapshot = (name: string): TaskSnapshot => ({ name }) as unknown as TaskSnapshot;
const executions = [0, 1].map((subtaskIndex) => ({ attemptId: attempt(0, subtaskIndex), subtaskIndex }) as unknown as ExecutionView);

function begin() {
  const finalized: (readonly TaskSnapshot[])[] = [];
  const pending = new PendingCheckpoint({
    checkpointId: checkpointId(7),
    executions,
    startedAt: 0,
    timeoutMs: 1_000,
    clock: new ManualClock(),
    logger: silentLogger,
    name: 'checkpoint 7',
    trigger: () => undefined,
    finalize: (checkpoint) => finalized.push(checkpoint.snapshots()),
    ended: () => undefined,
  });
  return { pending, finalized };
}

test('it is finalized with the first snapshot of each attempt that was awaited, in the order of the executions (PC3)', () => {
  const { pending, finalized } = begin();
  pending.acknowledged(attempt(0, 1), snapshot('second'));
  pending.acknowledged(attempt(0, 1), snapshot('second, repeated'));
  pending.acknowledged(attempt(0, 0), snapshot('first'));
  assert.equal(finalized, [[snapshot('first'), snapshot('second')]]);
});

test('the snapshot of an attempt that is not awaited is no part of it, and what counts is what was kept', () => {
  const { pending, finalized } = begin();
  pending.acknowledged(attempt(5, 0), snapshot('of another attempt'));
  assert.equal(pending.snapshots(), []);
  pending.acknowledged(attempt(0, 0), snapshot('first'));
  assert.equal(pending.snapshots(), [snapshot('first')]);
  pending.acknowledged(attempt(0, 1), snapshot('second'));
  assert.is(finalized.length, 1);
});

test.run();
