/** Makes the data plane of one attempt of one subtask. */
import { StreamTask } from './task/stream-task.js';
import type { TaskRuntime, TaskRuntimeOptions } from './task-runtime.js';

/** A task that does nothing until `initialize`. */
export function createTaskRuntime(options: TaskRuntimeOptions): TaskRuntime {
  return new StreamTask(options);
}
