/** What the accumulators of a job say, on a terminal. */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { shortened } from '../../core/shortened.js';

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 });
/** Of a value that is no number. */
const charactersMax = 120;

/** A line each, in the order in which they were created. */
export function accumulatorLines({ accumulators = {} }: JobSummary): readonly string[] {
  const all = Object.entries(accumulators);
  if (all.length === 0) return [];
  return ['accumulators:', ...all.map(([name, { type, value }]) => `  ${name}: ${textOf(value)}  (${type})`)];
}

function textOf(value: unknown): string {
  if (typeof value === 'number') return number.format(value);
  return shortened(value === null ? 'nothing yet' : (JSON.stringify(value) ?? String(value)), charactersMax);
}
