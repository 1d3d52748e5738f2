/**
 * Streams cut into windows: how they fire, what they keep, and the functions that make results of them.
 *
 * WS1  A windowed stream is never changed: each setting gives a new one.
 * WS2  What cannot work is refused while the job is built: triggers that cannot merge on sessions, lateness without event time.
 */
import type { Key } from '../../core/keys.js';
import type { KeySelector, Operator } from '../../dataflow/contracts.js';
import type { AggregateFunction, ReduceFunction, Synchronous } from '../../dataflow/functions.js';
import type { Windowing } from '../../dataflow/windows/window-assigner.js';
import type { ProcessWindow, ProcessWindowFunction, RichWindowFunction, WindowFunction } from '../../dataflow/windows/window-function.js';
import { windowOperator } from '../../dataflow/windows/window-operator.js';
import type { Folding } from '../../dataflow/windows/window-plan.js';
import type { Window } from '../../dataflow/windows/window.js';
import type { FieldUse } from '../../graph/types.js';
import { extremeBy, extremeOf, sumOf, type NumericField, type OrderedField } from '../aggregations.js';
import type { FieldOf } from '../fields.js';
import type { SingleOutputStream } from '../streams/single-output-stream.js';
import { addOperator, type StreamHandle } from '../streams/stream-handle.js';
import { assertMethods, assertSynchronous } from '../transformation.js';
import { preAggregated, type WindowInput } from './pre-aggregation.js';
import { ConfiguredWindows } from './configured-windows.js';
import { dataOf, planOf, settingsOf, sideOutputsOf, type AnyWindows, type WindowOf } from './window-settings.js';

/** What a windowed stream reads. */
interface WindowedInput<K extends Key, T> {
  readonly handle: StreamHandle;
  readonly keyOf: (value: T) => K;
  /** All records are of one key: the operator runs once. */
  readonly isForAll?: boolean;
  /** The fields its records have, where somebody declared them; undefined: all. */
  readonly fields?: readonly string[];
}

interface Evaluation<T, Acc, Mid, Out, K, W extends Window> {
  readonly type: string;
  readonly folding: Folding<T, Acc, Mid>;
  readonly run?: ProcessWindow<Mid, Out, K, W> | undefined;
  readonly data?: string;
  readonly fieldUse?: FieldUse;
}

/** A stream in windows; without keys (`windowAll`) `K` is null. */
export class WindowedStream<K extends Key, T, W extends Window> extends ConfiguredWindows<WindowedInput<K, T>, T, W> {
  /**
   * Folds records where they are made, and sends one partial result for each key and slice of the windows in their place: much
   * less to send where records of a key come close to each other, and a hot key is shared by all subtasks. For `reduce`,
   * `aggregate` and the likes of `sum`, in tumbling and sliding windows of event time that fire at their end; `merge` of an
   * aggregate, or the reduce function, makes one of two partial results. What the functions throw then fails the job from the
   * operator `Pre-Aggregation`, whatever the policy for errors of the window; `numLateRecordsDropped` counts partial results.
   */
  preAggregate(): WindowedStream<K, T, W> {
    return new WindowedStream(this.input, { ...this.settings, isPreAggregated: true });
  }

  /** Folds the records of a window into one; with a window function, that gets this one. */
  reduce(reduce: ReduceFunction<T>): SingleOutputStream<T>;
  reduce<Out>(reduce: ReduceFunction<T>, run: ProcessWindow<T, Out, K, W> & Synchronous<Out>): SingleOutputStream<Out>;
  reduce<Out>(reduce: ReduceFunction<T>, run?: ProcessWindow<T, Out, K, W>): SingleOutputStream<Out> {
    assertSynchronous(reduce, 'reduce');
    return this.#add({ type: 'window-reduce', folding: { kind: 'reduce', reduce }, run });
  }

  /** Keeps one accumulator for each window; with a window function, that gets its result. */
  aggregate<Acc, Out>(aggregate: AggregateFunction<T, Acc, Out> & Synchronous<Out>): SingleOutputStream<Out>;
  aggregate<Acc, Mid, Out>(
    aggregate: AggregateFunction<T, Acc, Mid>,
    run: ProcessWindow<Mid, Out, K, W> & Synchronous<Out>,
  ): SingleOutputStream<Out>;
  aggregate<Acc, Mid, Out>(aggregate: AggregateFunction<T, Acc, Mid>, run?: ProcessWindow<Mid, Out, K, W>): SingleOutputStream<Out> {
    assertMethods(aggregate, 'aggregate', ['createAccumulator', 'add', 'getResult', 'merge']);
    return this.#add({ type: 'window-aggregate', folding: { kind: 'aggregate', aggregate }, run });
  }

  /** Makes results of all records of a window. They are kept until then: where one value is enough, `aggregate` is cheaper. */
  process<Out>(run: ProcessWindow<T, Out, K, W> & Synchronous<Out>): SingleOutputStream<Out> {
    return this.#add<T[], T, Out>({ type: 'window-process', folding: { kind: 'list' }, run });
  }

