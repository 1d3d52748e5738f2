/** Fails tasks of a job in its world, and says how far its restarts are. */
import { toErrorRecord, MillraceError, type ErrorRecord } from '../../core/errors.js';
import { type AttemptId } from '../../core/ids.js';
import type { FakeTaskManager } from './fake-task-manager.js';
import type { JobWorld } from './job-world.js';

export const boom: ErrorRecord = toErrorRecord(new MillraceError('USER_FUNCTION', 'boom', { domain: 'user' }));

export function attempt(taskManager: FakeTaskManager, vertex: string, subtaskIndex: number): AttemptId {
  const found = [...taskManager.tasks.values()].find(
    ({ descriptor }) => descriptor.vertexId === vertex && descriptor.subtaskIndex === subtaskIndex,
  );
  if (found === undefined) throw new Error(`${vertex} ${subtaskIndex} is not on ${taskManager.id}`);
  return found.descriptor.attemptId;
}

/** Fails one subtask as its own code would. */
export function fail(world: JobWorld, vertex: string, subtaskIndex: number, error = boom): void {
  const owner = world.owner(vertex, subtaskIndex);
  owner.move(attempt(owner, vertex, subtaskIndex), 'FAILED', error);
}

export const deployments = (world: JobWorld): number => world.taskManagers.reduce((sum, { deployed }) => sum + deployed.length, 0);
export const restartedTo = (world: JobWorld, restarts: number) => (): boolean =>
  world.scheduler.summary().restarts === restarts && world.isAllRunning;
