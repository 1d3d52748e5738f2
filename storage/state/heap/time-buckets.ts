/**
 * The distinct times of a queue, found by their value: a bucket each, with the first and the last of its timers.
 *
 * TB1  A bucket is there exactly while it has timers. The number of one that left is given to a later one.
 */
import { hashIn, KeyIndex } from './key-index.js';
import { IntegerColumn, NumberColumn, pageLength, ValueColumn } from './paged-column.js';
import { noTimer } from './timer-nodes.js';

const noBucket = -1;

/** Times are all that buckets differ in: their key is one and the same. */
const oneKey = null;
const hashOfTime = (time: number): number => hashIn(0, time);

export class TimeBuckets {
  /** Numbers of the first and the last timer; written by the queue. The first one is below 0 where there is none (TB1). */
  readonly first = new IntegerColumn();
  readonly last = new IntegerColumn();
  private readonly times = new NumberColumn();
  private readonly keys = new ValueColumn();
  private readonly index = new KeyIndex(this.keys, this.times);
  private free: number[] = [];
  private end = 0;
  /** The one that was found or made last: neighbouring registrations often share a time. */
  private latest = noBucket;

  get count(): number {
    return this.end - this.free.length;
  }

  timeOf(bucket: number): number {
    return this.times.get(bucket);
  }

  /** -1 when no timer has that time. */
  find(time: number): number {
    const { latest } = this;
    if (latest >= 0 && this.times.get(latest) === time) return latest;
    const bucket = this.index.findIn(hashOfTime(time), oneKey, time);
    if (bucket >= 0) this.latest = bucket;
    return bucket;
  }

  /** A new bucket for a time that has none; it has no timers yet. */
  add(time: number): number {
    const bucket = this.free.pop() ?? this.takeNumber();
    this.keys.set(bucket, oneKey);
    this.times.set(bucket, time);
    this.first.set(bucket, noTimer);
    this.index.insert(hashOfTime(time), bucket);
    this.latest = bucket;
    return bucket;
  }

  /** Of a bucket that has no timers any more. */
  remove(bucket: number): void {
    this.index.remove(hashOfTime(this.times.get(bucket)), bucket);
    this.first.set(bucket, noTimer);
    if (this.latest === bucket) this.latest = noBucket;
    this.free.push(bucket);
    if (this.count === 0 && this.end > pageLength) this.clear();
  }

  /** Every bucket that is there. */
  all(): number[] {
    const all: number[] = [];
    for (let bucket = 0; bucket < this.end; bucket += 1) if (this.first.get(bucket) >= 0) all.push(bucket);
    return all;
  }

  /** Whether a bucket of this number is there and of this time. */
  isOf(bucket: number, time: number): boolean {
    return bucket < this.end && this.first.get(bucket) >= 0 && this.times.get(bucket) === time;
  }

  clear(): void {
    for (const column of [this.first, this.last, this.times, this.keys]) column.clear();
    this.index.clear();
    this.free = [];
    this.end = 0;
    this.latest = noBucket;
  }

  private takeNumber(): number {
    const bucket = this.end;
    this.end = bucket + 1;
    for (const column of [this.first, this.last, this.times, this.keys]) column.reach(bucket);
    return bucket;
  }
}
