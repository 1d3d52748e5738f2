/**
 * Latency markers that wait at the outputs of a task as long as the records before them do: for company in their frame, or
 * the buffer timeout. A marker that left at once would take their frame along, and tell of latencies that no record has.
 *
 * HM1  A marker leaves behind all records that were put into its channel before it, after their frame has left by itself,
 *      and before the next event. Like any event it takes along what was collected meanwhile: a frame that is not full,
 *      with a buffer timeout of -1 too. Once an interval and edge that costs less than to have channels put it between.
 * HM2  At most `limits.markersHeldMax` wait; further ones are dropped.
 */
import { limits } from '../../core/limits.js';
import type { LatencyMarker } from '../channels/elements.js';
import type { RecordOutput } from '../channels/output-channel.js';

interface HeldMarker {
  readonly channel: RecordOutput;
  readonly marker: LatencyMarker;
  /** When it came. More of them: the frame that it waits for has left. */
  readonly recordsOut: number;
}

export class HeldMarkers {
  #held: HeldMarker[] = [];

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  hold(channel: RecordOutput, marker: LatencyMarker): void {
    if (this.#held.length < limits.markersHeldMax) this.#held.push({ channel, marker, recordsOut: channel.recordsOut });
  }

  /** Sends those whose frame has left; and, when the buffer timeout `isOver`, those that wait for none. */
  release(isOver: boolean): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    for (const one of held) {
      const { channel, marker, recordsOut } = one;
      if (channel.recordsOut > recordsOut || (isOver && !channel.hasOpenBatch())) channel.sendEvent(marker);
      else this.#held.push(one);
    }
  }

  /** Before an event, which takes everything along (HM1). */
  sendAll(): void {
    const held = this.#held;
    this.#held = [];
    for (const { channel, marker } of held) channel.sendEvent(marker);
  }

  clear(): void {
    this.#held = [];
  }
}
