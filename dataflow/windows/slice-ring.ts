/**
 * The slices of one key, and the contents of windows made of them.
 *
 * SR1  A ring holds the slices that have records, in order of time: as many entries as slices with data, however far apart.
 * SR2  Windows follow each other, so most of what one is made of was merged for the one before: merging costs about three
 *      merges a window, whatever its number of slices. What was merged ahead of time is not part of a snapshot: after a
 *      restore it is made again from the slices.
 * SR3  Contents handed out share nothing with the ring.
 * SR4  A ring knows what has fired (`closed`), also after a restore, when the watermark begins below where it was.
 */
import { minWatermark } from '../contracts.js';
import type { WindowContents } from './window-contents.js';

const ahead = Symbol('merged ahead of time');

/** Plain data, but for what is found again. */
export interface SliceRing<Acc> {
  /** Ends of slices, in order of time. */
  readonly ends: number[];
  /** By place in `ends`. */
  readonly contents: Acc[];
  /** Windows that end there or before have fired; none of a ring from before there was this. */
  closed?: number;
  [ahead]?: Ahead<Acc> | undefined;
}

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

export function ringOf<Acc>(end: number, contents: Acc): SliceRing<Acc> {
  return { ends: [end], contents: [contents], closed: minWatermark, [ahead]: undefined };
}

/** The place of a slice; below 0: `-1 - place` of where it would be. */
export function placeIn({ ends }: SliceRing<unknown>, end: number): number {
  let place = ends.length - 1;
  while (place >= 0 && (ends[place] as number) > end) place -= 1;
  return place >= 0 && ends[place] === end ? place : -2 - place;
}

/** The contents of a slice are about to change: what was merged with them is void. */
export function touchSlice(ring: SliceRing<unknown>, end: number): void {
  const merged = ring[ahead];
  if (merged !== undefined && end <= merged.through) ring[ahead] = undefined;
}

export function insertSlice<Acc>(ring: SliceRing<Acc>, place: number, end: number, contents: Acc): void {
  if (place === ring.ends.length) {
    ring.ends.push(end);
    ring.contents.push(contents);
    return;
  }
  ring.ends.splice(place, 0, end);
  ring.contents.splice(place, 0, contents);
}

/** Drops the first slices. */
export function dropSlices(ring: SliceRing<unknown>, count: number): void {
  if (count === 0) return;
  if (count === 1) {
    // The usual case, without an array of what was dropped.
    ring.ends.shift();
    ring.contents.shift();
    return;
  }
  ring.ends.splice(0, count);
  ring.contents.splice(0, count);
}

/** Whether a slice lies after `from`, up to and including `to`. */
export function hasSlices({ ends }: SliceRing<unknown>, from: number, to: number): boolean {
  for (const end of ends) if (end > from) return end <= to;
  return false;
}

/** What the slices after `from`, up to and including `to`, hold together; undefined when there are none (SR3). */
export function contentsBetween<Acc>(ring: SliceRing<Acc>, from: number, to: number, merging: Merging<Acc>): Acc | undefined {
  const { ends } = ring;
  let first = 0;
  while (first < ends.length && (ends[first] as number) <= from) first += 1;
  let after = ends.length;
  while (after > first && (ends[after - 1] as number) > to) after -= 1;
  if (first === after) return undefined;
  if (!merging.isFolded || after - first <= mergedOneByOneMax) return mergedOneByOne(ring, first, after, merging);
  return mergedAhead(ring, { first, after, from, to }, merging);
}

function mergedOneByOne<Acc>({ contents }: SliceRing<Acc>, first: number, after: number, { merge, copy, isFolded }: Merging<Acc>): Acc {
  let merged = copy(contents[first] as Acc);
  // Merging lists only reads the second one.
  for (let place = first + 1; place < after; place += 1)
    merged = merge(merged, isFolded ? copy(contents[place] as Acc) : (contents[place] as Acc));
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
  const { ends, contents } = ring;
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
    for (let place = after - 1; place >= first; place -= 1) {
      const slice = copy(contents[place] as Acc);
      suffix = suffix === undefined ? slice : merge(slice, copy(suffix));
      suffixes.push(suffix);
      suffixEnds.push(ends[place] as number);
    }
    merged.newer = undefined;
  } else {
    let place = after;
    while (place > first && (ends[place - 1] as number) > merged.through) place -= 1;
    for (; place < after; place += 1) {
      const slice = copy(contents[place] as Acc);
      if (merged.newer === undefined) merged.newerFirstEnd = ends[place] as number;
      merged.newer = merged.newer === undefined ? slice : merge(merged.newer, slice);
    }
  }
  merged.through = to;
  const oldest = suffixes.at(-1);
  if (oldest === undefined) return copy(merged.newer as Acc);
  return merged.newer === undefined ? copy(oldest) : merge(copy(oldest), copy(merged.newer));
}
