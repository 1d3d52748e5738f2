/**
 * How many records are processed before the clock is looked at: so many that looking costs little, and so few that they
 * take no longer than `targetMs`. It begins with one, because nothing is known of their cost yet.
 */
export class RecordPace {
  readonly #recordsMax: number;
  readonly #targetMs: number;
  /** To process before the next look. */
  records = 1;

  constructor(options: { readonly recordsMax: number; readonly targetMs: number }) {
    this.#recordsMax = options.recordsMax;
    this.#targetMs = options.targetMs;
  }

  /** So many records took so long; fewer than asked for say nothing, unless they took too long. */
  took(records: number, ms: number): void {
    if (records === 0) return;
    if (ms > this.#targetMs) this.records = Math.max(1, Math.floor((records * this.#targetMs) / ms));
    else if (ms < this.#targetMs / 2 && records >= this.records) this.records = Math.min(this.#recordsMax, this.records * 2);
  }
}
