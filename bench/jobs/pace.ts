/**
 * When records are to be made: the n-th at a moment that was fixed beforehand, however late the one before it was. A latency
 * counts from that moment, so that a stall is charged to every record it kept waiting (no coordinated omission).
 */

/** `performance.now()` counts from the start of each process and thread; this is the same on the whole machine. */
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
export const machineMs = (): number => performance.now() + offsetMs;

export interface PaceOptions {
  /** 0: as fast as it goes; then a record is due when it is made. */
  readonly perSecond: number;
  /** Records that nobody should measure. */
  readonly warmUp: number;
  readonly clock?: () => number;
}

export class Pace {
  readonly #clock: () => number;
  readonly #perMs: number;
  readonly #warmUp: number;
  #startedAt: number | undefined;
  #now = 0;

  constructor({ perSecond, warmUp, clock = machineMs }: PaceOptions) {
    this.#perMs = perSecond / 1_000;
    this.#warmUp = warmUp;
    this.#clock = clock;
  }

  /** Records that are due by now, in all. */
  due(): number {
    this.#now = this.#clock();
    this.#startedAt ??= this.#now;
    return this.#perMs === 0 ? Infinity : Math.floor((this.#now - this.#startedAt) * this.#perMs) + 1;
  }

  /** When record `n` is due; negative while it is part of the warm-up, so that whoever measures passes over it. */
  dueAt(n: number): number {
    const at = this.#perMs === 0 ? this.#now : (this.#startedAt ?? 0) + n / this.#perMs;
    return n < this.#warmUp ? -at : at;
  }
}
