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
  /** Outputs that have a data frame waiting for credit. */
  fullChannels = 0;
  /** Bytes queued past the first waiting frame of a channel: what `collect` wrote although it should have paused. */
  overdraftBytes = 0;
}
