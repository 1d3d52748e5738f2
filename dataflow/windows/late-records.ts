import type { OperatorContext } from '../contracts.js';

/** Takes records that came after everything they belong to had ended: to the side output, or counted and dropped. */
export function lateRecordsOf(context: OperatorContext, tag: string | undefined): (value: unknown, timestamp: number) => void {
  if (tag !== undefined) return context.sideOutput(tag);
  const dropped = context.metrics.counter('numLateRecordsDropped');
  return () => dropped.increment();
}