  /** The same with a function of key, window and records. */
  apply<Out>(run: (WindowFunction<T, Out, K, W> | RichWindowFunction<T, Out, K, W>) & Synchronous<Out>): SingleOutputStream<Out> {
    assertSynchronous(run, 'apply', 'Pass a function.', 'apply');
    return this.#add<T[], T, Out>({ type: 'window-apply', folding: { kind: 'list' }, run: processOf<T, Out, K, W>(run) });
  }

  /** Adds up a field, in the first record of the window. */
  sum(field: NumericField<T>): SingleOutputStream<T> {
    return this.#aggregateField('window-sum', field, sumOf(field));
  }

  /** The smallest value of a field, in the first record of the window. */
  min(field: OrderedField<T>): SingleOutputStream<T> {
    return this.#aggregateField(
      'window-min',
      field,
      extremeOf<T>(field, (candidate, best) => candidate < best),
    );
  }

  /** The largest value of a field, in the first record of the window. */
  max(field: OrderedField<T>): SingleOutputStream<T> {
    return this.#aggregateField(
      'window-max',
      field,
      extremeOf<T>(field, (candidate, best) => candidate > best),
    );
  }

  /** The record with the smallest value of a field; of equal ones the first. */
  minBy(field: OrderedField<T>): SingleOutputStream<T> {
    return this.#aggregateField(
      'window-min-by',
      field,
      extremeBy<T>(field, (candidate, best) => candidate < best),
    );
  }

  /** The record with the largest value of a field; of equal ones the first. */
  maxBy(field: OrderedField<T>): SingleOutputStream<T> {
    return this.#aggregateField(
      'window-max-by',
      field,
      extremeBy<T>(field, (candidate, best) => candidate > best),
    );
  }

  #aggregateField(type: string, field: FieldOf<T>, reduce: ReduceFunction<T>): SingleOutputStream<T> {
    return this.#add({ type, folding: { kind: 'reduce', reduce }, data: field, fieldUse: { fields: [field], isPassedOn: true } });
  }

  #add<Acc, Mid, Out>({ type, folding, run, data, fieldUse }: Evaluation<T, Acc, Mid, Out, K, W>): SingleOutputStream<Out> {
    const { handle, keyOf, isForAll, fields } = this.input;
    const use = fields === undefined ? fieldUse : { fields: [...new Set([...fields, ...(fieldUse?.fields ?? [])])], isPassedOn: false };
    if (run !== undefined) assertSynchronous(run, type, 'Pass a function.', 'process');
    const plan = {
      ...planOf(this.settings),
      keyOf: keyOf as KeySelector<T>,
      folding,
      // Only the windows of the assigner come (WindowOf).
      run: (typeof run === 'function' ? { process: run } : run) as ProcessWindowFunction<Mid, Out, Key, Window> | undefined,
    };
    const input = { handle, plan, fieldUse: use };
    const results = this.settings.isPreAggregated
      ? this.#addWindows(preAggregated(input), { type, data })
      : this.#addWindows(input, { type, data });
    return isForAll === true ? results.setParallelism(1).setMaxParallelism(1) : results;
  }

  #addWindows<In, Acc, Mid, Out>(
    { handle, plan, fieldUse }: WindowInput<In, Acc, Mid, Out>,
    { type, data }: { readonly type: string; readonly data: string | undefined },
  ): SingleOutputStream<Out> {
    return addOperator<Out>(handle, {
      type,
      name: nameOf(plan.assigner),
      written: windowOperator,
      isKeyed: true,
      data: { ...dataOf(this.settings), field: data ?? null },
      sideOutputs: sideOutputsOf(this.settings),
      create: () => windowOperator(plan) as Operator,
      ...(fieldUse === undefined ? {} : { fieldUse }),
    });
  }
}

/** A function of key, window and records, as the operators call it. */
function processOf<T, Out, K, W extends Window>(
  written: WindowFunction<T, Out, K, W> | RichWindowFunction<T, Out, K, W>,
): ProcessWindowFunction<T, Out, K, W> {
  if (typeof written === 'function') return { process: (key, { window }, elements, out) => written(key, window, elements, out) };
  return {
    open: (context) => written.open?.(context),
    process: (key, { window }, elements, out) => written.apply(key, window, elements, out),
    close: () => written.close?.(),
  };
}

/** The windows of a stream whose records have a key. */
export function windowed<K extends Key, T, A extends AnyWindows<T>>(
  input: WindowedInput<K, T>,
  assigner: A,
): WindowedStream<K, T, WindowOf<A>> {
  return new WindowedStream<K, T, WindowOf<A>>(input, settingsOf(assigner, input.isForAll === true ? 'windowAll' : 'window'));
}

function nameOf(assigner: Windowing<never>): string {
  if (assigner.kind === 'global') return 'Global Window';
  if (assigner.kind === 'custom') return 'Custom Window';
  if (assigner.kind === 'session') return 'Session Window';
  return assigner.sizeMs === assigner.slideMs ? 'Tumbling Window' : 'Sliding Window';
}
