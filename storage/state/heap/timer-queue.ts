/**
 * Timers of one time domain: earliest first, one a key and time.
 *
 * TQ1  Timers with equal times come in the order they were registered.
 * TQ2  Registering, deleting and taking a timer cost the logarithm of the number of distinct times, not of timers: all
 *      keys of a window share one bucket. Times whose timers are gone are dropped when they are half of the heap.
 * TQ3  Each timer carries the version it was registered in, for snapshots.
 */
export interface TimerBucket {
  readonly time: number;
  /** Version by number of the entry, in the order of registration. */
  readonly entries: Map<number, number>;
  /** Where taking stands: a Map's iterator skips what was deleted without looking at it again. */
  cursor: IterableIterator<number> | undefined;
}

const compactionLengthMin = 64;

export class TimerQueue {
  /** By time, in the order of their first timer. */
  readonly buckets = new Map<number, TimerBucket>();
  /** A binary heap; may hold times without a bucket, and times twice. */
  private times: number[] = [];

  /** False when the timer was there already. */
  register(entry: number, time: number, version: number): boolean {
    let bucket = this.buckets.get(time);
    if (bucket === undefined) {
      bucket = { time, entries: new Map(), cursor: undefined };
      this.buckets.set(time, bucket);
      this.push(time);
    } else if (bucket.entries.has(entry)) {
      return false;
    }
    bucket.entries.set(entry, version);
    return true;
  }

  versionOf(entry: number, time: number): number | undefined {
    return this.buckets.get(time)?.entries.get(entry);
  }

  delete(entry: number, time: number): void {
    const bucket = this.buckets.get(time);
    if (bucket?.entries.delete(entry) === true && bucket.entries.size === 0) this.dropBucket(bucket);
  }

  /** Time of the earliest timer. */
  nextTime(): number | undefined {
    for (;;) {
      const time = this.times[0];
      if (time === undefined || this.buckets.has(time)) return time;
      this.pop();
    }
  }

  /** The entry of the earliest timer due at `time`; it stays registered until it is deleted. */
  nextDue(time: number): { readonly entry: number; readonly time: number } | undefined {
    const next = this.nextTime();
    if (next === undefined || next > time) return undefined;
    const bucket = this.buckets.get(next) as TimerBucket;
    bucket.cursor ??= bucket.entries.keys();
    const found = bucket.cursor.next();
    return found.done === true ? undefined : { entry: found.value, time: next };
  }

  clear(): void {
    this.buckets.clear();
    this.times = [];
  }

  private dropBucket(bucket: TimerBucket): void {
    this.buckets.delete(bucket.time);
    if (this.times.length < compactionLengthMin || this.times.length < 2 * this.buckets.size) return;
    // A sorted array is a heap.
    this.times = [...this.buckets.keys()].sort((left, right) => left - right);
  }

  private push(time: number): void {
    const times = this.times;
    let index = times.length;
    times.push(time);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = times[parent] as number;
      if (above <= time) break;
      times[index] = above;
      index = parent;
    }
    times[index] = time;
  }

  private pop(): void {
    const times = this.times;
    const last = times.pop();
    if (last === undefined || times.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= times.length) break;
      if (child + 1 < times.length && (times[child + 1] as number) < (times[child] as number)) child += 1;
      const below = times[child] as number;
      if (below >= last) break;
      times[index] = below;
      index = child;
    }
    times[index] = last;
  }
}
