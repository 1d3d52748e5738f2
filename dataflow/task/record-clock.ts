/**
 * The clock as records see it: it is read between them, as often as the reader looks whether its slice is over (RR2), and with
 * every step. Once the cost of a record is known it is behind by a tenth of a slice at most, or by one record that takes longer;
 * when the cost rises all at once, by the records up to the next look: 64, or what a source emits in a step.
 */
import type { Clock } from '../../core/ports.js';

export class RecordClock {
  readonly #clock: Clock;
  #time = 0;
  #isKnown = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In ms since 1970. A task that never asks never reads the clock for it. */
  get time(): number {
    if (!this.#isKnown) {
      this.#time = this.#clock.now();
      this.#isKnown = true;
    }
    return this.#time;
  }

  /** Who asks next reads the clock. */
  look(): void {
    this.#isKnown = false;
  }
}
