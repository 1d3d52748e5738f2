/** Finds the splits of the sources that this subtask enumerates for its job, while the task already runs. */
import type { JobVertex } from '../../graph/types.js';
import { functionError } from '../operators/user-error.js';
import type { TaskRuntimeOptions } from '../task-runtime.js';

export interface SplitEnumerationOptions extends Pick<TaskRuntimeOptions, 'descriptor' | 'code' | 'ports' | 'splitSource'> {
  readonly vertex: JobVertex;
  readonly fail: (error: unknown) => void;
}

/** Returns at once; what goes wrong fails the task by the name of the source. */
export function enumerateSplits({ descriptor, code, ports, splitSource, vertex, fail }: SplitEnumerationOptions): void {
  for (const id of descriptor.enumerate) {
    const factory = code.operators.get(id);
    const operator = vertex.operators.find((one) => one.id === id);
    if (factory?.kind !== 'source' || operator === undefined) continue;
    const context = { files: ports.files, parallelism: vertex.parallelism, logger: ports.logger };
    Promise.resolve()
      .then(() => factory.source.enumerate(context))
      .then((splits) => splitSource.enumerated(id, splits))
      .catch((error: unknown) => fail(functionError(operator.name, error)));
  }
}
