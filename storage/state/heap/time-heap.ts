/** A binary heap of times, the earliest first, each with the number of a bucket. Times are unboxed: nothing is allocated. */
export class TimeHeap {
  private times: number[] = [];
  private buckets: number[] = [];

  get length(): number {
    return this.times.length;
  }

  /** Of a heap that is not empty. */
  get firstTime(): number {
    return this.times[0] as number;
  }

  get firstBucket(): number {
    return this.buckets[0] as number;
  }

  push(time: number, bucket: number): void {
    const { times, buckets } = this;
    let index = times.length;
    times.push(time);
    buckets.push(bucket);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = times[parent] as number;
      if (above <= time) break;
      times[index] = above;
      buckets[index] = buckets[parent] as number;
      index = parent;
    }
    times[index] = time;
    buckets[index] = bucket;
  }

  /** Removes the first of a heap that is not empty. */
  pop(): void {
    const { times, buckets } = this;
    const last = times.pop() as number;
    const lastBucket = buckets.pop() as number;
    const { length } = times;
    if (length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && (times[child + 1] as number) < (times[child] as number)) child += 1;
      const below = times[child] as number;
      if (below >= last) break;
      times[index] = below;
      buckets[index] = buckets[child] as number;
      index = child;
    }
    times[index] = last;
    buckets[index] = lastBucket;
  }

  /** Holds these buckets, and no others. */
  rebuild(buckets: readonly number[], timeOf: (bucket: number) => number): void {
    // What is sorted is a heap.
    this.buckets = buckets.toSorted((left, right) => timeOf(left) - timeOf(right));
    this.times = this.buckets.map(timeOf);
  }

  clear(): void {
    this.times = [];
    this.buckets = [];
  }
}
