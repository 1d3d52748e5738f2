/**
 * Finds the splits of the sources that this subtask enumerates for its job, while the task already runs.
 *
 * SE1  The list of a source is made once in the life of a job, by the subtask whose descriptor names the source.
 * SE2  A discovering source is enumerated again as long as the task runs, by the first subtask of each attempt; only what
 *      this attempt has not told yet is told.
 */
import type { OperatorId } from '../../core/ids.js';
import type { JobVertex } from '../../graph/types.js';
import type { Source } from '../contracts.js';
import { functionError } from '../operators/user-error.js';
import type { TaskRuntimeOptions } from '../task-runtime.js';
import type { CallingOperator, UserCalls } from './user-calls.js';

export interface SplitEnumerationOptions extends Pick<TaskRuntimeOptions, 'descriptor' | 'code' | 'ports' | 'splitSource'> {
  readonly vertex: JobVertex;
  readonly calls: UserCalls;
  readonly isEnded: () => boolean;
  readonly fail: (error: unknown) => void;
}

/** Returns at once; what goes wrong fails the task by the name of the source. */
export function enumerateSplits(options: SplitEnumerationOptions): void {
  const { descriptor, code, vertex, fail } = options;
  for (const operator of vertex.operators) {
    const { id, name } = operator;
    const factory = code.operators.get(id);
    if (factory?.kind !== 'source') continue;
    const { source } = factory;
    const isDiscovering = source.discoveryIntervalMs !== undefined && descriptor.subtaskIndex === 0;
    if (!isDiscovering && !descriptor.enumerate.includes(id)) continue;
    enumerate(options, operator, source).catch((error: unknown) => fail(functionError(name, error)));
  }
}

async function enumerate(
  options: SplitEnumerationOptions,
  operator: CallingOperator & { readonly id: OperatorId },
  source: Source<unknown>,
): Promise<void> {
  const { ports, splitSource, vertex, calls, isEnded } = options;
  const { id } = operator;
  const { clock, files, logger } = ports;
  const { discoveryIntervalMs } = source;
  const told = new Set<string>();
  for (let round = 0; !isEnded(); round += 1) {
    const splits = await calls.wait(operator, 'enumerate', source.enumerate({ files, clock, parallelism: vertex.parallelism, logger }));
    if (isEnded()) return;
    if (discoveryIntervalMs === undefined) return splitSource.enumerated(id, splits);
    const found = splits.filter((split) => !told.has(split.id));
    // The first list is told even when it is empty: readers wait for it.
    if (found.length > 0 || round === 0) await splitSource.enumerated(id, found, true);
    for (const split of found) told.add(split.id);
    await new Promise<void>((resolve) => void clock.setTimer(discoveryIntervalMs, resolve));
  }
}
