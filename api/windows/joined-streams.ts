/**
 * Joins of two streams by key and window.
 *
 * JS1  `first.join(second).where(key).equalTo(key).window(assigner).apply(function)`: one result for each pair of records of a
 *      key and window, none for a record without a partner.
 * JS2  `coGroup` instead of `join`: one call for each key and window, with the records of both sides, of which one may be empty.
 * JS3  Results have the last time of their window as timestamp.
 */
import type { Key } from '../../core/keys.js';
import type { KeySelector } from '../../dataflow/contracts.js';
import type { Collector, Results, Synchronous } from '../../dataflow/functions.js';
import { joinedWindowOperator, type JoinPlan } from '../../dataflow/windows/joined-windows.js';
import type { Sides } from '../../dataflow/windows/window-contents.js';
import type { Window } from '../../dataflow/windows/window.js';
import type { KeyBy, KeyMadeBy, MatchingKey } from '../fields.js';
import type { DataStream } from '../streams/data-stream.js';
import type { KeyedStream } from '../streams/keyed-stream.js';
import type { SingleOutputStream } from '../streams/single-output-stream.js';
import { addOperator, type StreamHandle } from '../streams/stream-handle.js';
import { assertSynchronous } from '../transformation.js';
import { ConfiguredWindows } from './configured-windows.js';
import { dataOf, planOf, settingsOf, sideOutputsOf, type AnyWindows, type WindowOf } from './window-settings.js';

/** Makes the result of a pair. */
export type JoinFunction<L, R, Out, W extends Window> = (left: L, right: R, window: W) => Out;

/** Makes any number of results of a pair. */
export type FlatJoinFunction<L, R, Out, W extends Window> = (left: L, right: R, out: Collector<Out>, window: W) => Results<Out>;

/** Makes any number of results of the records of a key in a window; one side may be empty. */
export type CoGroupFunction<L, R, Out, W extends Window> = (
  left: readonly L[],
  right: readonly R[],
  out: Collector<Out>,
  window: W,
) => Results<Out>;

/** Both inputs, each partitioned by its key. */
export interface PairedInput {
  readonly left: StreamHandle;
  readonly right: StreamHandle;
}

/** Two streams that will meet by key. `Keys` is what follows when both keys are known. */
export class PairedStreams<L, R, Keys> {
  readonly #first: DataStream<L>;
  readonly #second: DataStream<R>;
  readonly #pair: (first: KeyedStream<Key, L>, second: KeyedStream<Key, R>) => Keys;

  constructor(first: DataStream<L>, second: DataStream<R>, pair: (first: KeyedStream<Key, L>, second: KeyedStream<Key, R>) => Keys) {
    this.#first = first;
    this.#second = second;
    this.#pair = pair;
  }

  /** The key of records of the first stream: a field, or a function that makes it. */
  where<const By extends KeyBy<L>>(key: By): PairedWhere<R, KeyMadeBy<L, By>, Keys> {
    // One signature for fields and functions; that of the stream has one for each.
    const first: KeyedStream<Key, L> = this.#first.keyBy(key as never);
    return { equalTo: (otherKey) => this.#pair(first, this.#second.keyBy(otherKey as never)) };
  }
}

/** Two streams that will meet, of which the first has its key. */
export interface PairedWhere<R, K extends Key, Keys> {
  /** The key of records of the second stream, of the same type. */
  equalTo<const By extends KeyBy<R>>(key: By & MatchingKey<K, KeyMadeBy<R, By>>): Keys;
}

/** What follows the keys of a join. */
export class JoinedKeys<L, R> {
  readonly #input: PairedInput;

  constructor(input: PairedInput) {
    this.#input = input;
  }

  window<const A extends AnyWindows<L | R>>(assigner: A): JoinedWindows<L, R, WindowOf<A>> {
    return new JoinedWindows<L, R, WindowOf<A>>(this.#input, settingsOf(assigner, 'join'));
  }
}

/** What follows the keys of a co-group. */
export class CoGroupedKeys<L, R> {
  readonly #input: PairedInput;

  constructor(input: PairedInput) {
    this.#input = input;
  }

  window<const A extends AnyWindows<L | R>>(assigner: A): CoGroupedWindows<L, R, WindowOf<A>> {
    return new CoGroupedWindows<L, R, WindowOf<A>>(this.#input, settingsOf(assigner, 'coGroup'));
  }
}

/** The windows in which two streams meet, which wait for the function of what meets. */
export abstract class PairedWindows<L, R, W extends Window> extends ConfiguredWindows<PairedInput, L | R, W> {
  protected add<Out>(name: string, written: unknown, process: JoinPlan<Out>['run']['process']): SingleOutputStream<Out> {
    const { left, right } = this.input;
    assertSynchronous(written, 'apply');
    const keyOf = ({ origins }: StreamHandle) => origins[0]?.keySelector as KeySelector<never>;
    const plan: JoinPlan<Out> = { ...planOf(this.settings), keysOf: [keyOf(left), keyOf(right)], run: { process } };
    const type = name.toLowerCase().replaceAll(' ', '-');
    const create = () => joinedWindowOperator(plan);
    const sideOutputs = sideOutputsOf(this.settings);
    return addOperator<Out>(left, { type, name, written, isKeyed: true, data: dataOf(this.settings), sideOutputs, create }, right);
  }
}

/** The windows of `join`: pairs of records of one key and window (JS1). */
export class JoinedWindows<L, R, W extends Window> extends PairedWindows<L, R, W> {
  /** One result for each pair. */
  apply<Out>(join: JoinFunction<L, R, Out, W> & Synchronous<Out>): SingleOutputStream<Out> {
    return this.add<Out>('Window Join', join, function* (_key, { window }, [sides]) {
      for (const [left, right] of pairsOf<L, R>(sides)) yield join(left, right, window as Window as W);
    });
  }

  /** Any number of results for each pair. */
  flatApply<Out>(join: FlatJoinFunction<L, R, Out, W> & Synchronous<Out>): SingleOutputStream<Out> {
    return this.add<Out>('Window Join', join, function* (_key, { window }, [sides], out) {
      for (const [left, right] of pairsOf<L, R>(sides)) yield* join(left, right, out, window as Window as W) ?? [];
    });
  }
}

/** The windows of `coGroup`: the records of both sides of one key and window (JS2). */
export class CoGroupedWindows<L, R, W extends Window> extends PairedWindows<L, R, W> {
  /** Any number of results for each key and window. */
  apply<Out>(group: CoGroupFunction<L, R, Out, W> & Synchronous<Out>): SingleOutputStream<Out> {
    return this.add<Out>('Window Co-Group', group, (_key, { window }, [sides], out) => {
      const { left, right } = sides as { readonly left: L[]; readonly right: R[] };
      return group(left, right, out, window as Window as W);
    });
  }
}

function* pairsOf<L, R>(sides: Sides | undefined): Iterable<readonly [L, R]> {
  if (sides === undefined) return;
  for (const left of sides.left) for (const right of sides.right) yield [left as L, right as R];
}
