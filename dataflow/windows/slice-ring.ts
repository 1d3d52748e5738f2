/**
 * The slices of one key, and the contents of windows made of them.
 *
 * SR1  A ring holds the slices that have records, in order of time: as many entries as slices with data, however far apart.
 * SR2  Windows follow each other, so most of what one is made of was merged for the one before: merging costs about three
 *      merges a window, whatever its number of slices. What was merged ahead of time is not part of a snapshot: after a
 *      restore it is made again from the slices.
 * SR3  Contents handed out share nothing with the ring.
 * SR4  A ring knows what has fired (`closedOf`), also after a restore, when the watermark begins below where it was.
 * SR5  A ring is one flat array: what has fired, then the end and the contents of each slice. Where contents are numbers it is
 *      an array of numbers, in which nothing is an object of its own: a key costs one allocation, and is read in one place.
 */
import { minWatermark } from '../contracts.js';
import type { WindowContents } from './window-contents.js';

const ahead = Symbol('merged ahead of time');

/** Plain data, but for what is found again. A place is the index of an end; the contents of the slice come behind it. */
export interface SliceRing<Acc> extends Array<unknown> {
  /** Windows that end there or before have fired. */
  0: number;
  [ahead]?: Ahead<Acc> | undefined;
}

/** Of the first slice. */
const firstPlace = 1;

/**
 * Two stacks (a queue whose content is always merged): `suffixes` are the contents of everything from one slice up to where
 * the stack was built, the earliest slice on top; `newer` is what came after, up to `through`.
 */
interface Ahead<Acc> {
  readonly suffixes: Acc[];
  /** The first slice of each suffix. */
  readonly suffixEnds: number[];
  newer: Acc | undefined;
  /** Of the earliest slice in `newer`. */
  newerFirstEnd: number;
  through: number;
}

/** The part of the way to merge contents that rings need. */
type Merging<Acc> = Pick<WindowContents<never, Acc, unknown>, 'merge' | 'copy' | 'isFolded'>;

/** Windows of so few slices are merged one by one. */
const mergedOneByOneMax = 3;
/** Rings up to this length are moved element by element; beyond it that is not the fastest way. */
const movedOneByOneMax = 16;

export function ringOf<Acc>(end: number, contents: Acc): SliceRing<Acc> {
  // Two places in the code, so that the engine makes arrays of numbers at one of them (SR5).
  return typeof contents === 'number' ? [minWatermark, end, contents] : [minWatermark, end, contents];
}

/** A ring as it was kept in version 1 of the state. */
interface FormerRing {
  readonly ends: readonly number[];
  readonly contents: readonly unknown[];
  readonly closed?: number;
}

export function migrateRing<Acc>(old: unknown): SliceRing<Acc> {
  const { ends, contents, closed = minWatermark } = old as FormerRing;
  return [closed, ...ends.flatMap((end, slice) => [end, contents[slice]])];
}

/** Windows that end there or before have fired (SR4). */
export const closedOf = (ring: SliceRing<unknown>): number => ring[0];

export const endAt = (ring: SliceRing<unknown>, place: number): number => ring[place] as number;

/** Places lie below; {@link isEmpty}: there are none. */
export const contentsAt = <Acc>(ring: SliceRing<Acc>, place: number): Acc => ring[place + 1] as Acc;

export const isEmpty = (ring: SliceRing<unknown>): boolean => ring.length === firstPlace;

/** The place of a slice; not above 0: less that of where it would be. */
export function placeIn(ring: SliceRing<unknown>, end: number): number {
  let place = ring.length - 2;
  while (place > 0 && endAt(ring, place) > end) place -= 2;
  return place > 0 && ring[place] === end ? place : -2 - place;
}

/** The contents of a slice are about to change: what was merged with them is void. */
export function touchSlice(ring: SliceRing<unknown>, end: number): void {
  const merged = ring[ahead];
  if (merged !== undefined && end <= merged.through) ring[ahead] = undefined;
}

/** Adds a slice; the ring is the one to keep from now on. */
export function insertSlice<Acc>(ring: SliceRing<Acc>, place: number, end: number, contents: Acc): SliceRing<Acc> {
  if (place < ring.length) ring.splice(place, 0, end, contents);
  // Many keys have two slices and never more, and an array that is pushed to gets room for sixteen.
  else if (place === firstPlace + 2) return ringOfTwo(ring, end, contents);
  else ring.push(end, contents);
  return ring;
}

