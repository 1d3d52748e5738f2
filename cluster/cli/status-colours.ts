/** The colours of states, of jobs and of tasks. */
import type { Colours } from './colours.js';

export function colourOf(status: string, { green, red, yellow }: Colours): (text: string) => string {
  if (status === 'FINISHED' || status === 'RUNNING') return green;
  if (status === 'FAILED' || status === 'FAILING') return red;
  return yellow;
}
