import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Operator } from '../contracts.js';
import { copyValue } from '../../storage/state/heap/value-copier.js';
import { approximateBytes } from '../records/copy-record.js';

/**
 * Gathers records for the result of the job, each exactly once: they are state until the task has finished. For small
 * results of bounded jobs; more than `limits.collectedBytesMax` in all subtasks together fails the job.
 */
export function collectOperator<T>(name: string): Operator<T, never> {
  const values: unknown[] = [];
  let report: () => void = () => undefined;
  return {
    bind: (_out, context) => {
      const bytesMax = Math.floor(limits.collectedBytesMax / context.task.parallelism);
      let bytes = 0;
      const add = (value: unknown): void => {
        bytes += approximateBytes(value);
        if (bytes > bytesMax) throw tooMuch(name, bytesMax, context.operatorName);
        values.push(value);
      };
      for (const former of context.restored ?? []) for (const value of former as readonly unknown[]) add(value);
      report = () => context.reportResult(name, values);
      // They are state and go into a message: what cannot be kept is refused here, where the operator is known.
      return (value) => add(copyValue(value, context.operatorName));
    },
    /** A task that had finished before it was restored does not finish again. */
    open: () => report(),
    finish: () => report(),
    snapshot: () => [...values],
  };
}

function tooMuch(name: string, bytesMax: number, operatorName: string): MillraceError {
  return new MillraceError('COLLECTED_TOO_MUCH', `More than ${bytesMax} bytes were collected under "${name}" in one subtask.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'Use a sink: collect is for small results.',
  });
}
