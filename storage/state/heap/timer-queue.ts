/**
 * Timers of one time domain: earliest first, one a key and time.
 *
 * TQ1  Timers with equal times come in the order they were registered.
 * TQ2  Registering, deleting and taking a timer cost the logarithm of the number of distinct times, not of timers: all
 *      keys of a window share one bucket. Times whose timers are gone are dropped when they are half of the heap.
 * TQ3  Each timer carries the version it was registered in, for snapshots.
 * TQ4  A time with one timer, which most have where keys have times of their own, takes no Map.
 */
interface TimerBucket {
  readonly time: number;
  /** The only timer, as long as there is one (TQ4). */
  entry: number;
  version: number;
  /** Version by number of the entry, in the order of registration. */
  entries: Map<number, number> | undefined;
  /** Where taking stands: a Map's iterator skips what was deleted without looking at it again. */
  cursor: IterableIterator<number> | undefined;
}

const compactionLengthMin = 64;

/** Stands for an entry where no timer is due. */
const none = -1;

export class TimerQueue {
  /** By time, in the order of their first timer. */
  private readonly buckets = new Map<number, TimerBucket>();
  /** A binary heap; may hold times without a bucket, and times twice. */
  private times: number[] = [];
  /** Time and version of the timer that was taken last. */
  takenTime = 0;
  takenVersion = 0;

  /** False when the timer was there already. */
  register(entry: number, time: number, version: number): boolean {
    const bucket = this.buckets.get(time);
    if (bucket === undefined) {
      this.buckets.set(time, { time, entry, version, entries: undefined, cursor: undefined });
      this.push(time);
      return true;
    }
    if (bucket.entries === undefined) {
      if (bucket.entry === entry) return false;
      bucket.entries = new Map([[bucket.entry, bucket.version]]);
    } else if (bucket.entries.has(entry)) {
      return false;
    }
    bucket.entries.set(entry, version);
    return true;
  }

  versionOf(entry: number, time: number): number | undefined {
    const bucket = this.buckets.get(time);
    if (bucket?.entries !== undefined) return bucket.entries.get(entry);
    return bucket?.entry === entry ? bucket.version : undefined;
  }

  /** Notes that a snapshot has the timer, if it is there. */
  setVersion(entry: number, time: number, version: number): void {
    const bucket = this.buckets.get(time);
    if (bucket?.entries?.has(entry) === true) bucket.entries.set(entry, version);
    else if (bucket?.entries === undefined && bucket?.entry === entry) bucket.version = version;
  }

  /** Removes a timer that is there. */
  delete(entry: number, time: number): void {
    const bucket = this.buckets.get(time);
    bucket?.entries?.delete(entry);
    if (bucket === undefined || (bucket.entries !== undefined && bucket.entries.size > 0)) return;
    this.buckets.delete(bucket.time);
    if (this.times.length < compactionLengthMin || this.times.length < 2 * this.buckets.size) return;
    // A sorted array is a heap.
    this.times = [...this.buckets.keys()].sort((left, right) => left - right);
  }

  /** Time of the earliest timer. */
  nextTime(): number | undefined {
    for (;;) {
      const time = this.times[0];
      if (time === undefined || this.buckets.has(time)) return time;
      this.pop();
    }
  }

  /** Removes the earliest timer due at `time`; its entry, or -1. See `takenTime` and `takenVersion`. */
  take(time: number): number {
    for (let next = this.times[0]; next !== undefined && next <= time; next = this.times[0]) {
      const bucket = this.buckets.get(next);
      if (bucket !== undefined) return this.takeFrom(bucket);
      this.pop();
    }
    return none;
  }

  /** Every timer that is there when it is come to, with time and version; those registered meanwhile may be among them. */
  *timers(): Generator<readonly [entry: number, time: number, version: number], void, void> {
    let bucketsLeft = this.buckets.size;
    for (const bucket of this.buckets.values()) {
      if (bucketsLeft-- === 0) return;
      if (bucket.entries === undefined) {
        yield [bucket.entry, bucket.time, bucket.version];
        continue;
      }
      let left = bucket.entries.size;
      for (const [entry, version] of bucket.entries) {
        if (left-- === 0) break;
        yield [entry, bucket.time, version];
      }
    }
  }

  clear(): void {
    this.buckets.clear();
    this.times = [];
  }

  /** Of the bucket whose time is the first of the heap. */
  private takeFrom(bucket: TimerBucket): number {
    const { entries } = bucket;
    this.takenTime = bucket.time;
    if (entries === undefined) {
      this.takenVersion = bucket.version;
      this.buckets.delete(bucket.time);
      this.pop();
      return bucket.entry;
    }
    bucket.cursor ??= entries.keys();
    const entry = bucket.cursor.next().value as number;
    this.takenVersion = entries.get(entry) as number;
    entries.delete(entry);
    if (entries.size === 0) {
      this.buckets.delete(bucket.time);
      this.pop();
    }
    return entry;
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
