/**
 * Counts of whole numbers in buckets that widen with the value: quantiles in bounded memory, of one place or of many.
 *
 * LH1  Values below 32 have a bucket each; above, a bucket is at most a sixteenth as wide as its values are large. A
 *      quantile is never below the true one, and at most a sixteenth above it.
 * LH2  Merging gives what recording everything in one histogram would have given.
 * LH3  There are {@link bucketsMax} buckets. Values are rounded; what is below 0 counts as 0, what is above 2³¹ - 1 as that.
 */

/** Exact values, then sixteen buckets for each power of two up to 2³¹. */
export const bucketsMax = 448;
const exactMax = 32;
const bucketsPerOctave = 16;
const valueMax = 2 ** 31 - 1;

/** What a histogram says; see the head of the file that makes them. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Buckets that are not empty: `[bucket, count, bucket, count, …]`. */
export type SparseBuckets = readonly number[];

export class LogLinearHistogram {
  readonly #counts = new Float64Array(bucketsMax);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** Exact. */
  get max(): number {
    return this.#max;
  }

  record(value: number): void {
    const whole = value > 0 ? Math.min(valueMax, Math.round(value)) : 0;
    const bucket = bucketOf(whole);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count += 1;
    if (whole > this.#max) this.#max = whole;
  }

  /** Adds what {@link buckets} of another one gave. What cannot have come from one is left out. */
  merge(buckets: SparseBuckets, max: number): void {
    for (let at = 0; at + 1 < buckets.length; at += 2) {
      const bucket = buckets[at] as number;
      const count = buckets[at + 1] as number;
      if (!Number.isInteger(bucket) || bucket < 0 || bucket >= bucketsMax || !(count > 0)) continue;
      this.#counts[bucket] = (this.#counts[bucket] as number) + count;
      this.#count += count;
    }
    if (max > this.#max) this.#max = max;
  }

  buckets(): number[] {
    const sparse: number[] = [];
    for (const [bucket, count] of this.#counts.entries()) if (count > 0) sparse.push(bucket, count);
    return sparse;
  }

  /** The value that a share `q` of all is not above (LH1); 0 without values. */
  quantile(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (count > 0 && seen >= rank) return Math.min(this.#max, highestOf(bucket));
    }
    return this.#max;
  }

  quantiles(): Quantiles {
    return { count: this.#count, p50: this.quantile(0.5), p90: this.quantile(0.9), p99: this.quantile(0.99), max: this.#max };
  }
}

function bucketOf(value: number): number {
  if (value < exactMax) return value;
  // Of a value in [2ⁿ, 2ⁿ⁺¹), the four bits behind the first one say which sixteenth of the octave it is in.
  const shift = 27 - Math.clz32(value);
  return shift * bucketsPerOctave + (value >> shift);
}

function highestOf(bucket: number): number {
  if (bucket < exactMax) return bucket;
  const shift = Math.floor(bucket / bucketsPerOctave) - 1;
  const sixteenth = (bucket % bucketsPerOctave) + bucketsPerOctave;
  return (sixteenth + 1) * 2 ** shift - 1;
}
