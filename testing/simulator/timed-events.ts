/**
 * The input of simulated jobs that go by event time: records out of order, by no more than is known.
 *
 * TE1  In the order of the records, a time is at most `disorderMs` behind the latest before it, often exactly that. So it is in
 *      any part of them that keeps the order: a split, the left ones.
 * TE2  Times are multiples of a unit, all moved by the same; windows begin at multiples of it, unmoved. So records are the last
 *      or first millisecond of their windows, and as late as they may be, in every run and not in one of thousands.
 */
import type { SeededRandom } from './seeded-random.js';

export interface TimedEvent {
  readonly n: number;
  readonly key: number;
  readonly isLeft: boolean;
  readonly time: number;
}

export interface TimedInput {
  readonly events: readonly TimedEvent[];
  /** Records far behind all others in time, of a source that says nothing about time. */
  readonly quiet: readonly TimedEvent[];
  readonly unitMs: number;
  readonly disorderMs: number;
}

/** Draws records, their order and their times. Some times are below 0. */
export function drawTimedInput(random: SeededRandom, records: number): TimedInput {
  const unitMs = random.between(2, 50);
  const disorder = random.between(1, 12);
  const keys = random.between(1, 8);
  const movedMs = random.chance(0.5) ? unitMs - 1 : random.chance(0.5) ? 0 : random.between(0, unitMs - 1);
  const pace = 0.2 + random.next();
  const pauses = random.next() * 0.05;
  const events: TimedEvent[] = [];
  let now = 0;
  let latest = 0;
  for (let n = 1; n <= records; n++) {
    if (random.chance(pauses)) now += random.between(5, 40);
    now += pace;
    // Of whole units. On time, or as far behind the latest as may be, or in between.
    const at = random.chance(0.4)
      ? Math.floor(now)
      : random.chance(0.5)
        ? latest - disorder
        : Math.floor(now) - random.between(0, disorder);
    latest = Math.max(latest, at);
    const time = at * unitMs + movedMs;
    events.push({ n, key: random.between(1, keys), isLeft: random.chance(0.5), time });
  }
  const quiet = Array.from({ length: random.chance(0.3) ? random.between(1, 5) : 0 }, (_, index): TimedEvent => {
    const time = (Math.floor(now) + 1_000 + 7 * index) * unitMs + movedMs;
    return { n: records + 1 + index, key: random.between(1, keys), isLeft: true, time };
  });
  return { events, quiet, unitMs, disorderMs: disorder * unitMs };
}
