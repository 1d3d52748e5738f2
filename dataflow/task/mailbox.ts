/**
 * What operators have to do between records because something outside a record happened: an answer came.
 *
 * MB1  Works run one at a time, in the order they were posted, when nothing is parked, no procedure runs and the outputs
 *      have room: as a record would be taken then. They come before the next record.
 */
export class Mailbox {
  readonly #wake: () => void;
  #works: (() => void)[] = [];

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  post(work: () => void): void {
    this.#works.push(work);
    this.#wake();
  }

  /** Whether there was one. */
  runOne(): boolean {
    const work = this.#works.shift();
    work?.();
    return work !== undefined;
  }

  clear(): void {
    this.#works = [];
  }
}
