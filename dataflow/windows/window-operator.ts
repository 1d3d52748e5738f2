import type { Operator } from '../contracts.js';
import { GeneralWindowOperator } from './general-window-operator.js';
import { SessionWindowOperator } from './session-window-operator.js';
import { SlicedWindowOperator } from './sliced-window-operator.js';
import { ProcessingTimeTrigger } from './triggers/processing-time-trigger.js';
import { triggerOf, type WindowPlan } from './window-plan.js';

/**
 * The operator of a plan. Windows that come with Millrace and fire at their end, without an evictor and at the same times in all
 * subtasks, have operators of their own, whose cost for a record does not depend on the number of its windows; everything
 * else is the general one's.
 */
export function windowOperator<In, Acc, Mid, Out>(plan: WindowPlan<In, Acc, Mid, Out>): Operator<In, Out> {
  const { assigner, evictor } = plan;
  const trigger = triggerOf(plan);
  const isOwnTrigger = trigger === triggerOf({ assigner, trigger: undefined });
  const isTumblingByClock = assigner.kind === 'fixed' && assigner.time === 'processing' && assigner.sizeMs === assigner.slideMs;
  const firesAtEnd = isTumblingByClock && trigger === ProcessingTimeTrigger.createWithEndOfStream();
  const isGeneral = !(isOwnTrigger || firesAtEnd) || evictor !== undefined;
  if (isGeneral || assigner.kind === 'global' || assigner.kind === 'custom') return new GeneralWindowOperator(plan);
  if (assigner.kind === 'fixed' && assigner.stagger !== undefined) return new GeneralWindowOperator(plan);
  return assigner.kind === 'session' ? new SessionWindowOperator(plan, assigner) : new SlicedWindowOperator(plan, assigner, firesAtEnd);
}
