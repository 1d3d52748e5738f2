/** What makes time inside a task: the splits of a source, or an operator that assigns timestamps. */

import type { TimeHolder } from '../../bus/protocol/event-times.js';

/** Asked between records only. */
export interface TimeOrigin {
  /** Every `pipeline.auto-watermark-interval`. `now`: of a clock that stands still while the task is held back. */
  onPeriodicEmit(now: number): void;
  /** Brings the watermark up to the records that came, where it goes by their times: no call of a custom generator. */
  followRecords(): void;
  /** As made so far, never falling. */
  readonly watermark: number;
  readonly isIdle: boolean;
  /** For people: what holds it, and how many of its parts do not. */
  holders(): TimeHolders;
}

/** What holds time, if anything does, and how many channels or splits are idle, and at their end. */
export interface TimeHolders {
  readonly heldBy: TimeHolder | null;
  readonly idle: number;
  readonly finished: number;
}

/** Of a source without a strategy: nothing makes its time. */
export const noStrategy: TimeHolders = { heldBy: { kind: 'no-strategy' }, idle: 0, finished: 0 };
