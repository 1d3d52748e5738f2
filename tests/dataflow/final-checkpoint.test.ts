/** When a task that has processed all its input may end. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { CheckpointId } from '../../core/ids.js';
import { TaskCheckpoints } from '../../dataflow/task/task-checkpoints.js';
import { userCalls } from '../support/user-calls.js';

const test = suite('final checkpoint');

function finishedTask(): { take(id: number, isFinal: boolean): void; abort(id: number): void; isCoveredBy(confirmed: number): boolean } {
  const checkpoints = new TaskCheckpoints({
    descriptor: { vertexId: 'v', subtaskIndex: 0 } as unknown as TaskDeploymentDescriptor,
    chunks: { write: () => Promise.reject(new Error('nothing to write')) } as never,
    clock: { now: () => 0, monotonic: () => 0, setTimer: () => ({ cancel: () => undefined }) },
    calls: userCalls(),
    wake: () => undefined,
    callbacks: { onAcknowledged: () => undefined, onDeclined: () => undefined },
    scope: { operators: () => [], isParked: () => false } as never,
    broadcast: () => undefined,
    source: () => undefined,
    recordsIn: () => 0,
    recordsWritten: () => 0,
    accumulators: () => [],
    endPhase: () => 'finished',
  });
  return {
    take: (id, isFinal) => {
      checkpoints.trigger({ checkpointId: id as CheckpointId, triggeredAt: 0, isFinal }, undefined);
      for (const procedure = checkpoints.next(); procedure?.next().done === false;);
    },
    abort: (id) => checkpoints.abort(id as CheckpointId, false),
    isCoveredBy: (confirmed) => checkpoints.isCoveredBy(confirmed),
  };
}

test('an ordinary checkpoint that completes after a final one failed does not end the task', () => {
  const task = finishedTask();
  task.take(16, true);
  task.abort(16);
  task.take(19, false);
  assert.not(task.isCoveredBy(19), 'another region has restarted and still reads');
  task.take(25, true);
  assert.not(task.isCoveredBy(19));
  assert.ok(task.isCoveredBy(25));
});

test('a checkpoint before the final one does not end the task', () => {
  const task = finishedTask();
  task.take(3, false);
  assert.not(task.isCoveredBy(3));
  task.take(4, true);
  assert.not(task.isCoveredBy(3));
  assert.ok(task.isCoveredBy(4));
});

test.run();
