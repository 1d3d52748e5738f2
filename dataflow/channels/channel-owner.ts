/** What a channel end asks of the task that owns it. */
export interface ChannelOwner {
  /** Something arrived, or output is available again. Called often; must be cheap. */
  wake(): void;
  /** The channel is broken: frames were lost, or cannot be read. */
  fail(error: unknown): void;
}

/**
 * What holds a task back, as counters that its loop reads before each record. One per task, shared by all its outputs.
 */
export class OutputPressure {
  /** Reasons to hold back: outputs that have as many data frames waiting for credit as they may, and one if all together have. */
  fullChannels = 0;
  /** Bytes of frames that were completed while the outputs were full: what `collect` wrote although it should have paused. */
  overdraftBytes = 0;
  readonly #framesMax: number;
  #waitingFrames = 0;
  #isExhausted = false;

  /** `framesMax`: data frames that may wait for credit, of all outputs of the task. */
  constructor(framesMax = Infinity) {
    this.#framesMax = framesMax;
  }

  /** So many more data frames wait for credit, or fewer where negative. */
  addWaiting(frames: number): void {
    this.#waitingFrames += frames;
    const isExhausted = this.#waitingFrames >= this.#framesMax;
    if (isExhausted === this.#isExhausted) return;
    this.#isExhausted = isExhausted;
    this.fullChannels += isExhausted ? 1 : -1;
  }
}
