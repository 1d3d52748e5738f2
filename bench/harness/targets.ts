/** What a figure is asked to reach: said in words, checked, and drawn as a line. */

/** What a target looks at. */
export interface Measured {
  readonly value: number;
  readonly ratio: number | undefined;
  readonly baseline: { readonly name: string; readonly value: number } | undefined;
}

export interface Target {
  readonly text: string;
  isMet(row: Measured): boolean;
  /** Where the line is, in the row's unit. */
  at(row: Measured): number;
}

export const atLeastOfBaseline = (factor: number): Target => ({
  text: factor > 1 ? `at least ${factor} times it` : `at least ${factor} of it`,
  isMet: ({ ratio = 0 }) => ratio >= factor,
  at: ({ baseline }) => factor * (baseline?.value ?? 0),
});

export const atMostOfBaseline = (factor: number): Target => ({
  text: `at most ${factor} times it`,
  isMet: ({ ratio = Infinity }) => ratio <= factor,
  at: ({ baseline }) => factor * (baseline?.value ?? 0),
});

export const below = (bound: number, text: string): Target => ({ text, isMet: ({ value }) => value < bound, at: () => bound });
export const atLeast = (bound: number, text: string): Target => ({ text, isMet: ({ value }) => value >= bound, at: () => bound });
