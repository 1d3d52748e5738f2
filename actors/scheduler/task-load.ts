/**
 * How a task spent its latest second or so, from two of its reports: busy, back-pressured and idle milliseconds a second.
 * They add up to 1,000, because a task accounts for all of its time.
 */
import type { TaskMetrics } from '../../bus/protocol/messages/tasks.js';

export interface TaskLoad {
  readonly busy: number;
  readonly backPressured: number;
  readonly idle: number;
}

/** Undefined when no time passed between the reports. */
export function loadBetween(before: TaskMetrics, after: TaskMetrics): TaskLoad | undefined {
  const busy = after.busyMs - before.busyMs;
  const backPressured = after.backPressuredMs - before.backPressuredMs;
  const idle = after.idleMs - before.idleMs;
  const total = busy + backPressured + idle;
  if (total <= 0) return undefined;
  const perSecond = (ms: number): number => Math.round((1_000 * ms) / total);
  const rounded = { busy: perSecond(busy), backPressured: perSecond(backPressured) };
  return { ...rounded, idle: Math.max(0, 1_000 - rounded.busy - rounded.backPressured) };
}
