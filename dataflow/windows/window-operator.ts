import type { Operator } from '../contracts.js';
import { GeneralWindowOperator } from './general-window-operator.js';
import { SessionWindowOperator } from './session-window-operator.js';
import { SlicedWindowOperator } from './sliced-window-operator.js';
import { triggerOf, type WindowPlan } from './window-plan.js';

/**
 * The operator of a plan. Time windows that fire at their end, without an evictor, have operators of their own, whose cost
 * for a record does not depend on the number of its windows; everything else is the general one's.
 */
export function windowOperator<In, Acc, Mid, Out>(plan: WindowPlan<In, Acc, Mid, Out>): Operator<In, Out> {
  const { assigner, evictor } = plan;
  const isOwnTrigger = triggerOf(plan) === triggerOf({ assigner, trigger: undefined });
  if (!isOwnTrigger || evictor !== undefined || assigner.kind === 'global') return new GeneralWindowOperator(plan);
  return assigner.kind === 'session' ? new SessionWindowOperator(plan, assigner) : new SlicedWindowOperator(plan, assigner);
}
