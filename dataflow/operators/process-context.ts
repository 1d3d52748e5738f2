/** What process functions see of the record they are called for. */
import { MillraceError } from '../../core/errors.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import type { OperatorContext } from '../contracts.js';
import type { KeyedProcessContext, OnTimerContext, OutputTag, ProcessContext, TimerService, TimeService } from '../functions.js';
import type { ProcessCell } from '../fusion/process-call.js';
import { shownTimestamp, sideOutputsOf } from './runtime-context.js';

/** Shows the record whose timestamp stands in `cell`. */
export function processContextOf(cell: ProcessCell, context: OperatorContext): ProcessContext {
  const toSide = sideOutputsOf(context);
  return {
    timestamp: () => shownTimestamp(cell.now),
    time: { ...timersRefused(context.operatorName), ...timeOf(context) },
    output: <T>(tag: OutputTag<T>, value: T) => toSide(tag, value, cell.now),
  };
}

/** The same for records that have a key, which is the current one of `keyed`. */
export function keyedProcessContextOf<K>(cell: ProcessCell, context: OperatorContext, keyed: KeyedStateBackend): KeyedProcessContext<K> {
  return { ...processContextOf(cell, context), time: timersOf(keyed, context), currentKey: () => keyed.currentKey() as K };
}

/** One for each domain, since a call sees in which one its timer was. */
export function timerContextsOf<K>(context: KeyedProcessContext<K>): Readonly<Record<'event' | 'processing', OnTimerContext<K>>> {
  return { event: { ...context, domain: 'event' }, processing: { ...context, domain: 'processing' } };
}

const timerMethods = [
  'registerEventTimeTimer',
  'deleteEventTimeTimer',
  'registerProcessingTimeTimer',
  'deleteProcessingTimeTimer',
] as const satisfies readonly (keyof TimerService)[];

/** For programs that got past the compiler, as for state: what is only there where records have a key says so. */
function timersRefused(operatorName: string): object {
  const refuse = (method: string) => () => {
    throw new MillraceError('STATE_WITHOUT_KEY', `${method} was called where records have no key: timers belong to keys.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: operatorName,
      hint: 'Use keyBy before process.',
    });
  };
  return Object.fromEntries(timerMethods.map((method) => [method, refuse(method)]));
}

function timeOf(context: OperatorContext): TimeService {
  return { currentProcessingTime: () => context.clock.now(), currentWatermark: () => context.currentWatermark() };
}

function timersOf(keyed: KeyedStateBackend, context: OperatorContext): TimerService {
  return {
    ...timeOf(context),
    registerEventTimeTimer: (time) => keyed.registerTimer('event', time),
    deleteEventTimeTimer: (time) => keyed.deleteTimer('event', time),
    registerProcessingTimeTimer: (time) => keyed.registerTimer('processing', time),
    deleteProcessingTimeTimer: (time) => keyed.deleteTimer('processing', time),
  };
}
