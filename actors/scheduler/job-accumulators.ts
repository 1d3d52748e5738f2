/**
 * The accumulators of a job: those of its current executions, each counting on from the checkpoint it started from.
 *
 * JA1  A record that was processed again after a failure counts once, as in `record-counts.ts`.
 * JA2  What cannot be merged, or has grown beyond `limits.accumulatorBytesPerJob`, fails the job: nothing is left out.
 */
import { encode } from '../../bus/codec/cbor.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { mergeAccumulators, shownValue, type AccumulatorState, type AccumulatorStates } from '../../core/accumulator-state.js';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { tooLarge } from '../../dataflow/accumulators/task-accumulators.js';
import type { Execution } from './execution.js';

type Accumulating = Pick<Execution, 'name' | 'metrics' | 'accumulatorsBefore'>;

/** Merged by name, over all executions; or the error to fail the job with (JA2). */
export function accumulatorsOf(executions: readonly Accumulating[]): readonly AccumulatorState[] | MillraceError {
  let merged: readonly AccumulatorState[];
  try {
    merged = mergeAccumulators(executions.flatMap(partsOf));
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  const sizes = merged.map((state) => encode(state).length);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes <= limits.accumulatorBytesPerJob) return merged;
  const largest = merged[sizes.indexOf(Math.max(...sizes))] as AccumulatorState;
  return tooLarge(largest.name, `those of the job take ${bytes} bytes, more than ${limits.accumulatorBytesPerJob}`);
}

function partsOf({ name: where, metrics, accumulatorsBefore }: Accumulating): readonly AccumulatorStates[] {
  return [
    { where, states: accumulatorsBefore },
    { where, states: metrics.accumulators ?? [] },
  ];
}

/** As clients see them. */
export function shownAccumulators(states: readonly AccumulatorState[]): Pick<JobSummary, 'accumulators'> {
  if (states.length === 0) return {};
  return { accumulators: Object.fromEntries(states.map((state) => [state.name, { type: state.type, value: shownValue(state) }])) };
}
