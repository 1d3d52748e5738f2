/** What becomes of the states of a checkpoint that a job starts from, on a terminal. */
import type { ComparedState } from '../../storage/state/state-comparison.js';

const meanings: Readonly<Record<ComparedState['verdict'], string>> = {
  new: 'new',
  kept: 'kept',
  migrated: 'migrated',
  dropped: 'dropped',
  incompatible: 'incompatible',
  unknown: 'not known yet',
};

/** A line for each state. */
export function stateLines(states: readonly ComparedState[]): readonly string[] {
  if (states.length === 0) return ['the checkpoint holds no named states, and the job asks for none'];
  const width = Math.max(...states.map(({ verdict }) => meanings[verdict].length));
  return states.map(({ operator, state, verdict, reason }) => {
    const why = reason === undefined ? '' : `: ${reason}`;
    return `${meanings[verdict].padEnd(width)}  ${operator}, state ${JSON.stringify(state)}${why}`;
  });
}
