/** Operators of a chain that share their time, and where it stands. */
import type { CheckpointId, OperatorId } from '../../core/ids.js';
import { minWatermark } from '../contracts.js';
import type { TimeOrigin } from '../time/time-origin.js';
import type { ChainedOperator } from './chained-operator.js';

/** How far time had come in a checkpoint. */
export interface RestoredTime {
  readonly watermark: number;
  readonly checkpointId: CheckpointId;
}

/** See the head of this file. */
export interface Timeline {
  readonly operators: ChainedOperator[];
  readonly ids: Set<OperatorId>;
  watermark: number;
  /** When the watermark came to where it is, or the task began. */
  since: number;
  isIdle: boolean;
  /** What it goes on from; undefined: it began. */
  restored: RestoredTime | undefined;
  /** Undefined: what came in. */
  origin: TimeOrigin | undefined;
}

/** One without operators, where no time has passed. */
export const timeline = (origin?: TimeOrigin): Timeline => ({
  operators: [],
  ids: new Set(),
  watermark: minWatermark,
  since: 0,
  isIdle: false,
  restored: undefined,
  origin,
});
