/** What a simulated job asks of records in event time. Times are multiples of the input's unit. */

interface Lateness {
  /** Whether records may come after the watermark, so that the answer depends on the history. */
  readonly isLatePossible: boolean;
  /** How far behind the latest a record may come, by the watermark strategy. */
  readonly allowedMs: number;
  /** How long a window goes on taking records. */
  readonly latenessMs: number;
}

export type FixedQuery = Lateness & { readonly kind: 'tumbling' | 'sliding'; readonly sizeMs: number; readonly slideMs: number };
export type SessionQuery = Lateness & { readonly kind: 'session'; readonly gapMs: number };
/** Pairs of left and right whose times, right less left, are from `lower` to `upper`. */
export type IntervalQuery = Lateness & { readonly kind: 'interval-join'; readonly lower: number; readonly upper: number };
/** Never with late records. */
export type WindowJoinQuery = Lateness & { readonly kind: 'window-join'; readonly sizeMs: number };
export type WindowQuery = FixedQuery | SessionQuery;
export type TimedQuery = WindowQuery | IntervalQuery | WindowJoinQuery;
