/** What a benchmark is, and the rows it gives. */
import type { Target } from './targets.js';

export interface Row {
  /** `<benchmark>: <what is measured>`; unique. */
  readonly name: string;
  /** What it is compared with; undefined for figures that stand alone. */
  readonly baseline: { readonly name: string; readonly value: number } | undefined;
  /** Median of the runs. */
  readonly value: number;
  readonly unit: string;
  /** Value by baseline. */
  readonly ratio: number | undefined;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  /** What is asked for, where that is in the row's unit, and whether the figure meets it. */
  readonly target: { readonly text: string; readonly isMet: boolean; readonly at?: number } | undefined;
  /** Rows of one panel share an axis; absent: the name says it. */
  readonly plot: Plotted | undefined;
}

/** Where a row stands in the picture of its benchmark. */
export interface Plotted {
  readonly panel: string;
  readonly label: string;
  /** A variant of what is under test, although it is compared with nothing. */
  readonly isOwn?: boolean;
}

export interface BenchmarkContext {
  /** Fewer and shorter runs: to see that everything works, not to be written down. */
  readonly isQuick: boolean;
  /** How often each form runs: `wanted`, or once when the figures are not to be written down. */
  rounds(wanted: number): number;
  readonly say: (line: string) => void;
}

export interface Benchmark {
  readonly name: string;
  /** One sentence each, for the README. */
  readonly measures: string;
  readonly doesNotMeasure: string;
  run(context: BenchmarkContext): Promise<readonly Row[]>;
}

export interface RowOptions {
  readonly name: string;
  readonly unit: string;
  readonly samples: readonly number[];
  readonly baseline?: { readonly name: string; readonly value: number };
  readonly target?: Target;
  readonly plot?: Plotted;
}

/** A row from the figures of several runs. */
export function rowOf({ name, unit, samples, baseline, target, plot }: RowOptions): Row {
  const value = median(samples);
  const ratio = baseline === undefined ? undefined : value / baseline.value;
  const measured = { value, ratio, baseline };
  return {
    name,
    baseline,
    value,
    unit,
    ratio,
    min: Math.min(...samples),
    max: Math.max(...samples),
    runs: samples.length,
    target: target === undefined ? undefined : { text: target.text, isMet: target.isMet(measured), at: target.at(measured) },
    plot,
  };
}

export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError('a benchmark without a run has no median');
  const sorted = [...samples].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