function ringOfTwo<Acc>(ring: SliceRing<Acc>, end: number, contents: Acc): SliceRing<Acc> {
  const [closed, firstEnd, first] = ring;
  return typeof contents === 'number' ? [closed, firstEnd, first, end, contents] : [closed, firstEnd, first, end, contents];
}

/** Drops the slices that end there or before. */
export function dropSlices(ring: SliceRing<unknown>, end: number): void {
  const { length } = ring;
  let kept = firstPlace;
  while (kept < length && endAt(ring, kept) <= end) kept += 2;
  if (kept === firstPlace) return;
  if (length > movedOneByOneMax) {
    ring.splice(firstPlace, kept - firstPlace);
    return;
  }
  const dropped = kept - firstPlace;
  for (let index = kept; index < length; index += 1) ring[index - dropped] = ring[index];
  ring.length = length - dropped;
}

/** Whether a slice lies after `from`, up to and including `to`. */
export function hasSlices(ring: SliceRing<unknown>, from: number, to: number): boolean {
  let place = firstPlace;
  while (place < ring.length && endAt(ring, place) <= from) place += 2;
  return place < ring.length && endAt(ring, place) <= to;
}

/** What the slices after `from`, up to and including `to`, hold together; undefined when there are none (SR3). */
export function contentsBetween<Acc>(ring: SliceRing<Acc>, from: number, to: number, merging: Merging<Acc>): Acc | undefined {
  let first = firstPlace;
  while (first < ring.length && endAt(ring, first) <= from) first += 2;
  let after = ring.length;
  while (after > first && endAt(ring, after - 2) > to) after -= 2;
  if (first === after) return undefined;
  if (!merging.isFolded || after - first <= 2 * mergedOneByOneMax) return mergedOneByOne(ring, first, after, merging);
  return mergedAhead(ring, { first, after, from, to }, merging);
}

function mergedOneByOne<Acc>(ring: SliceRing<Acc>, first: number, after: number, { merge, copy, isFolded }: Merging<Acc>): Acc {
  let merged = copy(contentsAt(ring, first));
  for (let place = first + 2; place < after; place += 2) {
    const contents = contentsAt(ring, place);
    // Merging lists only reads the second one.
    merged = merge(merged, isFolded ? copy(contents) : contents);
  }
  return merged;
}

interface Span {
  readonly first: number;
  readonly after: number;
  readonly from: number;
  readonly to: number;
}

/** SR2. */
function mergedAhead<Acc>(ring: SliceRing<Acc>, { first, after, from, to }: Span, { merge, copy }: Merging<Acc>): Acc {
  let merged = ring[ahead];
  if (merged === undefined || merged.through > to) {
    merged = { suffixes: [], suffixEnds: [], newer: undefined, newerFirstEnd: from, through: from };
    ring[ahead] = merged;
  }
  const { suffixes, suffixEnds } = merged;
  while (suffixEnds.length > 0 && (suffixEnds.at(-1) as number) <= from) {
    suffixEnds.pop();
    suffixes.pop();
  }
  if (suffixEnds.length === 0 && merged.newerFirstEnd <= from) {
    let suffix: Acc | undefined;
    for (let place = after - 2; place >= first; place -= 2) {
      const slice = copy(contentsAt(ring, place));
      suffix = suffix === undefined ? slice : merge(slice, copy(suffix));
      suffixes.push(suffix);
      suffixEnds.push(endAt(ring, place));
    }
    merged.newer = undefined;
  } else {
    let place = after;
    while (place > first && endAt(ring, place - 2) > merged.through) place -= 2;
    for (; place < after; place += 2) {
      const slice = copy(contentsAt(ring, place));
      if (merged.newer === undefined) merged.newerFirstEnd = endAt(ring, place);
      merged.newer = merged.newer === undefined ? slice : merge(merged.newer, slice);
    }
  }
  merged.through = to;
  const oldest = suffixes.at(-1);
  if (oldest === undefined) return copy(merged.newer as Acc);
  return merged.newer === undefined ? copy(oldest) : merge(copy(oldest), copy(merged.newer));
}
