/**
 * The latencies of the latest one to two minutes: two histograms, of which the older is forgotten when the newer is full.
 * So what is shown is how things are now, and still made of many markers.
 */
import { LogLinearHistogram, type SparseBuckets } from '../../core/log-linear-histogram.js';

export const latencyWindowMs = 60_000;

export class LatencyWindow {
  #recent = new LogLinearHistogram();
  #before = new LogLinearHistogram();
  #recentSince: number;

  /** `now`: of a clock that never goes back. */
  constructor(now: number) {
    this.#recentSince = now;
  }

  record(latencyMs: number, now: number): void {
    this.#moveTo(now);
    this.#recent.record(latencyMs);
  }

  /** What is in the window; undefined when it is empty. */
  content(now: number): { readonly buckets: SparseBuckets; readonly max: number } | undefined {
    this.#moveTo(now);
    if (this.#recent.count + this.#before.count === 0) return undefined;
    const both = new LogLinearHistogram();
    for (const part of [this.#before, this.#recent]) both.merge(part.buckets(), part.max);
    return { buckets: both.buckets(), max: both.max };
  }

  #moveTo(now: number): void {
    const halves = Math.floor((now - this.#recentSince) / latencyWindowMs);
    if (halves <= 0) return;
    this.#before = halves === 1 ? this.#recent : new LogLinearHistogram();
    this.#recent = new LogLinearHistogram();
    this.#recentSince += halves * latencyWindowMs;
  }
}
