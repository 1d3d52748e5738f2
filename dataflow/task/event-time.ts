/**
 * What happens in a chain when time moves, or input ends: timers, watermarks, `endInput`, `finish`.
 *
 * ET1  Timers that are due fire in order of time, before the watermark is handed on (Flink), one operator after the other.
 * ET2  Each timer fires only while there is room, as each record is processed only then.
 */
import type { TimeDomain } from '../../storage/state/contracts.js';
import { functionError } from '../operators/user-error.js';
import type { ChainedOperator } from './chained-operator.js';
import { callOperator, type Procedure } from './procedure.js';

/** The part of a task these procedures need. */
export interface ChainScope {
  operators(): readonly ChainedOperator[];
  /** Work is parked, or an output is full. */
  isHeldBack(): boolean;
  isParked(): boolean;
}

/** Timers fired before the loop has another look around. */
export const timersPerStep = 64;

/** Moves the event time of these operators of a chain to `watermark`. */
export function* advanceOperators(scope: ChainScope, operators: readonly ChainedOperator[], watermark: number): Procedure {
  for (const chained of operators) {
    yield* fireEventTimers(scope, chained, watermark);
    callOperator(chained.descriptor, () => chained.operator?.onWatermark?.(watermark));
    if (scope.isParked()) yield 'room';
  }
}

function* fireEventTimers(scope: ChainScope, chained: ChainedOperator, watermark: number): Procedure {
  if (chained.keyed === undefined) return;
  for (let fired = 1; ; fired += 1) {
    if (scope.isHeldBack() || fired % timersPerStep === 0) yield 'room';
    if (!fireTimer(chained, 'event', watermark)) return;
  }
}

/** Tells the head that one of its inputs has ended; what that emits is out, or parked, before anything else happens. */
export function* endInputOfHead(scope: ChainScope, input: number): Procedure {
  const [head] = scope.operators();
  if (head?.operator?.endInputOf === undefined) return;
  const { operator, descriptor } = head;
  if (scope.isHeldBack()) yield 'room';
  callOperator(descriptor, () => operator.endInputOf?.(input === 0 ? 1 : 2));
  if (scope.isParked()) yield 'room';
}

/** Fires the earliest timer that is due at `now`, if there is one. */
export function fireTimer({ keyed, operator, descriptor }: ChainedOperator, domain: TimeDomain, now: number): boolean {
  if (keyed?.takeTimer(domain, now) !== true) return false;
  try {
    operator?.onTimer?.(keyed.takenTime, domain, keyed.takenNamespace);
  } catch (error) {
    throw functionError(descriptor.name, error);
  }
  return true;
}

/** `endInput` and `finish` of each operator, first to last; each with what it emits before the next. */
export function* finishChain(scope: ChainScope): Procedure {
  for (const { operator, descriptor } of scope.operators()) {
    callOperator(descriptor, () => operator?.endInput?.());
    if (scope.isParked()) yield 'room';
    callOperator(descriptor, () => operator?.finish?.());
    if (scope.isParked()) yield 'room';
  }
}
