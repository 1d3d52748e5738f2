/** Counts the records of a window. */
import type { AggregateFunction } from 'millrace';

export const count: AggregateFunction<unknown, number, number> = {
  createAccumulator: () => 0,
  add: (_record, counted) => counted + 1,
  getResult: (counted) => counted,
  merge: (one, other) => one + other,
};
