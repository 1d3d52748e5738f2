/** What a window operator is made from. */
import { assert } from '../../core/errors.js';
import type { Key } from '../../core/keys.js';
import type { Emit, KeySelector, OperatorContext } from '../contracts.js';
import type { AggregateFunction, ReduceFunction } from '../functions.js';
import { copyRecord } from '../records/copy-record.js';
import type { Evictor } from './evictors/evictor.js';
import { EndOfStreamTrigger, NeverTrigger } from './triggers/end-triggers.js';
import { EventTimeTrigger } from './triggers/event-time-trigger.js';
import { ProcessingTimeTrigger } from './triggers/processing-time-trigger.js';
import type { Trigger } from './triggers/trigger.js';
import type { Windowing } from './window-assigner.js';
import {
  aggregatedContents,
  listedContents,
  mergedContents,
  reducedContents,
  sidedContents,
  sidesOf,
  timestampedContents,
  type ContentsOptions,
  type SidedRecord,
  type WindowContents,
} from './window-contents.js';
import { functionFiring, plainFiring, type WindowFiring } from './window-firing.js';
import type { ProcessWindowFunction } from './window-function.js';
import type { Window } from './window.js';

/** How the records of a window become the values its function gets. */
export type Folding<In, Acc, Mid> =
  | { readonly kind: 'aggregate'; readonly aggregate: AggregateFunction<In, Acc, Mid> }
  | { readonly kind: 'reduce'; readonly reduce: ReduceFunction<In> }
  /** `In` is {@link PartialResult}: of records that were folded like this. */
  | { readonly kind: 'partial'; readonly of: MergeableFolding<never, Acc, Mid> }
  | { readonly kind: 'list' }
  /** `In` is {@link SidedRecord}, `Mid` {@link Sides}. */
  | { readonly kind: 'sides' };

/** What can be folded in two steps. */
export type MergeableFolding<In, Acc, Mid> = Extract<Folding<In, Acc, Mid>, { readonly kind: 'aggregate' | 'reduce' }>;

export interface WindowPlan<In, Acc = unknown, Mid = unknown, Out = unknown> {
  readonly keyOf: KeySelector<In>;
  readonly assigner: Windowing<In>;
  /** Undefined: the one that belongs to the assigner. */
  readonly trigger: Trigger<In, Window> | undefined;
  readonly evictor: Evictor<In, Window> | undefined;
  /** In ms of event time. */
  readonly allowedLatenessMs: number;
  /** Side output of records that come too late; undefined: they are counted and dropped. */
  readonly lateTag: string | undefined;
  readonly folding: Folding<In, Acc, Mid>;
  /** Undefined: the values are the results. */
  readonly run: ProcessWindowFunction<Mid, Out, Key, Window> | undefined;
}

function contentsOptions({ operatorName, isObjectReuse }: OperatorContext): ContentsOptions {
  return { place: `${operatorName}, contents of a window`, isObjectReuse };
}

/** How the contents of windows are kept, without an evictor. */
export function contentsOf<In, Acc, Mid>(
  { folding }: Pick<WindowPlan<In, Acc, Mid>, 'folding'>,
  context: OperatorContext,
): WindowContents<In, Acc, Mid> {
  const options = contentsOptions(context);
  if (folding.kind === 'partial') {
    const merged = mergedContents(contentsOf<never, Acc, Mid>({ folding: folding.of }, context), options);
    return merged as WindowContents<never, Acc, Mid> as WindowContents<In, Acc, Mid>;
  }
  // The kind says which of the types are one and the same.
  if (folding.kind === 'aggregate') return aggregatedContents(folding.aggregate, options);
  if (folding.kind === 'reduce')
    return reducedContents(folding.reduce, options) as WindowContents<unknown, unknown, unknown> as WindowContents<In, Acc, Mid>;
  if (folding.kind === 'sides') return sidedContents(options) as WindowContents<never, unknown, unknown> as WindowContents<In, Acc, Mid>;
  return listedContents<In>(options) as WindowContents<unknown, unknown, unknown> as WindowContents<In, Acc, Mid>;
}

/** The same with an evictor: all records are kept (EV1), and what is left of them is folded when the window fires. */
export function evictableContents<In, Acc, Mid>(
  { folding }: WindowPlan<In, Acc, Mid>,
  context: OperatorContext,
): WindowContents<In, Acc, Mid> {
  assert(folding.kind !== 'partial', 'Of records that were folded before, none can be evicted.');
  const valuesOf = (values: readonly In[]): readonly Mid[] => {
    if (folding.kind === 'list') return values as readonly unknown[] as readonly Mid[];
    if (folding.kind === 'reduce') {
      const [first, ...others] = values;
      return [others.reduce(folding.reduce, copyRecord(first) as In)] as readonly unknown[] as readonly Mid[];
    }
    if (folding.kind === 'sides')
      return [sidesOf(values as readonly unknown[] as readonly SidedRecord[])] as readonly unknown[] as readonly Mid[];
    const { aggregate } = folding;
    return [aggregate.getResult(values.reduce((folded, value) => aggregate.add(value, folded), aggregate.createAccumulator()))];
  };
  return timestampedContents(contentsOptions(context), valuesOf) as WindowContents<In, unknown, Mid> as WindowContents<In, Acc, Mid>;
}

/** The trigger of a plan, or the one that belongs to its assigner. */
export function triggerOf<In>({ trigger, assigner }: Pick<WindowPlan<In>, 'trigger' | 'assigner'>): Trigger<In, Window> {
  if (trigger !== undefined) return trigger;
  if (assigner.kind === 'global') return assigner.firesAtEnd ? EndOfStreamTrigger.create() : NeverTrigger.create();
  // Its windows are all windows in time.
  if (assigner.kind === 'custom' && assigner.assigner.defaultTrigger !== undefined)
    return assigner.assigner.defaultTrigger as Trigger<In, Window>;
  return assigner.time === 'event' ? EventTimeTrigger.create() : ProcessingTimeTrigger.create();
}

export function firingOf<In, Acc, Mid, Out>(
  { run }: WindowPlan<In, Acc, Mid, Out>,
  out: Emit<Out>,
  context: OperatorContext,
): WindowFiring<Mid> {
  return run === undefined ? plainFiring(out as Emit<unknown> as Emit<Mid>) : functionFiring(run, out, context);
}
