/**
 * Timers of one time domain: earliest first, one a key and time.
 *
 * TQ1  Timers with equal times come in the order they were registered.
 * TQ2  Registering, deleting and taking a timer cost the logarithm of the number of distinct times, not of timers: all
 *      keys of a window share one bucket. Times whose timers are gone are dropped when they are half of the heap.
 * TQ3  Each timer carries the version it was registered in, for snapshots.
 * TQ4  Nothing is allocated for a timer but numbers in columns.
 */
import { TimeBuckets } from './time-buckets.js';
import { TimeHeap } from './time-heap.js';
import { noTimer, timerFields as fields, TimerNodes } from './timer-nodes.js';

const compactionLengthMin = 64;

export class TimerQueue {
  private readonly nodes = new TimerNodes();
  private readonly buckets = new TimeBuckets();
  /** May hold times without a bucket, and times twice. */
  private readonly heap = new TimeHeap();
  /** Time and version of the timer that was taken last. */
  takenTime = 0;
  takenVersion = 0;

  /** False when the timer was there already. */
  register(entry: number, time: number, version: number): boolean {
    const { nodes, buckets } = this;
    let bucket = buckets.find(time);
    if (bucket < 0) {
      bucket = buckets.add(time);
      this.heap.push(time, bucket);
    } else if (nodes.find(entry, bucket) >= 0) return false;
    this.append(bucket, entry, version);
    return true;
  }

  versionOf(entry: number, time: number): number | undefined {
    const timer = this.find(entry, time);
    return timer < 0 ? undefined : this.nodes.get(timer, fields.version);
  }

  /** Notes that a snapshot has the timer, if it is there. */
  setVersion(entry: number, time: number, version: number): void {
    const timer = this.find(entry, time);
    if (timer >= 0) this.nodes.set(timer, fields.version, version);
  }

  /** Removes a timer that is there. */
  delete(entry: number, time: number): void {
    const timer = this.find(entry, time);
    if (timer < 0) return;
    this.remove(timer);
    const { heap, buckets } = this;
    if (heap.length < compactionLengthMin || heap.length < 2 * buckets.count) return;
    heap.rebuild(buckets.all(), (bucket) => buckets.timeOf(bucket));
  }

  /** Time of the earliest timer. */
  nextTime(): number | undefined {
    const { heap, buckets } = this;
    while (heap.length > 0) {
      if (buckets.isOf(heap.firstBucket, heap.firstTime)) return heap.firstTime;
      heap.pop();
    }
    return undefined;
  }

  /** Removes the earliest timer due at `time`; its entry, or -1. See `takenTime` and `takenVersion`. */
  take(time: number): number {
    const { heap, buckets, nodes } = this;
    while (heap.length > 0 && heap.firstTime <= time) {
      const bucket = heap.firstBucket;
      if (!buckets.isOf(bucket, heap.firstTime)) {
        heap.pop();
        continue;
      }
      const timer = buckets.first.get(bucket);
      const entry = nodes.get(timer, fields.entry);
      this.takenTime = heap.firstTime;
      this.takenVersion = nodes.get(timer, fields.version);
      const after = nodes.get(timer, fields.after);
      buckets.first.set(bucket, after);
      nodes.remove(timer);
      if (after >= 0) nodes.set(after, fields.before, noTimer);
      else {
        heap.pop();
        buckets.remove(bucket);
      }
      return entry;
    }
    return noTimer;
  }

  /** Times it remembers, with and without timers. */
  get timesHeld(): number {
    return this.heap.length;
  }

  /** Timers have numbers below; a timer keeps its number, which is given again once it is gone. */
  get end(): number {
    return this.nodes.end;
  }

  /** The entry of the timer of a number; -1 when there is none. */
  entryAt(timer: number): number {
    return this.nodes.get(timer, fields.entry);
  }

  timeAt(timer: number): number {
    return this.buckets.timeOf(this.nodes.get(timer, fields.bucket));
  }

  versionAt(timer: number): number {
    return this.nodes.get(timer, fields.version);
  }

  clear(): void {
    this.nodes.clear();
    this.buckets.clear();
    this.heap.clear();
  }

  private find(entry: number, time: number): number {
    const bucket = this.buckets.find(time);
    return bucket < 0 ? noTimer : this.nodes.find(entry, bucket);
  }

  /** Behind the others of its time (TQ1). */
  private append(bucket: number, entry: number, version: number): void {
    const { nodes, buckets } = this;
    const isFirst = buckets.first.get(bucket) < 0;
    const last = isFirst ? noTimer : buckets.last.get(bucket);
    const timer = nodes.add(entry, bucket, version, last);
    if (isFirst) buckets.first.set(bucket, timer);
    else nodes.set(last, fields.after, timer);
    buckets.last.set(bucket, timer);
  }

  private remove(timer: number): void {
    const { nodes, buckets } = this;
    const bucket = nodes.get(timer, fields.bucket);
    const before = nodes.get(timer, fields.before);
    const after = nodes.get(timer, fields.after);
    if (before < 0) buckets.first.set(bucket, after);
    else nodes.set(before, fields.after, after);
    if (after < 0) buckets.last.set(bucket, before);
    else nodes.set(after, fields.before, before);
    nodes.remove(timer);
    if (before < 0 && after < 0) buckets.remove(bucket);
  }
}
