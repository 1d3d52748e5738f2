/**
 * Windows that begin at other times in each subtask.
 *
 * WT1  By how much is known with the first record of a subtask, from its random numbers or its clock; it is from 0 up to the
 *      size of the windows.
 * WT2  It is part of checkpoints: after a restart windows begin where they did before. With another parallelism a subtask goes
 *      on with that of a former one, and one that gets none begins anew; what keys had open ends as it would have.
 */
import type { OperatorContext } from '../contracts.js';
import { windowStartAt, type FixedWindows } from './window-assigner.js';

/** The windows of records that come from now on; called when the operator opens. */
export function openStaggered(windows: FixedWindows, context: OperatorContext): () => FixedWindows {
  const { stagger } = windows;
  if (stagger === undefined) return () => windows;
  const state = context.operatorState.listState<number>('window-stagger');
  let current: FixedWindows | undefined;
  return () => {
    if (current !== undefined) return current;
    const movedMs = state.get()[0] ?? (stagger === 'RANDOM' ? drawn(windows, context) : sinceStart(windows, context));
    state.update([movedMs]);
    current = { ...windows, offsetMs: windows.offsetMs + movedMs };
    return current;
  };
}

const drawn = ({ slideMs }: FixedWindows, { random }: OperatorContext): number => Math.floor(random.next() * slideMs);

/** How long ago the window of now began, without an offset. */
function sinceStart({ slideMs }: FixedWindows, { clock }: OperatorContext): number {
  const now = clock.now();
  return now - windowStartAt(now, { slideMs, offsetMs: 0 });
}
