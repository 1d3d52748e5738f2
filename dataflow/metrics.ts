/**
 * Numbers that functions count for people who watch a job: they are told about once a second, for each subtask, and start
 * at nothing with each attempt. What must come out right is an accumulator.
 *
 * ME1  A metric belongs to the operator of the function; asked for again by its name, it is the same one.
 */

/** Counts up, or down. */
export interface MetricCounter {
  /** Adds `by`; default 1. */
  increment(by?: number): void;
  readonly count: number;
}

/** Counts events, and how many of them came a second lately. */
export interface Meter {
  /** `events` happened now; default 1. */
  mark(events?: number): void;
  readonly count: number;
}

/** How values are spread: whole numbers from 0 to 2³¹ - 1; others are rounded, or moved to the nearer end. Quantiles are up to a sixteenth too high. */
export interface MetricHistogram {
  record(value: number): void;
  readonly count: number;
}

/** The metrics of one operator in one subtask. A name has at most `limits.metricNameMax` characters. */
export interface MetricGroup {
  counter(name: string): MetricCounter;
  /** `read` is called about once a second; what is no finite number is not told. */
  gauge(name: string, read: () => number): void;
  histogram(name: string): MetricHistogram;
  meter(name: string): Meter;
}
