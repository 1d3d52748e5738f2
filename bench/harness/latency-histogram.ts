/** Latencies in buckets that grow by 2 %, so that a percentile is at most so far off, from 10 µs to a quarter of an hour. */
const leastMs = 0.01;
const growth = 1.02;
const perBucket = 1 / Math.log(growth);

export type Buckets = readonly (readonly [bucket: number, count: number])[];

export class LatencyHistogram {
  readonly #counts = new Float64Array(1_000);
  count = 0;

  add(ms: number): void {
    const bucket = ms <= leastMs ? 0 : Math.min(this.#counts.length - 1, Math.ceil(Math.log(ms / leastMs) * perBucket));
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.count += 1;
  }

  merge(buckets: Buckets): void {
    for (const [bucket, count] of buckets) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + count;
      this.count += count;
    }
  }

  /** The ones that are not empty. */
  buckets(): Buckets {
    return [...this.#counts].map((count, bucket) => [bucket, count] as const).filter(([, count]) => count > 0);
  }

  /** The upper bound of the bucket that holds this share of all; a share of 1 is the longest. */
  percentile(share: number): number {
    let left = share * this.count;
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0 && count > 0) return leastMs * growth ** bucket;
    }
    return 0;
  }
}
