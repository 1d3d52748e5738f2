import type { KeyedStateBackend, ListState } from '../../storage/state/contracts.js';

/** A record with its time. */
export type SlicedRecord = readonly [timestamp: number, value: unknown];

export interface JoinSlicesOptions {
  readonly stateName: string;
  readonly keyed: KeyedStateBackend;
  /** Length of a slice, in ms. */
  readonly sliceMs: number;
  /** How long after its own time a record may still meet others. */
  readonly keptMs: number;
}

/**
 * The records of one side of a join, of the current key, by slices of time.
 *
 * JS1  Taking a record in and looking at those of a span cost what there is in the slices of that span, however much is kept.
 * JS2  A slice has one timer, for the first watermark at which its last record can meet nothing any more. (A record at the
 *      watermark itself still counts: it is not late.)
 * JS3  Slice `s` is the namespace `s + 0.5`: never 0, which stands for none.
 */
export class JoinSlices {
  readonly #options: JoinSlicesOptions;
  readonly #records: ListState<SlicedRecord>;

  constructor(options: JoinSlicesOptions) {
    this.#options = options;
    this.#records = options.keyed.listState(options.stateName, { isNamespaced: true });
  }

  /** Number of the slice of a time. */
  sliceOf(time: number): number {
    return Math.floor(time / this.#options.sliceMs);
  }

  add(timestamp: number, value: unknown): void {
    const { keyed } = this.#options;
    const slice = this.sliceOf(timestamp);
    keyed.setCurrentNamespace(slice + 0.5);
    this.#records.add([timestamp, value]);
    keyed.registerTimer('event', this.#endOf(slice), slice + 0.5);
  }

  /** The records of a slice, in the order they came. */
  of(slice: number): readonly SlicedRecord[] {
    this.#options.keyed.setCurrentNamespace(slice + 0.5);
    return this.#records.get();
  }

  /** A timer fired at `time` in `namespace`, which is current: the slice leaves if that was its time (JS2). */
  onTimer(time: number, namespace: number): void {
    if (time >= this.#endOf(namespace - 0.5)) this.#records.clear();
  }

  #endOf(slice: number): number {
    const { sliceMs, keptMs } = this.#options;
    return (slice + 1) * sliceMs + keptMs;
  }
}
