/** What makes time inside a task: the splits of a source, or an operator that assigns timestamps. */

/** Asked between records only. */
export interface TimeOrigin {
  /** Every `pipeline.auto-watermark-interval`. `now`: of a clock that stands still while the task is held back. */
  onPeriodicEmit(now: number): void;
  /** As made so far, never falling. */
  readonly watermark: number;
  readonly isIdle: boolean;
}
