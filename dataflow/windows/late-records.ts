import type { OperatorContext } from '../contracts.js';

/** Records that came after everything they belong to had ended: to the side output, or counted and dropped. */
export class LateRecords {
  /** `numLateRecordsDropped`. */
  droppedCount = 0;
  readonly #output: ((value: unknown, timestamp: number) => void) | undefined;

  constructor(context: OperatorContext, tag: string | undefined) {
    this.#output = tag === undefined ? undefined : context.sideOutput(tag);
  }

  take(value: unknown, timestamp: number): void {
    if (this.#output === undefined) this.droppedCount += 1;
    else this.#output(value, timestamp);
  }
}
