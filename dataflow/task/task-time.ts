/**
 * The event time of one task: where it stands, and what happens when it moves or the input ends.
 *
 * TT1  Time never falls. Timers that are due fire, and operators hear of it, before it is handed on (ET1).
 * TT2  A task that restores a checkpoint taken after `finish` hands time on, and calls no operator with it.
 */
import type { StreamEvent } from '../channels/elements.js';
import { maxWatermark, minWatermark } from '../contracts.js';
import { advanceChain, finishChain, type ChainScope } from './event-time.js';
import type { Procedure } from './procedure.js';

export interface TaskTimeOptions {
  readonly scope: ChainScope;
  /** TT2. */
  readonly isRestoredFinished: boolean;
  readonly broadcast: (event: StreamEvent) => void;
}

/** The operator of the task hands time on itself. */
const holdsTime = (scope: ChainScope): boolean => scope.operators()[0]?.operator?.holdsTime === true;

/** See the head of this file. */
export class TaskTime {
  readonly #options: TaskTimeOptions;
  #watermark: number = minWatermark;

  constructor(options: TaskTimeOptions) {
    this.#options = options;
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** Moves the event time of the whole chain. */
  *advance(watermark: number): Procedure {
    const { scope, isRestoredFinished, broadcast } = this.#options;
    this.#watermark = watermark;
    if (!isRestoredFinished) yield* advanceChain(scope, watermark);
    if (isRestoredFinished || !holdsTime(scope)) broadcast({ kind: 'watermark', time: watermark });
  }

  /** The last watermark, then the last words of the operators. */
  *end(): Procedure {
    const { scope, isRestoredFinished } = this.#options;
    if (this.#watermark < maxWatermark) yield* this.advance(maxWatermark);
    if (!isRestoredFinished) yield* finishChain(scope);
  }
}
