/**
 * What a window keeps of its records: one accumulator, or all of them.
 *
 * WC1  What is kept belongs to the state: it shares nothing with records. A value that a function returns is copied when it
 *      is another object than the one it was given; an accumulator that is changed in place is never copied for a record.
 * WC2  `merge` gets two contents that are nobody else's: a function may take both apart. The earlier comes first.
 * WC3  Contents are plain data, so that they survive a checkpoint: anything else is refused with the first record.
 * WC4  A window without contents is an empty one, so a function that returns undefined for them would lose what is there: it
 *      is refused.
 */
import { MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/keys.js';
import type { AggregateFunction, ReduceFunction } from '../functions.js';
import { synchronous } from '../operators/synchronous.js';
import { copyValue } from '../../storage/state/heap/value-copier.js';
import type { TimestampedValue } from './evictors/evictor.js';

/** How contents are kept. `Mid` are the values a window function gets. */
export interface WindowContents<In, Acc, Mid> {
  /** The contents of a window with one record. */
  begin(value: In, timestamp: number): Acc;
  /** One record more. */
  add(value: In, contents: Acc, timestamp: number): Acc;
  merge(left: Acc, right: Acc): Acc;
  copy(contents: Acc): Acc;
  /** The values for the window function; `contents` are not used any more. */
  values(contents: Acc): readonly Mid[];
  /** Of all records one value remains: their contents may be merged ahead of time. */
  readonly isFolded: boolean;
  /** `add` as an expression over `value`, `before` and `timestamp`; `$name` stands for a value of `uses`. */
  readonly code: string;
  readonly uses: Readonly<Record<string, unknown>>;
}

export interface ContentsOptions {
  /** Names operator and state, for errors. */
  readonly place: string;
  /** `pipeline.object-reuse`: values may be kept as they are. */
  readonly isObjectReuse: boolean;
}

type Own = <T>(value: T) => T;

export function ownBy({ place, isObjectReuse }: ContentsOptions): Own {
  return isObjectReuse ? (value) => value : (value) => copyValue(value, place);
}

/** The same for what a function made of contents (WC4). */
export function ownContentsBy(options: ContentsOptions): Own {
  const own = ownBy(options);
  return (value) => own(present(value));
}

function present<T>(contents: T): T {
  if (contents !== undefined) return contents;
  throw new MillraceError('WINDOW_CONTENTS_MISSING', 'The function of the window returned undefined for what the window keeps.', {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Return the accumulator from add and merge, and a record from reduce, also when they changed the one they got.',
  });
}

/** One accumulator of an aggregate function. */
export function aggregatedContents<In, Acc, Mid>(
  aggregate: AggregateFunction<In, Acc, Mid>,
  options: ContentsOptions,
): WindowContents<In, Acc, Mid> {
  const own = ownContentsBy(options);
  const copy = (contents: Acc): Acc => copyValue(contents, options.place);
  return {
    begin: (value) => {
      const first = present(aggregate.add(value, aggregate.createAccumulator()));
      synchronous(first);
      // A copy even where objects are reused: it is what refuses instances of classes (WC3).
      return copy(first);
    },
    add: (value, before) => {
      const after = aggregate.add(value, before);
      return after === before ? before : own(after);
    },
    merge: (left, right) => present(aggregate.merge(left, right)),
    copy,
    values: (contents) => [synchronous(aggregate.getResult(contents))],
    isFolded: true,
    code: '$aggregate.add(value, before)',
    uses: { aggregate },
  };
}

/** One value that the others were folded into. */
export function reducedContents<T>(reduce: ReduceFunction<T>, options: ContentsOptions): WindowContents<T, T, T> {
  const own = ownContentsBy(options);
  return {
    begin: (value) => own(value),
    add: (value, before) => {
      const after = synchronous(reduce(before, value));
      return after === before ? before : own(after);
    },
    merge: (left, right) => present(reduce(left, right)),
    copy: (contents) => copyValue(contents, options.place),
    values: (contents) => [contents],
    isFolded: true,
    code: '$reduce(before, value)',
    uses: { reduce },
  };
}

/** What the records of one key in one slice were folded into ahead of their window, by one subtask. */
export interface PartialResult<Acc> {
  readonly key: Key;
  contents: Acc;
}

/** What such results are folded into: the same as their records would have been, so the state of a window is the same too. */
export function mergedContents<Acc, Mid>(
  { merge, copy, values, isFolded }: WindowContents<never, Acc, Mid>,
  options: ContentsOptions,
): WindowContents<PartialResult<Acc>, Acc, Mid> {
  const own = ownContentsBy(options);
  return {
    begin: ({ contents }) => own(contents),
    add: ({ contents }, before) => {
      const after = merge(before, contents);
      return after === before ? before : own(after);
    },
    merge,
    copy,
    values,
    isFolded,
    code: '$merge(before, value.contents)',
    uses: { merge },
  };
}

/** All records, in the order they came. */
export function listedContents<T>(options: ContentsOptions): WindowContents<T, T[], T> {
  const own = ownBy(options);
  const push = (contents: T[], value: T): T[] => {
    contents.push(own(value));
    return contents;
  };
  return {
    ...lists<T>(),
    begin: (value) => [own(value)],
    add: (value, contents) => push(contents, value),
    values: (contents) => contents,
    code: '$push(before, value)',
    uses: { push },
  };
}

/** All records with their timestamps, for evictors. The window function gets what `valuesOf` makes of those that are left. */
export function timestampedContents<T, Mid>(
  options: ContentsOptions,
  valuesOf: (values: readonly T[]) => readonly Mid[],
): WindowContents<T, TimestampedValue<T>[], Mid> {
  const own = ownBy(options);
  const push = (contents: TimestampedValue<T>[], value: T, timestamp: number): TimestampedValue<T>[] => {
    contents.push({ value: own(value), timestamp });
    return contents;
  };
  return {
    ...lists<TimestampedValue<T>>(),
    begin: (value, timestamp) => push([], value, timestamp),
    add: (value, contents, timestamp) => push(contents, value, timestamp),
    values: (contents) => valuesOf(contents.map(({ value }) => value)),
    code: '$push(before, value, timestamp)',
    uses: { push },
  };
}

/** A record of a join, which input it came from. */
export interface SidedRecord {
  readonly isLeft: boolean;
  readonly value: unknown;
}

/** The records of both inputs of a join, in the order they came. */
export interface Sides {
  readonly left: unknown[];
  readonly right: unknown[];
}

/** All records of two inputs. The window function gets them as one pair of lists. */
export function sidedContents(options: ContentsOptions): WindowContents<SidedRecord, Sides, Sides> {
  const own = ownBy(options);
  const push = (contents: Sides, { isLeft, value }: SidedRecord): Sides => {
    (isLeft ? contents.left : contents.right).push(own(value));
    return contents;
  };
  return {
    begin: (record) => push({ left: [], right: [] }, record),
    add: (record, contents) => push(contents, record),
    merge: (into, from) => {
      for (const value of from.left) into.left.push(value);
      for (const value of from.right) into.right.push(value);
      return into;
    },
    copy: ({ left, right }) => ({ left: left.slice(), right: right.slice() }),
    values: (contents) => [contents],
    isFolded: false,
    code: '$push(before, value)',
    uses: { push },
  };
}

/** The same of a list, as evictors leave it. */
export function sidesOf(records: readonly SidedRecord[]): Sides {
  const valuesOf = (isLeft: boolean): unknown[] => records.filter((record) => record.isLeft === isLeft).map(({ value }) => value);
  return { left: valuesOf(true), right: valuesOf(false) };
}

function lists<Item>(): Pick<WindowContents<unknown, Item[], unknown>, 'merge' | 'copy' | 'isFolded'> {
  return {
    merge: (left, right) => {
      for (const item of right) left.push(item);
      return left;
    },
    copy: (contents) => contents.slice(),
    isFolded: false,
  };
}
