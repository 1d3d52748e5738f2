/**
 * In which order events are emitted, and which of them a split owns.
 *
 * EO1  Position p is the place in the order of emission; it carries one event, and each event has one position. Events are
 *      taken out of order within groups only.
 * EO2  Split s of S owns the positions p with (p div 1000) mod S = s, in rising order. Together they own all; so readers
 *      that keep pace with each other are close in event time.
 */
import { groupStride } from './options.js';

const runLength = 1_000;

/** The number of the event at a position, with groups of `groupSize`. */
export function eventAt(position: number, groupSize: number): number {
  if (groupSize === 1) return position;
  const group = Math.floor(position / groupSize);
  return group * groupSize + ((groupStride * (position - group * groupSize)) % groupSize);
}

/** The first position of a split. */
export function firstPosition(split: number): number {
  return split * runLength;
}

/** The position after `position` in a split of `splits`. */
export function nextPosition(position: number, splits: number): number {
  const next = position + 1;
  return next % runLength === 0 ? next + runLength * (splits - 1) : next;
}
