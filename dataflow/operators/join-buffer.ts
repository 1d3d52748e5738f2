import type { MapState } from '../../storage/state/contracts.js';

/** A record with its time, or how many more there are of one time. */
export type BufferCell = readonly [timestamp: number, value: unknown] | number;

/**
 * The records of one side of a join, of the current key, by their time.
 *
 * JB1  Taking a record in costs the same however many there are, also of one and the same time: each has a cell of its
 *      own. The first of a time `t` is at `t`, further ones at `t/1`, `t/2`, …, and at the text `t` is how many they are.
 */
export class JoinBuffer {
  readonly #state: MapState<number | string, BufferCell>;

  constructor(state: MapState<number | string, BufferCell>) {
    this.#state = state;
  }

  add(timestamp: number, value: unknown): void {
    if (!this.#state.has(timestamp)) {
      this.#state.put(timestamp, [timestamp, value]);
      return;
    }
    const more = this.#moreOf(timestamp) + 1;
    this.#state.put(`${timestamp}`, more);
    this.#state.put(`${timestamp}/${more}`, [timestamp, value]);
  }

  /** In no order; those of one time in the order they came. Numbers among them are none. */
  cells(): Iterable<BufferCell> {
    return this.#state.values();
  }

  /** All records of one time leave. */
  remove(timestamp: number): void {
    const more = this.#moreOf(timestamp);
    for (let number = 1; number <= more; number += 1) this.#state.remove(`${timestamp}/${number}`);
    if (more > 0) this.#state.remove(`${timestamp}`);
    this.#state.remove(timestamp);
  }

  #moreOf(timestamp: number): number {
    return (this.#state.get(`${timestamp}`) as number | undefined) ?? 0;
  }
}
