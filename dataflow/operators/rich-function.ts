/** The life of functions that are objects: what opens and closes them around their records, and what checkpoints tell them. */
import type { Operator } from '../contracts.js';
import type { CheckpointedFunction, RichFunction } from '../functions.js';
import { runtimeContextOf } from './runtime-context.js';

/** The object, or undefined when the function is a plain one. */
export function richOf<R extends RichFunction>(written: R | ((...values: never[]) => unknown)): R | undefined {
  return typeof written === 'function' ? undefined : written;
}

type CheckpointHooks = Pick<Required<Operator>, 'prepareSnapshot' | 'checkpointCompleted' | 'checkpointAborted'>;

/** What an operator does to open and close its function, and to tell it of checkpoints; nothing for a plain one. */
export function lifeOf(rich: (RichFunction & CheckpointedFunction) | undefined): Pick<Operator, 'open' | 'close' | keyof CheckpointHooks> {
  if (rich === undefined) return {};
  return { open: (context) => rich.open?.(runtimeContextOf(context)), close: () => rich.close?.(), ...checkpointHooksOf(() => rich) };
}

/** What an operator does to tell its function of checkpoints, once there is one. */
export function checkpointHooksOf(run: () => CheckpointedFunction | undefined): CheckpointHooks {
  return {
    prepareSnapshot: (id) => run()?.snapshotState?.(id),
    checkpointCompleted: (id) => run()?.notifyCheckpointComplete?.(id),
    checkpointAborted: (id) => run()?.notifyCheckpointAborted?.(id),
  };
}
